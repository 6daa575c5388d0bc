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
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.change.calibration import TWO_SIDED_95, repeat_sd
from MSSoftSegLib.change.classes import CHANGED, ChangeClass
from MSSoftSegLib.change.comparison import Comparison, LesionChange, compare_visits
from MSSoftSegLib.change.differences import findings
from MSSoftSegLib.change.maps import midpoint_maps
from MSSoftSegLib.change.reading import read_visit
from MSSoftSegLib.change.registration import register_visits
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.geometry import image_like, resample, voxels
from MSSoftSegLib.exam.linear import affine, chained, matrix_of
from MSSoftSegLib.exam.modality import Modality

RESULTS = Path(__file__).parents[1] / "results" / "change" / "real.md"
BRIGHTER = 0.05
SMALLEST_MM3 = 10.0
# Of the signed map, what counts as changed for its overlap with labelled changes.
MAP_THRESHOLD = 0.25
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
    common_from_flair = affine(np.linalg.inv(matrix_of(sitk.ReadTransform(str(exam / "FLAIR_to_common.txt")))))
    way = chained(common_from_flair, comparison.midpoint.before.native_from_midpoint)
    moved = resample(sitk.ReadImage(str(label), sitk.sitkFloat32), comparison.midpoint.grid, source_from_grid=way)
    return voxels(moved) >= 0.5


def open_ms_row(patient: str, data: Path, results: Path) -> str:
    """How many labelled changes are found, and how many groups called changed touch one."""
    exams = OPEN_MS[patient]
    comparison = compared(
        *(seen(exam, data, results, name) for exam, name in zip(exams, ("before", "after"), strict=True))
    )
    label = data / exams[1].folder / "lesion_change_common.nii.gz"
    changed = labeled_changes(comparison, data / exams[0].folder, label)
    rows = {row.group.id: row for row in comparison.changes}
    signs = signed_changes(comparison, changed)
    found = [_touching(comparison, inside, rows) for inside, _ in signs]
    right = sum(
        any(r.change in CHANGED and r.evidence.sign == s for r in rs) for (_, s), rs in zip(signs, found, strict=True)
    )
    named = sum(any(r.change in CHANGED for r in rs) for rs in found)
    touched = sum(bool(rs) for rs in found)
    near = ndimage.binary_dilation(changed, iterations=2)
    said = [row for row in comparison.changes if row.change in CHANGED]
    true = sum(bool((near & (comparison.owner == row.group.id) & _lesion(comparison)).any()) for row in said)
    signed = voxels(midpoint_maps(comparison).change)
    overlap = dice(np.abs(signed) >= MAP_THRESHOLD, changed)
    limbo = sum(row.change is ChangeClass.NOT_DECIDABLE for row in comparison.changes)
    return (
        f"| {patient} | {len(signs)} | {touched} | {named} | {right} | {len(comparison.changes)} | {len(said)} | {true} "
        f"| {limbo} | {overlap:.2f} |"
    )


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


def _lesion(comparison: Comparison) -> np.ndarray:
    either = np.maximum(comparison.midpoint.before.probability, comparison.midpoint.after.probability)
    return np.asarray(either >= comparison.before.threshold)


def _touching(comparison: Comparison, inside: np.ndarray, rows: dict[int, LesionChange]) -> list[LesionChange]:
    return [rows[int(n)] for n in np.unique(comparison.owner[inside & _lesion(comparison)]) if n > 0]


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


def masked_rows(patient: str, data: Path, results: Path) -> list[str]:
    """Per pair of visits: changed groups of the masks found, groups called changed that are true, F1, overlap of the maps."""
    exams = MASKED[patient]
    visits = [seen(exam, data, results, f"visit {n}") for n, exam in enumerate(exams, start=1)]
    masks = [by_mask(visit, data / exam.folder / str(exam.mask)) for visit, exam in zip(visits, exams, strict=True)]
    lines = []
    for place, (one, other) in enumerate(itertools.pairwise(visits)):
        half_way = register_visits(one, other)
        ours, truth = compare_visits(one, other, half_way), compare_visits(masks[place], masks[place + 1], half_way)
        lines.append(_masked_row(f"{patient}, {one.name} → {other.name}", ours, truth))
    return lines


def _masked_row(name: str, ours: Comparison, truth: Comparison) -> str:
    wanted = [row for row in truth.changes if changed_by_volume(row)]
    said = [row for row in ours.changes if row.change in CHANGED]
    found = sum(_meets(truth, row, ours, said) for row in wanted)
    true = sum(_meets(ours, row, truth, wanted) for row in said)
    recall, precision = found / max(len(wanted), 1), true / max(len(said), 1)
    f1 = 2 * recall * precision / max(recall + precision, 1e-9)
    by_masks = truth.midpoint.after.probability - truth.midpoint.before.probability
    wanted_map = (np.abs(by_masks) >= 0.5) & truth.midpoint.compared
    overlap = dice(np.abs(voxels(midpoint_maps(ours).change)) >= MAP_THRESHOLD, wanted_map)
    said_first = "; ".join(finding.difference.value for finding in findings(ours)) or "–"
    return (
        f"| {name} | {len(wanted)} of {len(truth.changes)} | {found} | {len(said)} of {len(ours.changes)} | {true} "
        f"| {f1:.2f} | {overlap:.2f} | {said_first} |"
    )


def _meets(own: Comparison, row: LesionChange, other: Comparison, others: list[LesionChange]) -> bool:
    """Whether a group's lesions share a voxel with a group of the other comparison, one that changed the same way."""
    inside = (own.owner == row.group.id) & _lesion(own)
    touched = set(np.unique(other.owner[inside & _lesion(other)]))
    return any(each.group.id in touched and each.evidence.sign == row.evidence.sign for each in others)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Overlap of two masks."""
    total = int(first.sum() + second.sum())
    return 2 * int((first & second).sum()) / total if total else float("nan")


def main() -> None:
    """Segment what is missing, compare, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--results", type=Path, required=True, help="where segmentations are kept")
    parser.add_argument("--only", action="append", help="patient12, patient03, t04 or c01; repeat it")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    chosen = given.only or [*OPEN_MS, *MASKED]
    lines = [
        "# Change between visits of real patients",
        "",
        "| patient | labelled changes | touched by a lesion group | of one called changed | in the right direction | groups "
        "| called changed | of these on a label | not decidable | DSC of the map |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(open_ms_row(patient, given.data, given.results) for patient in OPEN_MS if patient in chosen),
        "",
        "| patient, visits | changed by masks | found | called changed | true | F1 | DSC of the map | said first |",
        "|---|---|---|---|---|---|---|---|",
        *(line for patient in MASKED if patient in chosen for line in masked_rows(patient, given.data, given.results)),
    ]
    given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(given.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
