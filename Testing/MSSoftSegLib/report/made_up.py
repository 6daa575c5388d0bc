"""A dim ellipsoid with bright blocks at known places of the patient, stored on any grid; and a result to go with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.lesion.segmentation import Segmentation, segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.report.result import (
    InputFacts,
    LesionFacts,
    ModelFacts,
    Result,
    SoftwareFacts,
    StageFacts,
    UncertaintyFacts,
)

# Directions (columns: where x, y, z of the stored image point to, in LPS).
LPS = np.eye(3)
RAS = np.diag([-1.0, -1.0, 1.0])
SAGITTAL_SLICES = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]], dtype=float)
CORONAL_SLICES = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=float)
LEFT_FRONT_TOP = (26.0, -34.0, 22.0)


def turned(direction: np.ndarray, degrees: float) -> np.ndarray:
    """The direction tilted about an axis that is none of the patient's."""
    turn = sitk.VersorTransform((1.0, 2.0, -1.0), np.radians(degrees))
    return np.reshape(turn.GetMatrix(), (3, 3)) @ direction


def grid_around_origin(direction: np.ndarray, spacing_mm: Sequence[float], field_mm: float = 150.0) -> Grid:
    """A grid whose middle is the origin of patient space."""
    size = [round(field_mm / mm) for mm in spacing_mm]
    middle = direction @ (np.array(size) / 2 * np.array(spacing_mm) - np.array(spacing_mm) / 2)
    return Grid(tuple(size), tuple(spacing_mm), tuple(-middle), tuple(direction.ravel()))  # type: ignore[arg-type]


def points_lps(grid: Grid) -> np.ndarray:
    """LPS coordinates of every voxel, (z, y, x, 3)."""
    z, y, x = np.indices(grid.size[::-1])
    homogeneous = np.stack([x, y, z, np.ones_like(x)], axis=-1)
    return (homogeneous @ grid.lps_from_voxel().T)[..., :3]


def block(grid: Grid, center_lps: Sequence[float], side_mm: float) -> np.ndarray:
    """Voxels whose center lies in a cube along the patient's axes."""
    return np.all(np.abs(points_lps(grid) - np.array(center_lps)) <= side_mm / 2, axis=-1)


def head(grid: Grid, bright: np.ndarray) -> sitk.Image:
    """A dim ellipsoid, longest from front to back, with the bright voxels in it."""
    points = points_lps(grid)
    inside = np.sum((points / np.array([55.0, 68.0, 60.0])) ** 2, axis=-1) <= 1
    dim = 40.0 + 0.2 * points[..., 2]
    return grid.image(np.where(bright, 100.0, np.where(inside, dim, 0.0)).astype(np.float32))


def segmentation_of(grid: Grid, *masks: np.ndarray) -> Segmentation:
    """Two members that see every mask, the second one less surely and never the last mask."""
    first = np.any(masks, axis=0) * 0.95
    second = np.any(masks[:-1], axis=0) * 0.7 if len(masks) > 1 else first * 0.8
    members = [grid.image(member.astype(np.float32)) for member in (first, second)]
    return segment_lesions(combine(members), threshold=0.4, min_lesion_mm3=0.0)


def result_of(segmentation: Segmentation, **changes: object) -> Result:
    """The facts that belong to a segmentation, with some of them changed."""
    facts = dict(
        software=SoftwareFacts(version="0.1.0", python="3.11.2", torch="2.13.0"),
        inputs=(
            InputFacts(
                modality="flair",
                path_name="FLAIR.nii.gz",
                sha256="0123456789abcdef" * 4,
                shape=(12, 14, 16),
                spacing_mm=(0.72, 0.72, 3.0),
                orientation="LPS",
            ),
        ),
        reference_modality="flair",
        alignment_target="t1",
        brain_extraction="atlas",
        model=ModelFacts(name="starter", version="1.2.3", sha256="fedcba9876543210" * 4, recipe="mssoftseg"),
        device="cpu",
        tta="flips8",
        threshold=segmentation.threshold,
        min_lesion_mm3=segmentation.min_lesion_mm3,
        connectivity=26,
        lesions=LesionFacts(
            count=len(segmentation.lesions),
            volume_ml=segmentation.volume_ml,
            soft_volume_ml=segmentation.soft_volume_ml,
            volume_interval_ml=segmentation.volume_interval_ml,
        ),
        uncertainty=UncertaintyFacts(
            mean_entropy_in_lesions=segmentation.mean_entropy_in_lesions_nats, psu=segmentation.psu
        ),
        stages=(StageFacts(name="alignment", seconds=2.25), StageFacts(name="inference", seconds=4.0)),
        peak_memory_mb=512.0,
        warnings=(),
    )
    return Result(**{**facts, **changes})
