"""What a ``segment`` result says about its exam, as the case library keeps it."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import ModelFindings
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from MSSoftSegLib.report.lesion_table import read_lesions_csv
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.result_files import FACTS_FILE, LESIONS_FILE

LONGEST_LABEL_NAME = 40
# Spacings that went through files of single precision.
SAME_SPACING_MM = 1e-3


def read_findings_of_case(result: Path, library: Path, case: CaseId, flair: Source | None) -> ModelFindings:
    """Read a result folder of a case whose FLAIR is given, or in the library; RequestError where it is of another exam."""
    if flair is None:
        flair = resolve_inside(library, case.image(Modality.FLAIR))
    if isinstance(flair, Path) and not flair.exists():
        raise RequestError(f"there is no case {case} yet", remedy="give its FLAIR image too")
    grid = Grid.of(read_image(flair) if isinstance(flair, Path) else flair)
    return read_findings(result, size=grid.size, spacing_mm=grid.spacing_mm)


def label_name(model: str) -> str:
    """A model's name as that of a soft label: letters and digits."""
    return "".join(letter for letter in model if letter.isascii() and letter.isalnum())[:LONGEST_LABEL_NAME] or "model"


def read_findings(result: Path, *, size: tuple[int, ...], spacing_mm: tuple[float, ...]) -> ModelFindings:
    """Read a result folder; RequestError where it is none, or of another exam than the FLAIR of that size and spacing."""
    try:
        facts = Result.model_validate_json((result / FACTS_FILE).read_bytes())
        lesions = read_lesions_csv(result / LESIONS_FILE)
    except (OSError, ValidationError):
        raise RequestError(
            f"{result.name} is not a result of segment", remedy="give the folder that segment wrote, or none"
        ) from None
    for image in facts.inputs:
        same = image.shape == size and all(
            math.isclose(one, other, abs_tol=SAME_SPACING_MM)
            for one, other in zip(image.spacing_mm, spacing_mm, strict=True)
        )
        if image.modality == Modality.FLAIR and not same:
            raise RequestError(
                f"{result.name} is the result of another exam: its FLAIR has another grid",
                remedy="give the result of this exam, or none",
            )
    return ModelFindings(
        model=facts.model.name,
        psu=facts.uncertainty.psu,
        worst_lesion_lsu=max((lesion.lsu for lesion in lesions), default=None),
        mean_entropy_nats=facts.uncertainty.mean_entropy_in_lesions,
        lesions=facts.lesions.count,
        volume_ml=facts.lesions.volume_ml,
        soft_volume_ml=facts.lesions.soft_volume_ml,
        threshold=facts.threshold,
    )
