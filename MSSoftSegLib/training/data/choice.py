"""Which case, and where in it: drawn so that small lesions are seen as often as large ones.

First whether the case is pseudo-labelled (the recipe's share), then whether the sample shows a lesion (lesion_share), then
the case (each alike), then one of its lesions (each alike, whatever its size), then one of that lesion's voxels, which
comes to lie somewhere in the middle half of the sample. Other patches are centered on any voxel of the brain, other
slices are those that hold brain but no label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.training.data.augmentation.spatial import SpatialDraw, Window
from MSSoftSegLib.training.data.prepared_case import PreparedCase
from MSSoftSegLib.training.recipe import Recipe, SamplingSettings

# A lesion's voxel lies at most this share of the sample's side away from its center.
JITTER = 0.25
SIZE_MULTIPLE = 16


@dataclass(frozen=True)
class PlaceDraw:
    """voxel (z, y, x) of the case that the sample is laid around; jitter: where it comes to lie, from the center, in shares
    of the sample's size; on_lesion: whether it was chosen for its label."""

    case: int
    on_lesion: bool
    voxel: tuple[int, int, int]
    jitter: tuple[float, float, float]


class CaseChoice:
    """The groups that cases are drawn from; fixed once made.

    weights: how often each case is drawn against the others of its group; none given = each alike.
    """

    def __init__(self, cases: Sequence[PreparedCase], recipe: Recipe, *, weights: Sequence[float] = ()) -> None:
        if not cases:
            raise RequestError("there is no case to train on", remedy="give labelled cases")
        if weights and (len(weights) != len(cases) or min(weights) < 0):
            raise ValueError("one weight of at least 0 is wanted for each case")
        self.cases, self.sampling, self.weights = tuple(cases), recipe.sampling, tuple(weights)
        self.has_lesion = [case.lesion_starts().size > 1 for case in cases]
        if recipe.sampling.mode == "slice" and recipe.sampling.lesion_share == 1 and not any(self.has_lesion):
            raise RequestError(
                "no training case holds a lesion, and the recipe shows slices with lesions only",
                remedy="add cases with lesions, or lower sampling.lesion_share",
            )
        pseudo = [number for number, case in enumerate(cases) if case.is_pseudo_labelled]
        drawn_by_raters = [number for number, case in enumerate(cases) if not case.is_pseudo_labelled]
        self.pseudo_share = recipe.pseudo_labels.share if recipe.pseudo_labels is not None else None
        if self.pseudo_share is None or not pseudo or not drawn_by_raters:
            self.groups: tuple[list[int], ...] = (list(range(len(cases))),)
        else:
            self.groups = (drawn_by_raters, pseudo)

    def draw(self, *, rng: np.random.Generator) -> PlaceDraw:
        """One place; the number of draws from rng does not depend on what is drawn."""
        of_pseudo, of_lesion, of_case, of_slice, *jitter = rng.random(7)
        of_part, of_voxel = rng.random(2)
        group = self.groups[-1 if len(self.groups) == 2 and of_pseudo < (self.pseudo_share or 0.0) else 0]
        on_lesion = bool(of_lesion < self.sampling.lesion_share) and self.sampling.mode != "whole"
        group, on_lesion = self._with_lesions(group, on_lesion)
        number = self._one_of(group, float(of_case))
        if on_lesion:
            voxel = _lesion_voxel(self.cases[number], of_part, of_voxel)
        elif self.sampling.mode == "slice":
            voxel = _plain_slice_voxel(self.cases[number], of_slice, of_voxel)
        else:
            voxel = _brain_voxel(self.cases[number], of_voxel)
        spread = [float((2 * share - 1) * JITTER) if on_lesion else 0.0 for share in jitter]
        return PlaceDraw(number, on_lesion, voxel, (spread[0], spread[1], spread[2]))

    def _one_of(self, group: list[int], share: float) -> int:
        """The case at that share (0–1) of the group's weight; each weighs alike where no weights were given."""
        if not self.weights:
            return group[int(share * len(group))]
        up_to = np.cumsum([self.weights[number] for number in group])
        return group[min(int(np.searchsorted(up_to, share * up_to[-1], side="right")), len(group) - 1)]

    def _with_lesions(self, group: list[int], on_lesion: bool) -> tuple[list[int], bool]:
        """The cases that can show what was drawn: without a lesion in the group, brain alone is shown."""
        if not on_lesion:
            return group, False
        showing = [number for number in group if self.has_lesion[number]]
        if showing:
            return showing, True
        if self.sampling.mode == "slice" and self.sampling.lesion_share == 1:
            return [number for number, shown in enumerate(self.has_lesion) if shown], True
        return group, False


