"""Change between two visits of real patients, against labelled changes and against classes derived from manual masks.

    python Benchmarks/change/real_pairs.py ../shared/data --results FOLDER

open_ms (patients 12 and 3): a labelled change of at least 10 mm³ is brighter or darker at the later visit by 5 % of the brain's
median FLAIR, or neither; it is found when a group that is said to have changed, in that direction, touches it. tabriz (t04) and
catania (c01, three visits) have a mask per visit: the masks are put through the same graph, and a group of theirs changed when
its volume did beyond what repeated scans vary, or when it is there once only. FOLDER keeps the segmentations, which are not
made again where they are there. Writes ``Benchmarks/results/change/real.md``.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from ranking import HEAD, THRESHOLDS, Known, at_thresholds, found_groups, measures
from scipy import ndimage

from MSSoftSegLib.change.calibration import TWO_SIDED_95, repeat_sd
from MSSoftSegLib.change.comparison import Comparison, LesionChange, compare_visits
from MSSoftSegLib.change.differences import findings
from MSSoftSegLib.change.reading import read_visit
from MSSoftSegLib.change.registration import register_visits
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.geometry import image_like, resample, voxels
from MSSoftSegLib.exam.linear import chain_transforms, make_affine, matrix_of
from MSSoftSegLib.exam.modality import Modality

RESULTS = Path(__file__).parents[1] / "results" / "change" / "real.md"
BRIGHTER = 0.05
SMALLEST_MM3 = 10.0
# A group lies on a label when it comes this near: labels are drawn on slices of 3 mm.
LABEL_REACH_MM = 2.0
HALF = 0.5
EVERY_NEIGHBOR = np.ones((3, 3, 3))


@dataclass(frozen=True)
class Exam:
    """One visit's folder in the data, its name among the results, how its brain is found, and its manual mask."""

    folder: str
    name: str
    brain: str = "auto"
    mask: str | None = None


OPEN_MS = {
    "patient12": (
        Exam("open_ms/raw/patient12_study1", "patient12_study1"),
        Exam("open_ms/raw/patient12_study2", "patient12_study2"),
    ),
    "patient03": (
        Exam("open_ms/raw_partial/patient03_study1", "patient03_study1"),
        Exam("open_ms/raw/patient03_study2", "patient03_study2"),
    ),
}
MASKED = {
    "t04": tuple(Exam(f"tabriz/t04/visit{n}", f"t04_visit{n}", mask="lesion.nii.gz") for n in (1, 2)),
    "c01": tuple(Exam(f"catania/c01/visit{n}", f"c01_visit{n}", "none", "lesion.nii.gz") for n in (1, 2, 3)),
}


def seen(exam: Exam, data: Path, results: Path, name: str, tta: str | None = None) -> Visit:
    """The visit, segmented unless it is already."""
    out = results / exam.name
    if not (out / "result.json").is_file():
        words = ["segment", "--exam", str(data / exam.folder), "--brain", exam.brain, "--out", str(out)]
        words += ["--tta", tta] if tta else []
        if run_command(words) != 0:
            sys.exit(1)
    return read_visit(out, name=name)


def compared(before: Visit, after: Visit) -> Comparison:
    """As the job compares them."""
    return compare_visits(before, after, register_visits(before, after))


def labeled_changes(comparison: Comparison, exam: Path, label: Path) -> np.ndarray:
    """The change mask of open_ms, which lies in a common space, on the grid between (bool)."""
    # The file maps points of the common space to FLAIR.
    common_from_flair = make_affine(np.linalg.inv(matrix_of(sitk.ReadTransform(str(exam / "FLAIR_to_common.txt")))))
    way = chain_transforms(common_from_flair, comparison.midpoint.before.native_from_midpoint)
    moved = resample(sitk.ReadImage(str(label), sitk.sitkFloat32), comparison.midpoint.grid, source_from_grid=way)
    return voxels(moved) >= 0.5


def open_ms_pair(patient: str, data: Path, results: Path) -> tuple[str, Comparison, list[Known]]:
    """The comparison and the labelled changes."""
    exams = OPEN_MS[patient]
    comparison = compared(
        *(seen(exam, data, results, name) for exam, name in zip(exams, ("before", "after"), strict=True))
    )
    label = data / exams[1].folder / "lesion_change_common.nii.gz"
    changed = labeled_changes(comparison, data / exams[0].folder, label)
    z = comparison.midpoint.matched.z
    known = [
        Known(inside, sign, float(sign * z[inside].mean())) for inside, sign in signed_changes(comparison, changed)
    ]
    return patient, comparison, known


