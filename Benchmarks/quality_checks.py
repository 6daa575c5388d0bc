"""Quality checks: how many damaged exams they catch, and how many good ones they wrongly warn of.

Run from a checkout:  python Benchmarks/quality_checks.py DATA PREPARED
DATA: the folder open_ms of the development data; PREPARED: a folder where working exams are kept between runs (made on
the first run: minutes each). Writes Benchmarks/results/quality_checks.md; ten to twenty minutes on one core.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from quality_damage import DAMAGES, Damage
from quality_exams import LEFT_OVER_BIAS, GoodExam, digital_patient, patient26, raw_exams
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, image_like, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.checks import exam_warnings, result_warnings
from MSSoftSegLib.quality.statistics import roughness
from MSSoftSegLib.quality.warning import Check, QualityWarning

RESULT = Path(__file__).parent / "results" / "quality_checks.md"
# The limits of the statistics come from these; figures are of the others. No patient is on both sides.
LIMITS_FROM = ("patient12_study1", "patient12_study2", "patient19_study2", *(f"digital{n}" for n in range(301, 307)))
DIGITAL_SEEDS = range(301, 316)
# Exams to damage, none of those above.
DAMAGED = (
    "patient03_study1",
    "patient03_study2",
    "patient20_study2",
    "patient26",
    *(f"digital{n}" for n in range(307, 310)),
)
NOTE = """
An exam counts as caught where a warning comes that the good exam does not get; as named where one of them names the slot
that was damaged (for the brain: speaks of the brain). Images are damaged one at a time. Moved and noisy images are read
from the native files, with skull, and masked afterwards. Digital patients are aligned and extracted by what is known of
them, with {bias:.0%} of coil shading left; contrasts and noise are drawn for each, every other one has 1 mm voxels.

