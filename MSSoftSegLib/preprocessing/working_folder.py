"""A working exam as a folder that any viewer opens: NIfTI images, ITK transforms, one JSON file with the facts.

FLAIR.nii.gz, T1.nii.gz, T2.nii.gz (those present)  float32, on the working grid, 0 outside the brain
brain_mask.nii.gz                                   uint8, 1 = brain
FLAIR_to_working.tfm, …                             for bringing that native image here: maps a point of the working space
                                                    to the image's native space (LPS mm), as sitk.Resample expects
working.json                                        target modality, grids, mutual information
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import SimpleITK as sitk
from pydantic import BaseModel, ValidationError

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_file import read_image, read_mask, write_images
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_exam import MutualInformation, WorkingExam
from MSSoftSegLib.result_files import BRAIN_MASK_FILE, WORKING_FACTS_FILE


class _GridFacts(BaseModel, frozen=True, extra="forbid"):
    """A grid in full precision: NIfTI headers hold single precision only. LPS mm, direction row-major."""

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[float, float, float, float, float, float, float, float, float]

    @classmethod
    def of(cls, grid: Grid) -> _GridFacts:
        """The facts of a grid."""
        return cls(
            size=grid.size, spacing_mm=grid.spacing_mm, origin_mm=grid.origin_mm, direction=tuple(grid.direction)
        )

    def grid(self) -> Grid:
        """The grid of these facts."""
        return Grid(self.size, self.spacing_mm, self.origin_mm, self.direction)


class _InformationFacts(BaseModel, frozen=True, extra="forbid"):
    """Mutual information with the target, nats."""

    before: float
    after: float


class _WorkingFacts(BaseModel, frozen=True, extra="forbid"):
    """working.json."""

    schema_version: Literal[1] = 1
    target: Modality
    modalities: tuple[Modality, ...]
    transform_direction: Literal["working point to native point, LPS mm"] = "working point to native point, LPS mm"
    working_grid: _GridFacts
    native_grids: dict[Modality, _GridFacts]
    mutual_information_nats: dict[Modality, _InformationFacts]


def name_image_file(modality: Modality) -> str:
    """The name of a modality's working image."""
    return f"{modality.upper()}.nii.gz"


def name_transform_file(modality: Modality) -> str:
    """The name of the transform that brings a modality's native image to the working grid."""
    return f"{modality.upper()}_to_working.tfm"


def write_working_folder(working: WorkingExam, folder: Path) -> None:
    """Write the working exam into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    images = {folder / name_image_file(modality): working.images[modality] for modality in working.modalities}
    write_images({**images, folder / BRAIN_MASK_FILE: working.brain_mask})
    for modality in working.modalities:
        sitk.WriteTransform(working.native_from_working[modality], str(folder / name_transform_file(modality)))
    facts = _WorkingFacts(
        target=working.target,
        modalities=working.modalities,
        working_grid=_GridFacts.of(working.grid),
        native_grids={modality: _GridFacts.of(grid) for modality, grid in working.native_grids.items()},
        mutual_information_nats={
            modality: _InformationFacts(before=information.before, after=information.after)
            for modality, information in working.mutual_information.items()
        },
    )
    (folder / WORKING_FACTS_FILE).write_text(facts.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_working_folder(folder: Path) -> WorkingExam:
    """The working exam of a folder; BadExam where it is incomplete or its files do not belong together."""
    facts = _read_facts(folder / WORKING_FACTS_FILE)
    grid = facts.working_grid.grid()
    images = {m: _on_grid(read_image(folder / name_image_file(m)), grid, name_image_file(m)) for m in facts.modalities}
    return WorkingExam(
        images=images,
        brain_mask=_on_grid(read_mask(folder / BRAIN_MASK_FILE), grid, BRAIN_MASK_FILE),
        target=facts.target,
        native_from_working={m: _read_transform(folder / name_transform_file(m)) for m in facts.modalities},
        native_grids={modality: native.grid() for modality, native in facts.native_grids.items()},
        mutual_information={
            modality: MutualInformation(before=information.before, after=information.after)
            for modality, information in facts.mutual_information_nats.items()
        },
    )


def _read_facts(path: Path) -> _WorkingFacts:
    """working.json, checked."""
    try:
        return _WorkingFacts.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise _damaged(f"the working folder has no readable {path.name}") from None
    except (ValidationError, UnicodeDecodeError, json.JSONDecodeError):
        raise _damaged(f"{path.name} in the working folder is not what preprocessing writes") from None


def _on_grid(image: sitk.Image, grid: Grid, name: str) -> sitk.Image:
    """The image with the working grid in full precision; its own header must say the same up to rounding."""
    if not have_same_grid(image, grid):
        raise _damaged(f"{name} does not lie on the grid that {WORKING_FACTS_FILE} states")
    return grid.image(np.asarray(voxels(image)))


def _read_transform(path: Path) -> sitk.Transform:
    """One transform file."""
    try:
        return sitk.ReadTransform(str(path))
    except RuntimeError:
        raise _damaged(f"{path.name} is missing from the working folder or damaged") from None


def _damaged(message: str) -> BadExam:
    """The error for a folder that cannot be used."""
    return BadExam(message, remedy="run `mssoftseg preprocess` again")
