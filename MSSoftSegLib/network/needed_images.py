"""Whether an exam holds the images that a model needs."""

from __future__ import annotations

from collections.abc import Container

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.network.description import ModelDescription


def check_has_inputs(present: Container[Modality], description: ModelDescription) -> None:
    """BadExam names the first image that the model needs and is not among those present."""
    for wanted in description.inputs:
        if wanted.required and wanted.modality not in present:
            raise BadExam(
                f"the model {description.name} needs a {wanted.modality.value.upper()} image",
                remedy="add the image or choose another model",
            )
