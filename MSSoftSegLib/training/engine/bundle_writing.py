"""From finished trainings to a bundle: weights, description, card and curves in one folder."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.operating_point import AcquisitionPoint
from MSSoftSegLib.network.weights import save_weights
from MSSoftSegLib.training.engine.curves import PICTURE, STEPS_FILE, VALIDATIONS_FILE, read_rows
from MSSoftSegLib.training.engine.operating_point import ChosenPoint, MeasuredPoint, load_trained
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.recipe import Recipe
from MSSoftSegLib.version import VERSION

INTENDED_USE = "Research on MS lesion segmentation in brain MRI. Not a medical device; not for diagnosis."
# A model trained on a department's own cases is the department's.
LICENSE = "not stated: decide before you share this model"


def write_trained_bundle(
    folder: Path,
    name: str,
    tasks: Sequence[FitTask],
    point: MeasuredPoint,
    *,
    facts: Mapping[str, Any],
    acquisitions: Sequence[AcquisitionPoint] = (),
) -> ModelDescription:
    """Write ``model.json``, weights, card and curves into an existing folder.

    facts: what the job knows of the data (numbers of cases, folds), for the record. acquisitions: operating points for exams of
    their kind, beside ``point``, which is for all others.
    """
    files = [_write_member(folder, number, task, single=len(tasks) == 1) for number, task in enumerate(tasks)]
    recipe = tasks[0].recipe
    document = {
        "name": name,
        "version": date.today().strftime("%Y.%m.%d"),
        "created": date.today().isoformat(),
        "licence": LICENSE,
        "intended_use": INTENDED_USE,
        **make_inference_facts(recipe, point),
        "acquisitions": [entry.model_dump() for entry in acquisitions],
        "training": {
            **facts,
            "seed": recipe.training.seed,
            "epochs": sum(phase.epochs for phase in recipe.training.phases),
            "software": f"MSSoftSegLib {VERSION}, torch {torch.__version__}",
        },
        "metrics": {
            "training_dsc": round(point.mean_dsc, 4),
            "training_cases": point.cases,
            "best_validation_dsc": [_best_dsc(task) for task in tasks],
        },
        "files": files,
    }
    description = ModelDescription.model_validate(document)
    (folder / "model.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(_card(description, document), encoding="utf-8")
    return description


def make_inference_facts(recipe: Recipe, point: ChosenPoint) -> dict[str, Any]:
    """The part of ``model.json`` that says how the network is used: what the recipe fixes, and what was chosen."""
    return {
        "inputs": [entry.model_dump(mode="json") for entry in recipe.data.inputs],
        "spacing_mm": recipe.data.spacing_mm,
        "normalization": recipe.data.normalization,
        "network": recipe.network.model_dump(mode="json"),
        "activation": recipe.activation.name,
        "activation_floor": recipe.activation.floor,
        "tta": recipe.postprocessing.tta,
        "window": recipe.postprocessing.window,
        "threshold": point.threshold,
        "min_lesion_mm3": point.min_lesion_mm3,
        "calibration": {"temperature": point.temperature},
        "recipe": recipe.model_dump(mode="json"),
    }


def _write_member(folder: Path, number: int, task: FitTask, *, single: bool) -> dict[str, str]:
    """One member's weights and curves; its entry in the description."""
    path = folder / ("weights.safetensors" if single else f"weights-{number}.safetensors")
    save_weights(load_trained(task), path)
    curves = folder / "curves" / ("" if single else f"member-{number}")
    curves.mkdir(parents=True)
    for curve in (STEPS_FILE, VALIDATIONS_FILE, PICTURE):
        if (task.folder / curve).is_file():
            shutil.copyfile(task.folder / curve, curves / curve)
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _best_dsc(task: FitTask) -> float | None:
    values = [float(row["val_dice"]) for row in read_rows(task.folder / VALIDATIONS_FILE)]
    return round(max(values), 4) if values else None


def _card(description: ModelDescription, document: Mapping[str, Any]) -> str:
    """The model's card: what it is, what it was trained on, what is known of it, and what is not."""
    recipe, training, metrics = document["recipe"], document["training"], document["metrics"]
    validation = ", ".join("none" if value is None else f"{value:.3f}" for value in metrics["best_validation_dsc"])
    inputs = ", ".join(
        f"{part.modality.upper()}{'' if part.required else ' (optional)'}" for part in description.inputs
    )
    return CARD.format(
        name=description.name,
        recipe=f"**{recipe['name']}** ({recipe['title']}; {recipe['source']})",
        created=description.created,
        intended_use=INTENDED_USE,
        inputs=inputs,
        cases=training.get("training_cases", "unknown"),
        patients=training.get("patients", "unknown"),
        pseudo=training.get("pseudo_labelled_cases", 0),
        validation=validation,
        trained_on=metrics["training_cases"],
        training_dsc=metrics["training_dsc"],
        threshold=description.threshold,
        smallest=description.min_lesion_mm3,
        temperature=description.calibration.temperature,
        adaptation=_adaptation_words(training),
        licence=description.licence,
    )


def _adaptation_words(training: Mapping[str, Any]) -> str:
    """What the card says of an adaptation; nothing of any other training."""
    facts = training.get("adaptation")
    if facts is None:
        return ""
    base, lost = facts["base"], facts["base"]["forgotten"]
    verdict = f"**Forgotten: {'; '.join(lost)}**" if lost else "No more was forgotten than is tolerated"
    return ADAPTATION.format(
        start=f"{facts['started_from']} {facts['started_from_version']}",
        course=facts["course"],
        point=facts["operating_point"],
        patients=base["patients"],
        before=base["dsc_before"],
        after=base["dsc_after"],
        f1_before=base["lesion_f1_before"],
        f1_after=base["lesion_f1_after"],
        verdict=verdict,
    )


CARD = """# {name}

Trained with the recipe {recipe} on {created}.

{intended_use}

- Inputs: {inputs}
- Cases: {cases}, of {patients} patients whom raters labelled; {pseudo} of the cases have pseudo-labels
- Best mean DSC on validation cases, per member, over raters, at the best of nine thresholds: {validation}. The weights were
  chosen by this number, which is therefore too good
- DSC on {trained_on} of the cases trained on: {training_dsc:.3f}. This says nothing about new patients
- Threshold {threshold}, lesions below {smallest} mm³ dropped, temperature {temperature}
{adaptation}
Not known: how the model does on other scanners, in other hospitals, in other patients. Evaluate it on labelled cases that it
has not seen (`mssoftseg evaluate`) before you rely on it.

Licence: {licence}
"""

ADAPTATION = """
## Adaptation

Began with the weights of {start}. {course}.

- Operating point: {point}
- On {patients} digital patients that it was not adapted to, before and after: DSC {before:.3f} and {after:.3f}, lesion F1
  {f1_before:.3f} and {f1_after:.3f}. {verdict}. They are of the same kind as those that were rehearsed, which flatters
"""
