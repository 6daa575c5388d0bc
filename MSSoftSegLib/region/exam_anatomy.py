"""What an exam's regions rest on, whatever its lesions: where its fluid is and which space it belongs to, and where the atlas,
brought there by registration, expects each tissue.

It needs the preprocessed images alone, so it can be found while a network looks for lesions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.distance import distance_mm
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.atlas_regions import AtlasRegions, read_atlas_regions
from MSSoftSegLib.region.coarse import coarse_grid
from MSSoftSegLib.region.fluid import fluid_fraction
from MSSoftSegLib.region.regions import FLUIDS, TISSUES, VENTRICLES, Region
from MSSoftSegLib.region.registration import recall_atlas_from_exam

# Less is a piece of a brain, or a mask that missed it.
LEAST_BRAIN_ML = 400.0
# Priors are smooth: they are looked up on a grid of this size, mm, and interpolated.
PRIOR_MM = 2.0
# Fluid belongs to the nearest fluid space of the atlas; this far apart (mm) one of two is e times as probable.
SPACE_MM = 1.5
# A piece of fluid counts as ventricle only where it reaches one of the atlas's within this; a small one (a perivascular
# space, the bottom of a sulcus) only where it lies on it.
REACH_MM = 4.0
SMALL_PIECE_MM3 = 500.0
SMALL_REACH_MM = 1.0


@dataclass(frozen=True)
class ExamAnatomy:
    """On the working grid, arrays (z, y, x) of 0–1. fluid: the share of each voxel that is fluid; spaces: how far that fluid
    is each fluid space's, their sum 1 in the brain; prior: how probable the atlas finds each tissue."""

    fluid: np.ndarray
    spaces: Mapping[Region, np.ndarray]
    prior: Mapping[Region, np.ndarray]


def find_anatomy(working: WorkingExam, cache: StepCache | None = None) -> ExamAnatomy:
    """Of a preprocessed exam; deterministic. cache: where registration is remembered. BadImage where the exam shows no whole
    brain, or no fluid in it."""
    _check_whole_brain(working)
    fluid = fluid_fraction(working)
    tissue = image_like(fluid, (voxels(working.brain_mask) > 0) * (1 - voxels(fluid)))
    atlas = read_atlas_regions()
    return anatomy_by(recall_atlas_from_exam(atlas, tissue, cache), atlas, working, fluid)


def _check_whole_brain(working: WorkingExam) -> None:
    """Refuse what the atlas, a whole brain, cannot be laid on."""
    brain = working.brain_mask
    volume_ml = np.count_nonzero(voxels(brain)) * Grid.of(brain).voxel_volume_mm3 / MM3_PER_ML
    if volume_ml < LEAST_BRAIN_ML:
        raise BadImage(
            f"the brain mask holds {volume_ml:.0f} ml, which is no whole brain",
            remedy="give an exam that shows the whole brain",
        )


def anatomy_by(
    atlas_from_working: sitk.Transform, atlas: AtlasRegions, working: WorkingExam, fluid: sitk.Image
) -> ExamAnatomy:
    """The same by a given transform from points of the working space to the atlas; fluid: a first guess of its fraction."""
    brain = voxels(working.brain_mask) > 0
    apart_mm = _distances(atlas, atlas_from_working, working.grid)
    spaces = _fluid_spaces(apart_mm, brain)
    core = np.min([apart_mm[space] for space in VENTRICLES], axis=0) < 1
    wet = _with_ventricles(working, voxels(fluid), core, 1 - spaces[Region.OUTER_FLUID])
    _give_lost_pieces_to_outer_fluid(spaces, apart_mm, wet, working.grid.voxel_volume_mm3)
    return ExamAnatomy(wet, spaces, _priors(atlas, atlas_from_working, working.grid))


def _priors(atlas: AtlasRegions, atlas_from_working: sitk.Transform, grid: Grid) -> dict[Region, np.ndarray]:
    """The atlas's priors of tissues on the working grid, float32 (z, y, x)."""
    small = coarse_grid(grid, PRIOR_MM)
    points = atlas_index(atlas.grid, atlas_from_working, small)
    priors = {}
    for region in TISSUES:
        array = ndimage.map_coordinates(atlas.prior[region], points, order=1, prefilter=False)
        priors[region] = voxels(resample(small.image(array), grid))
    return priors


