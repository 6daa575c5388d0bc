"""Rehearsal: digital patients with the soft labels that the model itself gave them before it was adapted.

Its own answers, not the truth: the model is to stay as it was there, not to learn what digital patients look like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import predict
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.description import Calibration
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given


def make_rehearsal_cases(
    patients: Sequence[LabeledCase],
    bundle: Bundle,
    folder: Path,
    device: Device,
    *,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[LabeledCase]:
    """The patients with the model's probabilities in place of raters; the maps are kept in ``folder`` and found there again.

    At temperature 1, which is what training compares with: at the first step the loss of a rehearsed sample is at its least.
    """
    # Only the first network of an ensemble is adapted.
    networks = load_networks(bundle)[:1]
    description = bundle.description.model_copy(update={"calibration": Calibration(temperature=1.0)})
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for number, patient in enumerate(patients):
        progress(number / len(patients))
        path = folder / f"{patient.case}_{bundle.sha256[:16]}.nii.gz"
        if not path.is_file():
            exam = read_exam(patient.images)
            working = take_exam_as_given(exam, working_spacing_mm=description.spacing_mm)
            found = predict(working, description, networks, reference=Modality.FLAIR, tta="none", device=device)
            write_image(found.native.probability, path)
        cases.append(replace(patient, raters=MappingProxyType({}), soft_label=path))
    progress(1.0)
    return cases
