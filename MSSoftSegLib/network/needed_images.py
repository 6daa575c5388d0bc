"""Whether an exam holds the images that a model needs."""

from __future__ import annotations

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.network.description import ModelDescription


def check_has_inputs(exam: Exam, description: ModelDescription) -> None:
    """BadExam names the first image that the model needs and the exam lacks."""
    for wanted in description.inputs:
        if wanted.required and wanted.modality not in exam.images:
            raise BadExam(
                f"the model {description.name} needs a {wanted.modality.value.upper()} image",
                remedy="add the image or choose another --model",
            )