def atlas_index(atlas_grid: Grid, atlas_from_working: sitk.Transform, grid: Grid) -> np.ndarray:
    """For each voxel of a grid its index (z, y, x) in the atlas's arrays, float32 (3, z, y, x)."""
    shift = sitk.TransformToDisplacementField(
        atlas_from_working, sitk.sitkVectorFloat64, grid.size, grid.origin_mm, grid.spacing_mm, grid.direction
    )
    to_lps = grid.lps_from_voxel()
    z, y, x = np.meshgrid(*(np.arange(n) for n in grid.size[::-1]), indexing="ij")
    points = np.stack([x, y, z], axis=-1) @ to_lps[:3, :3].T + to_lps[:3, 3] + sitk.GetArrayFromImage(shift)
    to_index = np.linalg.inv(atlas_grid.lps_from_voxel())
    index = points @ to_index[:3, :3].T + to_index[:3, 3]
    return np.moveaxis(index[..., ::-1], -1, 0).astype(np.float32)


def _distances(atlas: AtlasRegions, atlas_from_working: sitk.Transform, grid: Grid) -> dict[Region, np.ndarray]:
    """How far each voxel lies from each fluid space of the atlas, mm, float32 (z, y, x); inf from one that is not there."""
    small = coarse_grid(grid, PRIOR_MM)
    label = ndimage.map_coordinates(
        atlas.labels, atlas_index(atlas.grid, atlas_from_working, small), order=0, prefilter=False
    )
    distances = {}
    for space in FLUIDS:
        # Outside the brain is the outer fluid's side.
        there = (label == space) | ((label == Region.OUTSIDE) & (space is Region.OUTER_FLUID))
        if there.any():
            distances[space] = voxels(resample(small.image(distance_mm(there, small.spacing_mm)), grid))
        else:
            distances[space] = np.full(grid.size[::-1], np.inf, np.float32)
    return distances


def _fluid_spaces(apart_mm: dict[Region, np.ndarray], brain: np.ndarray) -> dict[Region, np.ndarray]:
    """Which space a voxel's fluid belongs to, by nearness: float32 (z, y, x) each, their sum 1 in the brain, 0 outside."""
    inside = {space: apart[brain] for space, apart in apart_mm.items()}
    nearest = np.min(list(inside.values()), axis=0)
    nearness = {space: np.exp((nearest - apart) / SPACE_MM) for space, apart in inside.items()}
    total = np.sum(list(nearness.values()), axis=0)
    shares = {space: np.zeros(brain.shape, np.float32) for space in nearness}
    for space, array in nearness.items():
        shares[space][brain] = array / total
    return shares


def _with_ventricles(working: WorkingExam, wet: np.ndarray, core: np.ndarray, ventricular: np.ndarray) -> np.ndarray:
    """Fluid with the level of the ventricles' own fluid near them; as it was where the ventricles show none."""
    try:
        inner = voxels(fluid_fraction(working, core))
    except BadImage:
        return wet
    return np.asarray(ventricular * inner + (1 - ventricular) * wet)


def _give_lost_pieces_to_outer_fluid(
    shares: dict[Region, np.ndarray], apart_mm: dict[Region, np.ndarray], wet: np.ndarray, voxel_mm3: float
) -> None:
    """Pieces of ventricle that reach none of the atlas's ventricles: sulci, cavities. Changes the shares."""
    for space in VENTRICLES:
        piece, count = ndimage.label((wet * shares[space]) > 0.3)
        is_small = np.bincount(piece.ravel(), minlength=count + 1) * voxel_mm3 < SMALL_PIECE_MM3
        near, nearest = (np.zeros(count + 1, bool) for _ in range(2))
        near[np.unique(piece[apart_mm[space] <= REACH_MM])] = True
        nearest[np.unique(piece[apart_mm[space] <= SMALL_REACH_MM])] = True
        reached = np.where(is_small, nearest, near)
        lost = (piece > 0) & ~reached[piece]
        shares[Region.OUTER_FLUID][lost] += shares[space][lost]
        shares[space][lost] = 0
