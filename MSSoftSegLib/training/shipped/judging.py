"""Honest judging: each center's exams by a model that saw nothing of that center, each patient by one that did not see her, and
brains that hold no lesion.

The models are trained for shorter than the one that ships, so what they reach is a cautious figure for it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.inference.predict import predict_members
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.operating_point import AcquisitionPoint, OperatingPoint, choose_fitting_point
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.training.data.prepared_case import PreparedCase
from MSSoftSegLib.training.engine.operating_point import load_trained
from MSSoftSegLib.training.shipped.bundle import draft_description, write_bundle
from MSSoftSegLib.training.shipped.cohort import CohortCase
from MSSoftSegLib.training.shipped.figures import measure_exam, render_table, summarize_exams
from MSSoftSegLib.training.shipped.held_out import HeldOutExam, predict_held_out
from MSSoftSegLib.training.shipped.plan import Plan
from MSSoftSegLib.training.shipped.points import (
    choose_acquisition_points,
    choose_cross_fitted_point,
    state_lesion_free_ml,
)
from MSSoftSegLib.training.shipped.real_exams import RealExam
from MSSoftSegLib.training.shipped.stages import ShippedRun
from MSSoftSegLib.training.shipped.withheld import Withheld, withhold_each_center, withhold_in_folds

LOGGER = logging.getLogger(__name__)
JUDGED_CARD = "# A model that is judged\n\nTrained briefly, without {name}. Not for use.\n"
NOTHING: tuple[tuple[Modality, ...], ...] = ((),)
EVERY_SET: tuple[tuple[Modality, ...], ...] = ((), (Modality.T2,), (Modality.T1,), (Modality.T1, Modality.T2))


@dataclass(frozen=True)
class Judging:
    """One way to split the patients. name: of what it writes (name.json, name.md); contrasts: the sets that are taken away from
    each exam in turn."""

    name: str
    split: tuple[Withheld, ...]
    contrasts: tuple[tuple[Modality, ...], ...] = NOTHING


def split_by_center(exams: Sequence[RealExam]) -> Judging:
    """Each center by a model that has seen nobody of it, with every set of contrasts."""
    return Judging("judgement", withhold_each_center(exams), EVERY_SET)


def split_by_patient(exams: Sequence[RealExam]) -> Judging:
    """Each patient by a model that has seen others of her center, where there are others."""
    return Judging("judgement-in-folds", withhold_in_folds(exams))


def judge(
    judging: Judging, plan: Plan, cohort: Sequence[CohortCase], exams: Sequence[RealExam], folder: Path
) -> tuple[AcquisitionPoint, ...]:
    """Train a model without each part of the split, predict that part, and write the figures; the operating points found.

    Everything finished is taken up by the next call.
    """
    device = choose_device("cpu")
    described = draft_description(plan)
    found: dict[tuple[Modality, ...], list[HeldOutExam]] = {missing: [] for missing in judging.contrasts}
    lesion_free: list[tuple[CohortCase, nn.Module]] = []
    for part in judging.split:
        run = ShippedRun(plan, plan.judged, tuple(cohort), folder, without=part)
        run.train()
        network = load_trained(run.trained)
        write_judged_bundle(run)
        kept = name_held_out_folder(folder, part)
        for missing, predicted in found.items():
            for exam in exams:
                if exam.patient in part.patients and not set(missing) - set(exam.case.images):
                    LOGGER.info("%s without %s", exam.case.case, ", ".join(missing) or "nothing")
                    predicted.append(predict_held_out(exam, [network], described, device, kept, missing=missing))
        lesion_free += [(case, network) for case in cohort if case.kind == "filled" and case.patient in part.patients]
    everything = found[()]
    points = choose_acquisition_points(everything)
    document: dict[str, Any] = {
        _named(missing): _judged(predicted, everything) for missing, predicted in found.items() if predicted
    }
    document["lesion_free"] = [
        _false_lesions(case, network, described, points, device) for case, network in lesion_free
    ]
    points = state_lesion_free_ml(points, [(entry["slices_mm"], entry["ml"]) for entry in document["lesion_free"]])
    document["points"] = [point.model_dump() for point in points]
    (folder / f"{judging.name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    tables = [f"## {name}\n\n{entry['table']}" for name, entry in document.items() if isinstance(entry, dict)]
    (folder / f"{judging.name}.md").write_text("\n".join(tables), encoding="utf-8")
    return points


def name_held_out_folder(run: Path, part: Withheld) -> Path:
    """Where a run keeps what it predicted of the patients that were withheld (``read_held_out_exam`` reads it)."""
    return run / f"held-out-{part.name}"


def write_judged_bundle(run: ShippedRun) -> Path:
    """The trained model of a run that withheld somebody, as a bundle beside it, for whoever asks what it learns of them
    (Benchmarks/department.py); no operating point is chosen."""
    assert run.without is not None
    name = run.without.name
    target = run.folder / f"model-without-{name}"
    with write_completely(target, overwrite=True) as folder:
        card = JUDGED_CARD.format(name=name)
        course = (f"saw nobody of {name}",)
        write_bundle(folder, load_trained(run.trained), run.plan, (), course=course, card=card, metrics={})
    return target


def _named(missing: Sequence[Modality]) -> str:
    return "without " + " and ".join(modality.upper() for modality in missing) if missing else "all images"


def _judged(predicted: Sequence[HeldOutExam], everything: Sequence[HeldOutExam]) -> dict[str, Any]:
    """Figures of each exam at the point that the other patients of its kind chose, all images given."""
    figures = [measure_exam(exam, choose_cross_fitted_point(exam, everything)) for exam in predicted]
    summary = summarize_exams(figures)
    return {"exams": [asdict(entry) for entry in figures], "summary": summary, "table": render_table(figures, summary)}


def _false_lesions(
    case: CohortCase,
    network: nn.Module,
    description: ModelDescription,
    points: Sequence[AcquisitionPoint],
    device: Device,
) -> dict[str, Any]:
    """What is found in a brain whose lesions were filled: everything is false."""
    point = choose_fitting_point(points[0], points, flair_slices_mm=case.prepared.slices_mm).point
    probability = predict_filled(case.prepared, network, description, point, device)
    voxel_mm3 = case.prepared.spacing_mm**3
    instances = label_instances(
        probability, threshold=point.threshold, min_lesion_mm3=point.min_lesion_mm3, voxel_volume_mm3=voxel_mm3
    )
    volume_ml = float((instances > 0).sum() * voxel_mm3 / MM3_PER_ML)
    return {
        "case": case.prepared.case,
        "center": case.center,
        "slices_mm": case.prepared.slices_mm,
        "false_lesions": int(instances.max()),
        "ml": volume_ml,
    }


def predict_filled(
    case: PreparedCase, network: nn.Module, description: ModelDescription, point: OperatingPoint, device: Device
) -> np.ndarray:
    """Probability (z, y, x) of a prepared case on the working grid, as ``segment`` computes it."""
    members = predict_members(
        [network],
        torch.from_numpy(np.array(case.images()))[None],
        tta=description.tta,
        temperature=point.temperature,
        device=device,
        window=description.window,
    )
    return torch.stack(members).mean(dim=0).numpy() * np.array(case.brain())