The limits of the statistics are the range of the exams marked so, about a fifth wider. That is no blind test: which signs to use
and the limits of contrast, alignment and brain were chosen with the good images of all real exams and of digital patients
301 to 310 in view; only digital patients 311 to 315 were seen by nobody before their row above. The plausible lesion loads are
the same 18 masks that the limits of the lesion load come from. Real exams are few (6 raw ones of 4 people, and one without
skull), from the two data sets of one institution: expect more false alarms elsewhere.
"""


@dataclass
class Count:
    """Of one kind of damage: exams, caught, named, and which checks spoke."""

    exams: int = 0
    caught: int = 0
    named: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)


def main(data: Path, prepared: Path) -> None:
    """Measure and write the tables."""
    good_rows, seconds = [], []
    for good in exams(data, prepared):
        since = time.process_time()
        warnings = spoken(exam_warnings(good.working))
        seconds.append(time.process_time() - since)
        good_rows.append((good, warnings))
        say(f"{good.name}: {[warning.text for warning in warnings]}")
    before = [*good_table(good_rows, seconds), *subset_table([good for good, _warnings in good_rows])]
    plausible, rough = plausible_loads(data), roughness_table(good_rows)
    counts = {damage.name: Count() for damage in DAMAGES}
    loads = {name: Count() for name in LOADS}
    for good, warnings in [row for row in good_rows if row[0].name in DAMAGED]:
        for damage in DAMAGES:
            count_damage(counts[damage.name], good, damage, warnings)
        for name in LOADS:
            count_load(loads[name], good, name)
        lines = [*before, *damage_table(counts), *load_table(loads, plausible), *rough]
        # After every exam, so that a run that is cut short leaves what it measured.
        RESULT.write_text("\n".join(lines) + "\n" + NOTE.format(bias=LEFT_OVER_BIAS), encoding="utf-8")
        say(f"{good.name}: caught {sum(c.caught for c in counts.values())} of {sum(c.exams for c in counts.values())}")


def exams(data: Path, prepared: Path) -> Iterable[GoodExam]:
    """All good exams, real ones first."""
    yield from raw_exams(data, prepared)
    yield patient26(data)
    for seed in DIGITAL_SEEDS:
        yield digital_patient(seed, prepared)


def spoken(warnings: Iterable[QualityWarning]) -> list[QualityWarning]:
    """Warnings but for those that only say which images were not given."""
    return [warning for warning in warnings if warning.check is not Check.MISSING]


def count_damage(count: Count, good: GoodExam, damage: Damage, before: Sequence[QualityWarning]) -> None:
    """Spoil the exam, check it, count."""
    spoilt = damage.spoil(good)
    if spoilt is None:
        return
    new = [warning for warning in spoken(exam_warnings(spoilt)) if warning not in before]
    named = [w for w in new if (w.modality in damage.slots if damage.slots else w.check is Check.BRAIN)]
    count.exams += 1
    count.caught += bool(new)
    count.named += bool(named)
    count.checks.update({warning.check.value for warning in new})
    if not new:
        count.missed.append(good.name)


# What a model might answer, as a function of the mask's depth in mm and random numbers.
LOADS = {
    "nothing found": lambda depth, rng: np.zeros_like(depth),
    "12 % of the brain": lambda depth, rng: 0.9 * (depth > np.percentile(depth[depth > 0], 87)),
    "300 specks": lambda depth, rng: _specks(depth, rng),
    "all at the rim": lambda depth, rng: 0.9 * _blobs((depth > 0) & (depth < 3), rng),
    "faint everywhere": lambda depth, rng: 0.05 * (depth > 0) + 0.9 * _blobs(depth > 20, rng, share=0.01),
}


def _specks(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    seeds = np.zeros(depth.shape, np.float32)
    inside = np.flatnonzero(depth > 6)
    seeds.ravel()[rng.choice(inside, 300, replace=False)] = 1
    return 0.9 * (ndimage.uniform_filter(seeds, 2) > 0)


def _blobs(where: np.ndarray, rng: np.random.Generator, share: float = 0.1) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.standard_normal(where.shape).astype(np.float32), 3)
    return where & (field > np.percentile(field[where], 100 * (1 - share)))


def count_load(count: Count, good: GoodExam, name: str) -> None:
    """Make the answer up, check it, count."""
    mask = good.working.brain_mask
    depth = ndimage.distance_transform_edt(voxels(mask) > 0).astype(np.float32)
    probability = image_like(mask, LOADS[name](depth, np.random.default_rng(1)).astype(np.float32))
    found = load_warnings(good.working, probability)
    count.exams += 1
    count.caught += bool(found)
    count.named += bool(found)


def load_warnings(working: WorkingExam, probability: sitk.Image) -> tuple[QualityWarning, ...]:
    """Warnings about an answer at threshold 0.5, lesions of 3 mm³ and more."""
    segmentation = segment_lesions(combine([probability]), threshold=0.5, min_lesion_mm3=3.0)
    return result_warnings(working, probability, segmentation)


def plausible_loads(data: Path) -> tuple[int, int]:
    """Wrongly warned of, and how many: the consensus masks, softened by half a voxel, in their own brain masks."""
    wrong = total = 0
    for folder in sorted((data / "lesion_masks").iterdir()):
        brain = sitk.Cast(sitk.ReadImage(str(folder / "brainmask_1mm.nii.gz")) > 0.5, sitk.sitkUInt8)
        lesions = voxels(sitk.ReadImage(str(folder / "lesion_consensus_1mm.nii.gz"))).astype(np.float32)
        probability = image_like(brain, ndimage.gaussian_filter(lesions, 0.5))
        working = WorkingExam({}, brain, Modality.FLAIR, {}, {Modality.FLAIR: Grid.of(brain)}, {})
        wrong += bool(load_warnings(working, probability))
        total += 1
    return wrong, total


def good_table(rows: Sequence[tuple[GoodExam, list[QualityWarning]]], seconds: Sequence[float]) -> list[str]:
    """False alarms."""
    lines = ["# Quality checks", "", "## False alarms on good exams", ""]
    lines += ["| exams | limits come from these | n | with a warning |", "|---|---|---|---|"]
    for title, digital in (("real", False), ("digital patients", True)):
        for is_fit in (True, False):
            these = [
                r for r in rows if r[0].name.startswith("digital") == digital and (r[0].name in LIMITS_FROM) == is_fit
            ]
            wrong = [f"{good.name}: {w.text}" for good, warnings in these for w in warnings]
            alarms = sum(bool(warnings) for _good, warnings in these)
            said = f"{alarms}" + (f" ({'; '.join(wrong)})" if wrong else "")
            lines.append(f"| {title} | {'yes' if is_fit else 'no'} | {len(these)} | {said} |")
    spent = np.median(seconds)
    return [
        *lines,
        "",
        f"Checking one exam before inference takes {spent:.1f} s of one core (median, n = {len(rows)}).",
        "",
    ]


def subset_table(good: Sequence[GoodExam]) -> list[str]:
    """False alarms where images were not given."""
    lines = ["| images given | n | with a warning beside that of the missing ones |", "|---|---|---|"]
    for others in ((), (Modality.T1,), (Modality.T2,)):
        wanted = (Modality.FLAIR, *others)
        wrong, count = [], 0
        for each in good:
            images = {m: image for m, image in each.working.images.items() if m in wanted}
            if len(images) < len(wanted) or len(images) == len(each.working.images):
                continue
            found = spoken(exam_warnings(replace(each.working, images=images)))
            wrong += [f"{each.name}: {w.text}" for w in found]
            count += 1
        names = " + ".join(m.upper() for m in wanted)
        lines.append(f"| {names} | {count} | {len(wrong)}{f' ({chr(59).join(wrong)})' if wrong else ''} |")
    return [*lines, ""]


def damage_table(counts: dict[str, Count]) -> list[str]:
    """Catch rates."""
    lines = ["## Caught, exams that no limit comes from", ""]
    lines += ["| damage | n | caught | slot named | checks that spoke | missed |", "|---|---|---|---|---|---|"]
    for name, count in counts.items():
        checks = ", ".join(f"{check} {n}" for check, n in count.checks.most_common())
        missed = ", ".join(count.missed)
        lines.append(f"| {name} | {count.exams} | {count.caught} | {count.named} | {checks} | {missed} |")
    total, caught = (sum(getattr(count, what) for count in counts.values()) for what in ("exams", "caught"))
    return [*lines, f"| **all** | {total} | {caught} ({caught / total:.0%}) | | | |", ""]


def load_table(loads: dict[str, Count], plausible: tuple[int, int]) -> list[str]:
    """Lesion loads."""
    lines = ["## Lesion load", "", "| answer | n | warned of |", "|---|---|---|"]
    lines += [f"| {name} | {count.exams} | {count.caught} |" for name, count in loads.items()]
    return [*lines, f"| consensus masks of patients (plausible) | {plausible[1]} | {plausible[0]} |", ""]


def roughness_table(rows: Sequence[tuple[GoodExam, list[QualityWarning]]]) -> list[str]:
    """What the limits of the statistics come from."""
    lines = ["## Roughness of good images (differences over 2 mm relative to those over 8 mm)", ""]
    lines += ["| image | exams | n | roughest axis | smoothest axis |", "|---|---|---|---|---|"]
    for modality in (Modality.FLAIR, Modality.T1, Modality.T2):
        for digital in (False, True):
            these = [good for good, _w in rows if good.name.startswith("digital") == digital]
            views = [BrainView.of(good.working) for good in these if modality in good.working.images]
            found = [rough for view in views if (rough := roughness(view, view.images[modality])) is not None]
            spans = [
                f"{min(each):.2f}–{max(each):.2f}"
                for each in zip(*((r.largest, r.smallest) for r in found), strict=True)
            ]
            title = "digital" if digital else "real"
            lines.append(f"| {modality.upper()} | {title} | {len(found)} | " + " | ".join(spans) + " |")
    return lines


def say(text: str) -> None:
    """Progress, for whoever waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python Benchmarks/quality_checks.py DATA PREPARED")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
