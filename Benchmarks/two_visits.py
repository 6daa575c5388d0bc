"""Two visits of a patient: are lesions that did not change found both times, and lesions that changed at the right visit?

    python Benchmarks/two_visits.py ../shared/data/open_ms [--model MODEL]

The raw exams are segmented from skull and thick slices; the masks are brought to the common space of the data set. A predicted
lesion of at least 10 mm3 that lies outside the dilated mask of changes agrees when the other visit's mask touches it. A
labelled change of at least 10 mm3 is a lesion of the visit at which it is brighter on FLAIR (by 5 % of the brain's median at
least): it is found when that visit's mask touches it. Writes ``Benchmarks/results/two_visits.md``.
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

# Earlier and later exam. Of patient 3's earlier visit only FLAIR and T2 are at hand.
PATIENTS = {
    "patient12": ("raw/patient12_study1", "raw/patient12_study2"),
    "patient03": ("raw_partial/patient03_study1", "raw/patient03_study2"),
}
BRIGHTER = 0.05
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


@dataclass(frozen=True)
class Visit:
    """One exam in the common space: its lesion mask (bool) and its FLAIR over the brain's median, (z, y, x)."""

    mask: np.ndarray
    flair: np.ndarray


def seen(exam: Path, model: str, brain: sitk.Image) -> Visit:
    """Segment an exam and bring it to the grid of the common brain mask."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        if run_command(["segment", "--exam", str(exam), "--model", model, "--out", str(out)]) != 0:
            sys.exit(1)
        mask = sitk.ReadImage(str(out / "lesion_mask.nii.gz"))
    to_flair = sitk.ReadTransform(str(exam / "FLAIR_to_common.txt"))
    flair = sitk.ReadImage(str(exam / "FLAIR.nii.gz"))
    moved = sitk.Resample(mask, brain, to_flair, sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    bright = sitk.GetArrayFromImage(sitk.Resample(flair, brain, to_flair, sitk.sitkLinear, 0, sitk.sitkFloat32))
    inside = sitk.GetArrayFromImage(brain) > 0
    return Visit(sitk.GetArrayFromImage(moved) > 0, bright / np.median(bright[inside]))


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


@dataclass(frozen=True)
class Changes:
    """Labelled changes that are brighter at this visit, those that its mask touches, and those that the other visit's does."""

    brighter: int
    found: int
    found_at_the_other: int


def changes(changed: np.ndarray, own: Visit, other: Visit, voxel_mm3: float) -> Changes:
    """Count the changes (bool) that are lesions of ``own``."""
    labels, count = ndimage.label(changed, EVERY_NEIGHBOR)
    brighter = found = elsewhere = 0
    for number, window in enumerate(ndimage.find_objects(labels, count), start=1):
        lesion = labels[window] == number
        difference = (own.flair[window] - other.flair[window])[lesion].mean()
        if lesion.sum() * voxel_mm3 < SMALLEST_MM3 or difference < BRIGHTER:
            continue
        brighter += 1
        found += bool((lesion & own.mask[window]).any())
        elsewhere += bool((lesion & other.mask[window]).any())
    return Changes(brighter, found, elsewhere)


def dilated(mask: sitk.Image, radius_mm: float) -> np.ndarray:
    """True within ``radius_mm`` of the mask."""
    array = sitk.GetArrayFromImage(mask) > 0
    return ndimage.distance_transform_edt(~array, sampling=mask.GetSpacing()[::-1]) <= radius_mm


def rows(patient: str, data: Path, model: str) -> list[str]:
    """The table's lines of one patient."""
    exams = [data / exam for exam in PATIENTS[patient]]
    brain = sitk.ReadImage(str(exams[1] / "brainmask_common.nii.gz"))
    change = sitk.ReadImage(str(exams[1] / "lesion_change_common.nii.gz"))
    voxel_mm3 = float(np.prod(change.GetSpacing()))
    changed, near_change = sitk.GetArrayFromImage(change) > 0, dilated(change, DILATION_MM)
    first, second = (seen(exam, model, brain) for exam in exams)
    lines = []
    for number, own, other in ((1, first, second), (2, second, first)):
        same = agreement(number, own.mask, other.mask, near_change, voxel_mm3)
        new = changes(changed, own, other, voxel_mm3)
        volume = own.mask.sum() * voxel_mm3 / 1000
        lines.append(
            f"| {patient}, {number} | {volume:.2f} | {same.lesions} | {same.agreeing} ({same.share:.2f}) "
            f"| {new.brighter} | {new.found} | {new.found_at_the_other} |"
        )
    return lines


def main() -> None:
    """Segment, compare, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default=SHIPPED_MODEL)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the table goes")
    given = parser.parse_args()
    lines = [
        "# Lesions at two visits",
        "",
        f"Patients 12 and 3 of open_ms (longitudinal), raw exams, model `{Path(given.model).name}`. Unchanged: predicted "
        f"lesions of at least {SMALLEST_MM3:.0f} mm³ farther than {DILATION_MM:.0f} mm from every labelled change. Changed: "
        "labelled changes of at least the same size that are brighter on FLAIR at this visit; the mask of the visit should "
        "touch them, that of the other need not. Of patient 3's first visit there is no T1.",
        "",
        "| patient, visit | predicted (ml) | unchanged | found at the other visit too | changed | found | found at the other |",
        "|---|---|---|---|---|---|---|",
    ]
    for patient in PATIENTS:
        lines += rows(patient, given.data, given.model)
    given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(given.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
