"""From a result folder of ``segment`` to a visit; what is missing there is named, with what to do."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk
from pydantic import ValidationError

from MSSoftSegLib.change.visit import LesionRegion, NativeImage, Visit
from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.geometry import have_same_grid, image_like, voxels
from MSSoftSegLib.exam.image_file import read_image, read_map
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_folder import read_working_folder
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.result_files import FACTS_FILE as RESULT_FILE
from MSSoftSegLib.result_files import INSTANCES_FILE, LESIONS_FILE, PROBABILITY_FILE

WORKING_FOLDER = "working"
REGION_COLUMN = "region"
DISTANCE_COLUMNS = ("ventricle_distance_mm", "cortex_distance_mm")


def is_result_folder(folder: Path) -> bool:
    """Whether a folder is what ``segment`` left, rather than an exam's images."""
    return (folder / RESULT_FILE).is_file()


def read_visit(folder: Path, *, name: str) -> Visit:
    """The visit of a finished result; BadExam where it is not whole or was kept without its working images."""
    facts = _facts(folder)
    inner = folder / WORKING_FOLDER
    if not inner.is_dir():
        raise BadExam(
            f"the result for {name} was written without its working images, which a comparison needs",
            remedy="give the exam folder instead, or segment it again with --keep-working",
        )
    working = read_working_folder(inner)
    reference = Modality(facts.reference_modality)
    if Modality.FLAIR not in working.images:
        raise BadExam(f"the result for {name} holds no FLAIR image", remedy="segment the exam again")
    probability = _image(folder, PROBABILITY_FILE, name)
    return Visit(
        name=name,
        working=working,
        probability=read_map(inner / PROBABILITY_FILE, working.brain_mask),
        native_probability=probability,
        native_instances=_instances(folder, probability, name),
        reference=reference,
        native_images={
            Modality(given.modality): NativeImage(_spacing(given.spacing_mm), given.sha256) for given in facts.inputs
        },
        threshold=facts.threshold,
        model=(facts.model.name, facts.model.version, facts.model.sha256),
        warnings=facts.warnings,
        regions=_regions(folder / LESIONS_FILE),
    )


def _facts(folder: Path) -> Result:
    try:
        return Result.model_validate_json((folder / RESULT_FILE).read_text(encoding="utf-8"))
    except OSError:
        raise BadExam(
            f"{folder.name} holds no {RESULT_FILE}", remedy="give an exam folder or a result of segment"
        ) from None
    except (ValidationError, ValueError):
        raise BadExam(
            f"{RESULT_FILE} in {folder.name} is not what segment writes", remedy="segment the exam again"
        ) from None


def _image(folder: Path, file_name: str, name: str) -> sitk.Image:
    path = folder / file_name
    if not path.is_file():
        raise BadExam(f"the result for {name} has no {file_name}", remedy="segment the exam again")
    try:
        return read_image(path)
    except BadImage as problem:
        # A map of a visit without any lesion is constant, and is one all the same.
        if "empty" not in problem.message or "every voxel is 0" not in problem.message:
            raise
        return sitk.ReadImage(str(path), sitk.sitkFloat32)


def _instances(folder: Path, probability: sitk.Image, name: str) -> sitk.Image:
    """Lesion numbers on exactly the probability map's grid, uint16."""
    image = _image(folder, INSTANCES_FILE, name)
    if not have_same_grid(image, probability):
        raise BadExam(
            f"{INSTANCES_FILE} and {PROBABILITY_FILE} of {name} lie on different grids", remedy="segment the exam again"
        )
    return image_like(probability, voxels(image).round().astype("uint16"))


def _regions(path: Path) -> dict[int, LesionRegion] | None:
    """The region of each lesion that has one; None where the table does not tell any."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if REGION_COLUMN not in (reader.fieldnames or ()):
            return None
        rows = {int(row["id"]): row for row in reader if row[REGION_COLUMN]}
    return {
        number: LesionRegion(row[REGION_COLUMN], *(_number(row.get(name)) for name in DISTANCE_COLUMNS))
        for number, row in rows.items()
    }


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def _spacing(spacing_mm: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = spacing_mm
    return x, y, z
