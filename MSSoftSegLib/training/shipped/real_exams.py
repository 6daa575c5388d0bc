"""The real labelled exams that the development data holds, and the centre that each is from.

Three centres: Ljubljana (``open_ms``: Lesjak et al. 2017), Catania (``catania``: MSLesSeg, Guarnera et al. 2025) and Tabriz
(``tabriz``: MS3SEG, Bashiri Bawil et al.), laid out as the README of that folder says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.labeled_case import LabeledCase

MASKS = ("lesion.nii.gz", "lesion_consensus.nii.gz")


@dataclass(frozen=True)
class RealExam:
    """One visit of one patient with a rater's mask."""

    center: str
    case: LabeledCase

    @property
    def patient(self) -> str:
        """The person; all her visits are on one side of every split."""
        return self.case.patient


def find_real_exams(data: Path) -> list[RealExam]:
    """Every labelled exam with images under ``data``, in order of name; RequestError where there is none."""
    found = [_exam("ljubljana", folder, preprocessed=True) for folder in _folders(data / "open_ms" / "mni")]
    found += [_exam("catania", folder, preprocessed=True) for folder in _folders(data / "catania")]
    found += [_exam("tabriz", folder, preprocessed=False) for folder in _folders(data / "tabriz")]
    if not found:
        raise RequestError(
            "no labelled exams were found in the data folder",
            remedy="pass the folder that holds open_ms, catania and tabriz",
        )
    return found


def _folders(center: Path) -> list[Path]:
    """Folders with a FLAIR and a lesion mask, of a patient or of a patient's visit."""
    candidates = sorted([*center.glob("*"), *center.glob("*/*")])
    return [folder for folder in candidates if (folder / "FLAIR.nii.gz").is_file() and _mask(folder) is not None]


def _mask(folder: Path) -> Path | None:
    return next((folder / name for name in MASKS if (folder / name).is_file()), None)


def _exam(center: str, folder: Path, *, preprocessed: bool) -> RealExam:
    is_visit = folder.name.startswith("visit")
    patient = f"{center}-{folder.parent.name if is_visit else folder.name}"
    images = {modality: folder / f"{modality.value.upper()}.nii.gz" for modality in Modality}
    mask = _mask(folder)
    assert mask is not None  # _folders
    case = LabeledCase(
        case=f"{patient}-{folder.name}" if is_visit else patient,
        patient=patient,
        images={modality: path for modality, path in images.items() if path.is_file()},
        raters={"manual": mask},
        preprocessed=preprocessed,
    )
    return RealExam(center, case)
