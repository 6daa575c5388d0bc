"""A head of a few centimeters at two visits, with lesions where a test wants them: no network, no registration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.change.halfway import HalfWay, half_way
from MSSoftSegLib.change.visit import NativeImage, Visit
from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.linear import make_affine, matrix_of
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

THRESHOLD = 0.5
SIZE = (64, 76, 60)
RADII_MM = (28.0, 34.0, 26.0)
MIDDLE = np.array([100.0, -40.0, 30.0])


@dataclass(frozen=True)
class Spot:
    """A lesion: place in mm from the middle of the head (LPS), radius in mm, and how sure the network is of it."""

    place: tuple[float, float, float]
    radius_mm: float
    certainty: float = 0.95


def pose(turn_deg: float, shift_mm: tuple[float, float, float]) -> sitk.Euler3DTransform:
    """A head turned about its middle and shifted: maps a point of the person to the scanner."""
    transform = sitk.Euler3DTransform()
    transform.SetCenter(MIDDLE.tolist())
    transform.SetRotation(np.deg2rad(turn_deg), np.deg2rad(turn_deg / 2), 0.0)
    transform.SetTranslation(shift_mm)
    return transform


STILL = pose(0.0, (0.0, 0.0, 0.0))


def visit(
    spots: list[Spot],
    *,
    name: str = "before",
    seed: int = 1,
    where: sitk.Euler3DTransform = STILL,
    noise: float = 0.02,
    gain: float = 100.0,
    slices_mm: float = 1.0,
    lowest_mm: float | None = None,
    modalities: tuple[Modality, ...] = (Modality.FLAIR,),
    model: tuple[str, str, str] = ("small", "1", "0"),
) -> Visit:
    """Segment the head with these spots perfectly, up to their certainty. lowest_mm: FLAIR begins this far above the middle."""
    person = _grid(1.0)
    lesion = _fraction(person, spots)
    working = _grid(1.0)
    native = _grid(slices_mm, lowest_mm=lowest_mm)
    back = where.GetInverse()
    rng = np.random.default_rng(seed)
    brain = voxels(resample(person.image(_head(person).astype(np.float32)), working, source_from_grid=back)) >= 0.5
    tissue = _tissue(person) + 0.5 * _fraction(person, [Spot(s.place, s.radius_mm, 1.0) for s in spots])
    seen = voxels(resample(person.image(tissue), working, source_from_grid=back))
    flair = gain * np.where(brain, seen + noise * rng.standard_normal(seen.shape), 0)
    probability = voxels(resample(person.image(lesion), working, source_from_grid=back))
    native_probability = voxels(resample(working.image(probability.astype(np.float32)), native))
    instances = label_instances(
        native_probability, threshold=THRESHOLD, min_lesion_mm3=3.0, voxel_volume_mm3=native.voxel_volume_mm3
    )
    exam = WorkingExam(
        images={Modality.FLAIR: working.image(flair.astype(np.float32))},
        brain_mask=working.image(brain.astype(np.uint8)),
        target=Modality.FLAIR,
        native_from_working={Modality.FLAIR: sitk.Transform(3, sitk.sitkIdentity)},
        native_grids={Modality.FLAIR: native},
        mutual_information={},
    )
    images = {modality: NativeImage(native.spacing_mm, f"{name}{modality}{seed}") for modality in modalities}
    return Visit(
        name,
        exam,
        working.image(probability.astype(np.float32)),
        native.image(native_probability),
        native.image(instances),
        Modality.FLAIR,
        images,
        THRESHOLD,
        model,
    )


def way(before: sitk.Transform = STILL, after: sitk.Transform = STILL) -> HalfWay:
    """The half-way space of two poses, known exactly."""
    forth = matrix_of(after) @ np.linalg.inv(matrix_of(before))
    return half_way(forth, np.linalg.inv(forth), MIDDLE[None])


def _grid(slices_mm: float, *, lowest_mm: float | None = None) -> Grid:
    low_z = -SIZE[2] / 2 if lowest_mm is None else lowest_mm
    count = round((SIZE[2] / 2 - low_z) / slices_mm)
    x, y = MIDDLE[0] - SIZE[0] / 2, MIDDLE[1] - SIZE[1] / 2
    z = MIDDLE[2] + low_z + slices_mm / 2
    return Grid((SIZE[0], SIZE[1], count), (1.0, 1.0, slices_mm), (x + 0.5, y + 0.5, z), tuple(np.eye(3).ravel()))


def _offsets(grid: Grid) -> np.ndarray:
    """LPS mm from the middle of the head, (3, z, y, x)."""
    axes = [grid.origin_mm[n] + np.arange(grid.size[n]) * grid.spacing_mm[n] - MIDDLE[n] for n in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    return np.stack([x, y, z])


def _head(grid: Grid) -> np.ndarray:
    return sum((axis / radius) ** 2 for axis, radius in zip(_offsets(grid), RADII_MM, strict=True)) <= 1


def _tissue(grid: Grid) -> np.ndarray:
    """Smooth folds, the same for everybody here."""
    folds = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(grid.size[::-1]), 2.5)
    return (1 + 0.1 * folds / folds.std()).astype(np.float32)


def _fraction(grid: Grid, spots: list[Spot]) -> np.ndarray:
    total = np.zeros(grid.size[::-1], np.float32)
    offsets = _offsets(grid)
    for spot in spots:
        distance = np.sqrt(sum((axis - p) ** 2 for axis, p in zip(offsets, spot.place, strict=True)))
        total = np.maximum(total, spot.certainty * np.clip(spot.radius_mm + 0.5 - distance, 0, 1))
    return total.astype(np.float32)


def moved_way(half: HalfWay) -> tuple[sitk.AffineTransform, sitk.AffineTransform]:
    """The same half-way space for swapped visits."""
    return make_affine(matrix_of(half.after_from_midpoint)), make_affine(matrix_of(half.before_from_midpoint))
