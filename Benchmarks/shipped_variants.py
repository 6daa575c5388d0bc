"""What each choice behind the shipped model is worth: soft or binary labels, published recipes, a teacher's pseudo-labels.

    python Benchmarks/shipped_variants.py ../shared/data/open_ms --run runs/variants [--only NAME SEED]

Every variant learns from the same synthetic patients (one fixed set; the real labelled exam's lesions are in none), from random
weights, for 10 to 25 minutes on one core, and is judged on other synthetic patients and on the real labelled exam, all without
test-time augmentation. What is finished is kept in the run's folder. Writes ``Benchmarks/results/shipped_variants.md``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn
from variants_cohort import HELD_OUT, Cohort, Label, pen
from variants_pseudo import pseudo_labeled
from variants_table import write_table

from MSSoftSegLib.evaluation.calibration import expected_calibration_error, neighborhood
from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice, soft_dice
from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.engine.launch import choose_hardware, train_one
from MSSoftSegLib.training.engine.operating_point import load_trained
from MSSoftSegLib.training.engine.progress_channel import DirectChannel
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.engine.validation import case_probability, predict_whole
from MSSoftSegLib.training.recipe import AugmentationSettings, PseudoLabelSettings, Recipe, find_recipe
from MSSoftSegLib.training.shipped.real_exams import find_real_exams

RESULTS = Path(__file__).parent / "results" / "shipped_variants.md"
THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))
SMALLEST_COUNTED_VOXELS = 3
MIN_LESION_MM3 = 3.0


@dataclass(frozen=True)
class Variant:
    """steps: of the optimizer, chosen so that each variant takes about the same time. teacher: whose pseudo-labels of the
    raw exams are learned from too."""

    name: str
    recipe: str
    label: Label
    steps: int
    seeds: tuple[int, ...]
    teacher: str | None = None


VARIANTS = (
    Variant("soft", "mssoftseg-synthetic", "drawn", steps=1600, seeds=(1, 2)),
    Variant("binary", "mssoftseg-synthetic", "pen", steps=1600, seeds=(1, 2)),
    Variant("softseg2020", "softseg2020", "pen", steps=300, seeds=(1,)),
    Variant("barilan-sl-small", "barilan-sl-small", "barilan", steps=1400, seeds=(1,)),
    Variant("soft-student", "mssoftseg-synthetic", "drawn", steps=1600, seeds=(1,), teacher="soft"),
)


def recipe_of(variant: Variant, seed: int) -> Recipe:
    """The named recipe with a shorter course. Ours: the patients differ as much as augmentation could make them, so flips and
    blanked inputs are all that is added."""
    recipe = find_recipe(variant.recipe)
    per_epoch = 100
    phase = recipe.training.phases[0].model_copy(update={"epochs": variant.steps // per_epoch})
    course = {"phases": (phase,), "steps_per_epoch": per_epoch, "seed": seed, "early_stop": None}
    changes: dict[str, object] = {"training": recipe.training.model_copy(update=course)}
    if variant.recipe == "mssoftseg-synthetic":
        changes["augmentation"] = AugmentationSettings(flip=0.5, modality_dropout=0.15)
    if variant.teacher is not None:
        changes["pseudo_labels"] = PseudoLabelSettings(mode="confidence-weighted", share=0.3)
    return Recipe.model_validate(recipe.model_copy(update=changes).model_dump())


def task_of(variant: Variant, seed: int, cohort: Cohort, run: Path) -> FitTask:
    """What the engine is told."""
    recipe = recipe_of(variant, seed)
    training = cohort.cases("training", variant.label, recipe.data.normalization)
    if variant.teacher is not None:
        before = next(each for each in VARIANTS if each.name == variant.teacher)
        training += pseudo_labeled(task_of(before, seed, cohort, run), recipe, cohort.data, run / f"pseudo-{seed}")
    return FitTask(
        recipe=recipe,
        training=training,
        validation=(),
        folder=run / f"{variant.name}-{seed}",
        seed=seed,
        hardware=choose_hardware("cpu", devices=1, nodes=1, precision="auto"),
        resume=True,
    )


@dataclass(frozen=True)
class Score:
    """One exam, at the threshold that suits the validation patients best. soft_dice: against the drawn fraction of lesion
    where it is known, else against the mask; ece: within 5 mm of true lesions, against the mask."""

    case: str
    dsc: float | None
    lesion_f1: float | None
    soft_dice: float | None
    ece: float | None


def judged(name: str, tasks: Sequence[FitTask], cohort: Cohort, run: Path) -> dict[str, object]:
    """The threshold, and every test exam's score, of one network or of the mean of several."""
    networks, recipe = [load_trained(task) for task in tasks], tasks[0].recipe
    normalization = recipe.data.normalization
    validation = [
        (_probability(networks, case, recipe), case) for case in cohort.cases("validation", "drawn", normalization)
    ]
    threshold = max(THRESHOLDS, key=lambda level: np.mean([dice(p >= level, pen(c.label())) for p, c in validation]))
    scores = [
        score(_probability(networks, case, recipe), case, np.array(case.label()), threshold)
        for case in cohort.cases("test", "drawn", normalization)
    ]
    held_out = next(exam.case for exam in find_real_exams(cohort.data.parent) if exam.patient.endswith(HELD_OUT))
    real = prepare_cases([held_out], recipe, run / f"real-{normalization}")[0]
    truth = np.array(real.rater(real.raters[0])) >= 0.5
    scores.append(score(_probability(networks, real, recipe), real, truth.astype(np.float32), threshold))
    return {"variant": name, "seed": tasks[0].seed, "threshold": threshold, "scores": [asdict(s) for s in scores]}