def signed_changes(comparison: Comparison, changed: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Each labelled change that is clearly brighter (+1) or darker (−1) at the later visit."""
    raw = [_over_median(comparison, place) for place in (0, 1)]
    labels, count = ndimage.label(changed, EVERY_NEIGHBOR)
    found = []
    for number in range(1, count + 1):
        inside = labels == number
        difference = float((raw[1] - raw[0])[inside].mean())
        if inside.sum() * comparison.midpoint.voxel_mm3 >= SMALLEST_MM3 and abs(difference) >= BRIGHTER:
            found.append((inside, 1 if difference > 0 else -1))
    return found


def _over_median(comparison: Comparison, place: int) -> np.ndarray:
    """FLAIR over the brain's median, in the space between."""
    visit = (comparison.before, comparison.after)[place]
    side = (comparison.midpoint.before, comparison.midpoint.after)[place]
    flair = visit.working.images[Modality.FLAIR]
    image = voxels(resample(flair, comparison.midpoint.grid, source_from_grid=side.working_from_midpoint))
    return np.asarray(image / np.median(image[comparison.midpoint.compared]))


def by_mask(visit: Visit, path: Path) -> Visit:
    """The visit with a rater's mask (on FLAIR's native grid) in the place of its segmentation."""
    mask = (voxels(sitk.ReadImage(str(path))) > 0).astype(np.float32)
    labels, _ = ndimage.label(mask, EVERY_NEIGHBOR)
    native = image_like(visit.native_probability, mask)
    way = visit.working.native_from_working[Modality.FLAIR]
    return replace(
        visit,
        probability=resample(native, visit.working.grid, source_from_grid=way),
        native_probability=native,
        native_instances=image_like(native, labels.astype(np.uint16)),
        threshold=0.5,
    )


def changed_by_volume(row: LesionChange) -> bool:
    """Whether a group of the masks changed: there once only, or by more than repeated scans vary."""
    if not row.group.before or not row.group.after:
        return max(row.before_mm3, row.after_mm3) >= SMALLEST_MM3
    ratio = abs(np.log(row.after_mm3 / row.before_mm3))
    return bool(ratio > TWO_SIDED_95 * repeat_sd(max(row.before_mm3, row.after_mm3)))


def masked_pairs(patient: str, data: Path, results: Path) -> Iterator[tuple[str, Comparison, list[Known]]]:
    """Per pair of visits the comparison, and the groups of the masks that changed."""
    exams = MASKED[patient]
    visits = [seen(exam, data, results, f"visit {n}") for n, exam in enumerate(exams, start=1)]
    masks = [by_mask(visit, data / exam.folder / str(exam.mask)) for visit, exam in zip(visits, exams, strict=True)]
    for place, (one, other) in enumerate(itertools.pairwise(visits)):
        half_way = register_visits(one, other)
        ours, truth = compare_visits(one, other, half_way), compare_visits(masks[place], masks[place + 1], half_way)
        known = [_known_by_masks(ours, truth, row) for row in truth.changes if changed_by_volume(row)]
        yield f"{patient}, {one.name} → {other.name}", ours, known


def _known_by_masks(ours: Comparison, truth: Comparison, row: LesionChange) -> Known:
    """A group of the masks, and what the images say where the masks differ."""
    before, after = truth.midpoint.before.probability, truth.midpoint.after.probability
    own, sign = truth.owner == row.group.id, row.evidence.sign
    differs = own & (sign * (after - before) >= HALF)
    z = float(sign * ours.midpoint.matched.z[differs].mean()) if differs.any() else 0.0
    return Known(own & (np.maximum(before, after) >= HALF), sign, z)


def main() -> None:
    """Segment what is missing, compare, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--results", type=Path, required=True, help="where segmentations are kept")
    parser.add_argument("--only", action="append", help="patient12, patient03, t04 or c01; repeat it")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    chosen = given.only or [*OPEN_MS, *MASKED]
    pairs = [(*open_ms_pair(p, given.data, given.results), LABEL_REACH_MM) for p in OPEN_MS if p in chosen]
    pairs += [(*each, 0.0) for p in MASKED if p in chosen for each in masked_pairs(p, given.data, given.results)]
    first, second = [], []
    for name, comparison, known, reach_mm in pairs:
        found = found_groups(comparison, known, reach_mm)
        said_first = "; ".join(finding.difference.value for finding in findings(comparison)) or "–"
        first.append(measures(name, found, known))
        second.append(f"| {name} | {said_first} | {at_thresholds(found, len(known))} |")
    lines = ["# Change between visits of real patients", "", HEAD, "|---" * 13 + "|", *first, ""]
    lines += ["| pair | said first | " + " | ".join(f"P(change) ≥ {p}" for p in THRESHOLDS) + " |"]
    lines += ["|---" * (2 + len(THRESHOLDS)) + "|", *second]
    given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(given.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
