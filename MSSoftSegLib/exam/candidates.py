"""Several files of an exam folder that could play one part: what each is, which one is best, and why.

What comes from a scanner holds a contrast in three planes, with and without fat saturation, again after somebody moved. The best
of them shows the whole brain, without contrast agent, in three dimensions and thin slices; the reason is told, and users decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.contrast_agent import names_contrast_agent
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_format import FORMAT_OF_EXTENSION, image_extension, image_stem
from MSSoftSegLib.exam.itk_file import read_grid_by_itk
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition_words import space_words
from MSSoftSegLib.exam.sidecar import read_sidecar

# A slice this many times as thick as its voxels are wide is one of a stack of slices.
SLICES_FROM_RATIO = 1.8
# An adult brain is at least this high; what shows less is a slab.
WHOLE_BRAIN_MM = 110.0
PLANES = ("sagittal", "coronal", "axial")
FAT_SATURATION = re.compile(r"(?<![a-z])(?:fs|fat ?sat|fatsat|spair|spir|chess|we|stir|fat ?sup\w*)(?![a-z0-9])")


@dataclass(frozen=True)
class Candidate:
    """plane: "3D", or of its slices. spacing_mm: slices last. coverage_mm: the least extent. acquired: a time or a number.

    path: the file; of what is no file (a DICOM series), what it is called. problem: why its header cannot be read; everything
    else is then empty.
    """

    path: Path
    plane: str = ""
    spacing_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    coverage_mm: float = 0.0
    acquired: str = ""
    agent: bool = False
    fat_saturated: bool = False
    problem: str | None = None

    @property
    def words(self) -> str:
        """One line about it."""
        if self.problem is not None:
            return f"{self.path.name}: {self.problem}"
        sides = " × ".join(f"{side:.3g}" for side in self.spacing_mm)
        parts = [self.plane, f"{sides} mm", f"covers {self.coverage_mm:.0f} mm"]
        parts += ["after contrast agent"] if self.agent else []
        parts += ["fat-saturated"] if self.fat_saturated else []
        parts += [f"acquired {self.acquired}"] if self.acquired else []
        return f"{self.path.name}: {', '.join(parts)}"


def read_candidate(path: Path) -> Candidate:
    """What a file's name, sidecar and header say; no voxel is read."""
    sidecar = read_sidecar(path)
    said = space_words(
        " ".join(
            [image_stem(path.name), *(str(sidecar.get(key) or "") for key in ("SeriesDescription", "ScanOptions"))]
        )
    )
    try:
        grid = read_grid_by_itk(path, FORMAT_OF_EXTENSION[image_extension(path.name) or ".nii"])
    except BadImage as problem:
        return Candidate(path, problem=problem.message)
    return make_candidate(grid, path, said=said, acquired=_acquired(sidecar))


def make_candidate(grid: Grid, path: Path, *, said: str, acquired: str) -> Candidate:
    """What lies on a grid and is described by spaced text."""
    plane, spacing_mm = _plane(grid)
    return Candidate(
        path,
        plane=plane,
        spacing_mm=spacing_mm,
        coverage_mm=min(count * side for count, side in zip(grid.size, grid.spacing_mm, strict=True)),
        acquired=acquired,
        agent=names_contrast_agent(said),
        fat_saturated=bool(FAT_SATURATION.search(said)),
    )


def _plane(grid: Grid) -> tuple[str, tuple[float, float, float]]:
    """The plane of the slices, and the voxel's sides with the slices' distance last."""
    order = np.argsort(grid.spacing_mm)
    first, second, thick = (float(grid.spacing_mm[axis]) for axis in order)
    if thick < SLICES_FROM_RATIO * second:
        return "3D", (first, second, thick)
    across = np.reshape(grid.direction, (3, 3))[:, order[2]]
    return f"{PLANES[int(np.argmax(np.abs(across)))]} slices", (first, second, thick)


def _acquired(sidecar: Mapping[str, object]) -> str:
    """When, for the order within a visit: the time of day, or the series' number. Never a date."""
    found = re.search(r"(\d{2}):?(\d{2}):?(\d{2})(?:\.\d*)?$", str(sidecar.get("AcquisitionTime") or ""))
    if found is not None:
        return ":".join(found.groups())
    number = sidecar.get("SeriesNumber")
    return f"as series {number}" if isinstance(number, int) else ""


def sort_candidates(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, the one to take first; equal ones in the order of their names."""
    by_name = sorted(candidates, key=lambda each: each.path.name)
    # What was acquired last was acquired again, and for a reason.
    by_time = sorted(by_name, key=lambda each: each.acquired, reverse=True)
    return sorted(by_time, key=lambda each: [rank for rank, _ in reasons(each)])


def explain_first(best: Candidate, next_best: Candidate) -> str:
    """The first of the reasons that sets the best apart from the next."""
    for (ours, reason), (theirs, _) in zip(reasons(best), reasons(next_best), strict=True):
        if ours != theirs:
            return reason
    return "it was acquired last" if best.acquired != next_best.acquired else "it comes first by name"


def reasons(each: Candidate) -> list[tuple[float, str]]:
    """Reasons for taking one in order of weight, the lower number first."""
    return [
        (float(each.problem is not None), "it can be read"),
        (float(each.coverage_mm < WHOLE_BRAIN_MM), "it shows the whole brain"),
        (float(each.agent), "it is before contrast agent"),
        (float(each.plane != "3D"), "it is three-dimensional"),
        (float(each.fat_saturated), "it is without fat saturation"),
        (round(each.spacing_mm[2], 1), "its slices are thinner"),
        (round(each.spacing_mm[0] * each.spacing_mm[1], 1), "its voxels are finer"),
    ]


def describe_candidates(modality: Modality, candidates: Sequence[Candidate]) -> list[str]:
    """A line on each candidate, best first, and which would be taken and why."""
    ordered = sort_candidates(candidates)
    lines = [f"{modality.upper()}? {each.words}" for each in ordered]
    return [
        *lines,
        f"{modality.upper()}: {ordered[0].path.name} would be taken: {explain_first(ordered[0], ordered[1])}",
    ]