def score(probability: np.ndarray, case: PreparedCase, soft_truth: np.ndarray, threshold: float) -> Score:
    """Compare one exam's probability with its truth."""
    truth = pen(soft_truth)
    kept = label_instances(probability, threshold=threshold, min_lesion_mm3=MIN_LESION_MM3, voxel_volume_mm3=1.0) > 0
    near = neighborhood(truth, spacing_mm=(1.0, 1.0, 1.0)) & np.array(case.brain())
    return Score(
        case=case.case,
        dsc=dice(kept, truth),
        lesion_f1=detection(truth, kept, min_voxels=SMALLEST_COUNTED_VOXELS).f1,
        soft_dice=soft_dice(probability, soft_truth),
        ece=expected_calibration_error(probability[near], truth[near]),
    )


def _probability(networks: Sequence[nn.Module], case: PreparedCase, recipe: Recipe) -> np.ndarray:
    device = choose_device("cpu")
    return np.mean(
        [case_probability(predict_whole(one, case, recipe, device), case, recipe) for one in networks], axis=0
    )


def run_variant(variant: Variant, seed: int, cohort: Cohort, run: Path) -> None:
    """Train and judge one variant with one seed, unless that is done."""
    result = run / f"{variant.name}-{seed}.json"
    if result.is_file():
        return
    task = task_of(variant, seed, cohort, run)
    started = time.monotonic()
    train_one(task, DirectChannel())
    seconds = time.monotonic() - started
    _keep(result, judged(variant.name, [task], cohort, run) | {"steps": variant.steps, "seconds": round(seconds)})


def run_ensemble(cohort: Cohort, run: Path) -> None:
    """The mean of the soft variant's seeds: what a second network would be worth, at twice the time."""
    base = VARIANTS[0]
    parts = [run / f"{base.name}-{seed}.json" for seed in base.seeds]
    result = run / f"{base.name}-ensemble.json"
    if result.is_file() or not all(part.is_file() for part in parts):
        return
    seconds = sum(json.loads(part.read_text(encoding="utf-8"))["seconds"] for part in parts)
    tasks = [task_of(base, seed, cohort, run) for seed in base.seeds]
    found = judged(f"{base.name}, mean of {len(tasks)}", tasks, cohort, run)
    _keep(result, found | {"steps": base.steps, "seconds": seconds})


def _keep(path: Path, document: dict[str, object]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the open_ms folder (lesion_masks, tissues, mni, raw)")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--only", nargs=2, metavar=("NAME", "SEED"), help="one variant with one seed")
    parser.add_argument("--steps", type=int, help="steps of every variant, for trying it out")
    given = parser.parse_args()
    cohort = Cohort(given.run / "cohort", given.data)
    cohort.write()
    for variant in VARIANTS:
        course = variant if given.steps is None else replace(variant, steps=given.steps)
        for seed in variant.seeds:
            if given.only is None or given.only == [variant.name, str(seed)]:
                run_variant(course, seed, cohort, given.run)
    run_ensemble(cohort, given.run)
    write_table(given.run, RESULTS)


if __name__ == "__main__":
    main()
