"""Two visits of one patient: are lesions that did not change found both times?

    python Benchmarks/two_visits.py ../shared/data/open_ms [--model MODEL]

Both raw exams are segmented from skull and thick slices; the masks are brought to the common space of the data set. A predicted
lesion of at least 10 mm3 that lies outside the dilated mask of changes agrees when the other visit's mask touches it.
Writes ``Benchmarks/results/two_visits.md``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.network.catalog import SHIPPED_MODEL

PATIENT, VISITS = "patient12", (1, 2)
SMALLEST_MM3 = 10.0
DILATION_MM = 3.0
EVERY_NEIGHBOR = np.ones((3, 3, 3))
RESULTS = Path(__file__).parent / "results" / "two_visits.md"


@dataclass(frozen=True)
class Agreement:
    """Unchanged lesions of one visit, and how many of them the other visit's mask touches."""

    visit: int
    lesions: int
    agreeing: int

    @property
    def share(self) -> float:
        """Agreeing lesions among all; NaN where there is none."""
        return self.agreeing / self.lesions if self.lesions else float("nan")


def mask_in_common_space(exam: Path, mask: Path) -> sitk.Image:
    """A FLAIR-space mask on the grid of the common space, nearest neighbor."""
    common = sitk.ReadImage(str(exam / "brainmask_common.nii.gz"))
    to_flair = sitk.ReadTransform(str(exam / "FLAIR_to_common.txt"))
    return sitk.Resample(sitk.ReadImage(str(mask)), common, to_flair, sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)


def agreement(visit: int, own: np.ndarray, other: np.ndarray, changed: np.ndarray, voxel_mm3: float) -> Agreement:
    """Count the lesions of ``own`` outside ``changed``, and those that ``other`` touches (bool arrays on one grid)."""
    labels, count = ndimage.label(own, EVERY_NEIGHBOR)
    lesions = agreeing = 0
    for number, window in enumerate(ndimage.find_objects(labels, count), start=1):
        lesion = labels[window] == number
        if lesion.sum() * voxel_mm3 < SMALLEST_MM3 or (lesion & changed[window]).any():
            continue
        lesions += 1
        agreeing += bool((lesion & other[window]).any())
    return Agreement(visit, lesions, agreeing)


def dilated(mask: sitk.Image, radius_mm: float) -> np.ndarray:
    """True within ``radius_mm`` of the mask."""
    array = sitk.GetArrayFromImage(mask) > 0
    return ndimage.distance_transform_edt(~array, sampling=mask.GetSpacing()[::-1]) <= radius_mm


def main() -> None:
    """Segment, compare, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default=SHIPPED_MODEL)
    given = parser.parse_args()
    exams = [given.data / "raw" / f"{PATIENT}_study{visit}" for visit in VISITS]
    with tempfile.TemporaryDirectory() as scratch:
        masks = []
        for visit, exam in zip(VISITS, exams, strict=True):
            out = Path(scratch) / f"visit{visit}"
            if run_command(["segment", "--exam", str(exam), "--model", given.model, "--out", str(out)]) != 0:
                sys.exit(1)
            masks.append(mask_in_common_space(exam, out / "lesion_mask.nii.gz"))
    change = sitk.ReadImage(str(exams[0] / "lesion_change_common.nii.gz"))
    changed, voxel_mm3 = dilated(change, DILATION_MM), float(np.prod(change.GetSpacing()))
    first, second = (sitk.GetArrayFromImage(mask) > 0 for mask in masks)
    found = [agreement(1, first, second, changed, voxel_mm3), agreement(2, second, first, changed, voxel_mm3)]
    lines = [
        "# Lesions that did not change, found at both visits",
        "",
        f"{PATIENT} of open_ms (longitudinal), model `{given.model}`; lesions of at least {SMALLEST_MM3:.0f} mm³ farther than "
        f"{DILATION_MM:.0f} mm from every labelled change; n = 1 patient.",
        "",
        "| visit | predicted volume (ml) | unchanged lesions | found at the other visit too | share |",
        "|---|---|---|---|---|",
    ]
    for one, mask in zip(found, (first, second), strict=True):
        volume = mask.sum() * voxel_mm3 / 1000
        lines.append(f"| {one.visit} | {volume:.2f} | {one.lesions} | {one.agreeing} | {one.share:.2f} |")
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
