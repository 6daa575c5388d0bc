"""``mss.measure_case``: a result against a rater, as images, so that the voxel size cannot be forgotten."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch, RequestError
from MSSoftSegLib.evaluation import case_metrics
from MSSoftSegLib.evaluation.case_metrics import CaseMetrics
from MSSoftSegLib.exam.geometry import have_same_grid, voxels
from MSSoftSegLib.lesion.instances import CONNECTIVITY_RANK, DEFAULT_CONNECTIVITY


def measure_case(
    truth: sitk.Image,
    prediction: sitk.Image,
    *,
    probability: sitk.Image | None = None,
    entropy: sitk.Image | None = None,
    brain: sitk.Image | None = None,
    connectivity: int = DEFAULT_CONNECTIVITY,
    min_lesion_voxels: int = 1,
) -> CaseMetrics:
    """Everything that is measured on one case against one rater; images (x, y, z) on one grid, that of the truth.

    truth: a rater's mask or a soft mask, 0–1, cut at 0.5 where masks are compared. prediction: mask, lesion is what is not 0.
    probability: 0–1, for soft Dice, calibration and Brier. entropy: any monotone uncertainty, for retention and error AUROC;
    without it the binary entropy of the probability. brain: mask; without it what is measured inside the brain is None.
    connectivity: 6, 18 or 26 neighbors make a lesion. min_lesion_voxels: smaller components are left out of the lesion-wise
    measures, on both sides. Volumes are in ml, distances in mm; None is a measure that is undefined for this case.

    GridMismatch where an image lies on another grid: nothing is resampled. RequestError where truth or probability leave 0–1.
    """
    if connectivity not in CONNECTIVITY_RANK:
        raise RequestError(f"connectivity {connectivity} names no neighborhood", remedy="choose 6, 18 or 26")
    given = {"prediction": prediction, "probability": probability, "entropy": entropy, "brain": brain}
    arrays: dict[str, np.ndarray | None] = {}
    for name, image in given.items():
        if image is not None and not have_same_grid(image, truth):
            raise GridMismatch(
                f"the {name} lies on another grid than the truth",
                remedy="give images on one grid: nothing is resampled",
            )
        arrays[name] = None if image is None else voxels(image)
    x_mm, y_mm, z_mm = truth.GetSpacing()
    return case_metrics.measure_case(
        _within_0_and_1(voxels(truth), "truth"),
        voxels(prediction),
        None if probability is None else _within_0_and_1(voxels(probability), "probability"),
        arrays["entropy"],
        arrays["brain"],
        (z_mm, y_mm, x_mm),
        connectivity=connectivity,
        min_lesion_voxels=min_lesion_voxels,
    )


def _within_0_and_1(array: np.ndarray, name: str) -> np.ndarray:
    if not (np.all(array >= 0) and np.all(array <= 1)):
        raise RequestError(
            f"the {name} runs from {array.min():g} to {array.max():g}", remedy="give values from 0 to 1, 1 = lesion"
        )
    return array