def _lesion_voxel(case: PreparedCase, of_lesion: float, of_voxel: float) -> tuple[int, int, int]:
    starts = case.lesion_starts()
    lesion = int(of_lesion * (starts.size - 1))
    first, stop = int(starts[lesion]), int(starts[lesion + 1])
    return _place(case, int(case.lesion_voxels()[first + int(of_voxel * (stop - first))]))


def _brain_voxel(case: PreparedCase, of_voxel: float) -> tuple[int, int, int]:
    voxels = case.brain_voxels()
    return _place(case, int(voxels[int(of_voxel * voxels.size)]))


def _plain_slice_voxel(case: PreparedCase, of_slice: float, of_voxel: float) -> tuple[int, int, int]:
    """A brain voxel of a slice without label; of any slice where all hold one."""
    per_slice = case.shape[1] * case.shape[2]
    voxels = case.brain_voxels()
    # Flat indices rise with z, so each slice's voxels lie together.
    bounds = np.searchsorted(voxels, np.arange(case.shape[0] + 1) * per_slice)
    with_brain = np.flatnonzero(np.diff(bounds))
    plain = np.setdiff1d(with_brain, np.asarray(case.lesion_voxels()) // per_slice)
    chosen = plain if plain.size else with_brain
    z = int(chosen[int(of_slice * chosen.size)])
    return _place(case, int(voxels[bounds[z] + int(of_voxel * (bounds[z + 1] - bounds[z]))]))


def _place(case: PreparedCase, flat: int) -> tuple[int, int, int]:
    z, y, x = np.unravel_index(flat, case.shape)
    return int(z), int(y), int(x)


def window_for(
    place: PlaceDraw, shape: tuple[int, int, int], sampling: SamplingSettings, draw: SpatialDraw, *, bend_voxels: float
) -> Window:
    """The window that shows the place: within the case where it can be, and never at the cost of the chosen voxel.

    shape: of the case. bend_voxels: how far an elastic deformation may carry the chosen voxel.
    """
    turns = np.abs(draw.turns())
    if sampling.mode == "whole":
        size = turns.T @ (np.ceil(np.array(shape) / SIZE_MULTIPLE) * SIZE_MULTIPLE)
        return _window(size, _on_lattice((np.array(shape) - 1) / 2, turns @ size))
    size = np.array(sampling.size if sampling.mode == "patch" else (1, *sampling.size), dtype=float)
    extent = turns @ size  # in the case, before rotation and scale
    matrix = draw.case_from_sample()
    jitter = np.array(place.jitter) * (size - 1)
    wanted = _on_lattice(np.array(place.voxel) - matrix @ jitter, extent)
    low, high = (extent - 1) / 2, np.array(shape) - 1 - (extent - 1) / 2
    clipped = _on_lattice(np.where(low <= high, np.clip(wanted, low, high), (low + high) / 2), extent)
    if sampling.mode == "slice":
        wanted[0] = clipped[0] = place.voxel[0]
    lies_at = np.linalg.inv(matrix) @ (np.array(place.voxel) - clipped)
    room = np.maximum((size - 1) / 2 - bend_voxels, 0)
    return _window(size, clipped if np.all(np.abs(lies_at) <= room + 1e-6) else wanted)


def _on_lattice(center: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """The nearest center whose window's voxels are voxels of the case."""
    return np.rint(center - (extent - 1) / 2) + (extent - 1) / 2


def _window(size: np.ndarray, center: np.ndarray) -> Window:
    depth, height, width = (int(side) for side in size)
    z, y, x = (float(value) for value in center)
    return Window((depth, height, width), (z, y, x))
