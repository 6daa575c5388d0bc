"""The steps of preprocessing, each remembered by what it depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, cast

import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.preprocessing.alignment import Alignment, align_rigidly
from MSSoftSegLib.preprocessing.bias_correction import correct_bias
from MSSoftSegLib.preprocessing.brain_extraction.backend import choose_backend, extract_brain, say_why_atlas
from MSSoftSegLib.preprocessing.brain_extraction.given import find_nonzero_brain, read_brain_mask
from MSSoftSegLib.preprocessing.cache import StepCache, StepResult, remember
from MSSoftSegLib.preprocessing.settings import COMPUTED_BACKENDS, PreprocessingSettings

# Raised whenever a step's result changes for the same input: older entries are then never met again.
ALIGNMENT_VERSION = 3
BIAS_CORRECTION_VERSION = 2
BRAIN_EXTRACTION_VERSION = {"hd-bet": 1, "atlas": 2}


def recall_alignment(moving: sitk.Image, fixed: sitk.Image, cache: StepCache | None) -> Alignment:
    """align_rigidly, remembered."""

    def compute() -> StepResult:
        found = align_rigidly(moving, fixed)
        facts = {"before": found.mutual_information_before, "after": found.mutual_information_after}
        return StepResult(transforms={"moving_from_fixed": found.moving_from_fixed}, facts=facts)

    result = remember(cache, "alignment", ALIGNMENT_VERSION, {}, [moving, fixed], compute)
    return Alignment(
        sitk.Euler3DTransform(result.transforms["moving_from_fixed"]),
        float(result.facts["before"]),
        float(result.facts["after"]),
    )


def recall_bias_correction(
    image: sitk.Image, mask: sitk.Image | None, shrink: int, cache: StepCache | None
) -> sitk.Image:
    """correct_bias, remembered; the corrected image."""

    def compute() -> StepResult:
        corrected = correct_bias(image, mask=mask, shrink=shrink)
        return StepResult(images={"corrected": corrected.image})

    inputs = [image, mask if mask is not None else "no mask"]
    settings = {"shrink": shrink}
    result = remember(cache, "bias-correction", BIAS_CORRECTION_VERSION, settings, inputs, compute)
    return result.images["corrected"]


def recall_brain(
    images: Mapping[Modality, sitk.Image],
    brain: str,
    target: Modality,
    cache: StepCache | None,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> sitk.Image:
    """extract_brain, remembered; images on the grid of the whole head."""
    asked = cast(Literal["auto", "hd-bet", "atlas"], brain)
    backend = choose_backend(asked)
    say_why_atlas(asked)

    def compute() -> StepResult:
        mask = extract_brain(images, backend=backend, target=target, progress=progress, cancelled=cancelled)
        return StepResult(images={"brain": mask})

    inputs = [images.get(modality, f"no {modality}") for modality in MODALITIES]
    settings = {"backend": backend, "target": target.value}
    version = BRAIN_EXTRACTION_VERSION[backend]
    return remember(cache, "brain-extraction", version, settings, inputs, compute).images["brain"]


def recall_given_brain(exam: Exam, settings: PreprocessingSettings) -> sitk.Image | None:
    """The brain mask that the settings name, on the reference image's native grid; None where it is to be computed.

    Called before anything is computed, so that a wrong request costs no time.
    """
    if settings.brain in COMPUTED_BACKENDS:
        return None
    if settings.reference not in exam.images:
        raise BadExam(
            f"the exam has no {settings.reference.upper()} image, which the brain mask refers to",
            remedy="choose a reference modality that is present",
        )
    reference = exam.images[settings.reference]
    if settings.brain == "none":
        return find_nonzero_brain(reference.image, name=reference.file_name)
    return read_brain_mask(Path(settings.brain), reference.image)
