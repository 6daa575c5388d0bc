"""Predictions for the ISBI 2015 longitudinal challenge's test visits, named as its server takes them.

One binary ``testNN_MM_TEAM.nii`` a visit: 14 patients, 61 visits, images of 181×217×181 voxels (Carass et al. 2017,
NeuroImage 148:77).
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadLibrary, GridMismatch
from MSSoftSegLib.exam.geometry import have_same_grid, image_like, voxels
from MSSoftSegLib.exam.image_file import read_image, read_mask, write_image
from MSSoftSegLib.exam.label_doubts import describe_counts, value_counts
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.exporting.exported import (
    Exported,
    Progress,
    check_unchanged,
    list_exported_files,
    say_nothing,
    write_mark,
)
from MSSoftSegLib.library.importing.source import check_source
from MSSoftSegLib.library.layout import CaseId, check_id, resolve_inside
from MSSoftSegLib.library.reading import find_case
from MSSoftSegLib.result_files import MASK_FILE
from MSSoftSegLib.result_folder import write_completely

LOGGER = logging.getLogger(__name__)
VISITS = 61
SIZE = (181, 217, 181)
# Of a result folder, the file that is the answer.
_VISIT = re.compile(r"(?:sub-)?test(\d+)_(?:ses-)?(\d+)(?![0-9])")


def export_isbi_submission(
    library: Path,
    out: Path,
    *,
    predictions: Path,
    team: str,
    overwrite: bool = False,
    progress: Progress = say_nothing,
) -> Exported:
    """Write the test visits' masks into a new folder.

    predictions: a folder with a mask per visit (``test01_02.nii.gz``, ``sub-test01_ses-02_….nii.gz``) or a result folder
    per visit. Each must lie on the grid of its visit's FLAIR, where the library has it.
    """
    check_id(team, "team name")
    check_source(predictions)
    found = find_predictions(predictions)
    if len(found) != VISITS:
        LOGGER.warning("there are predictions for %d visits; the challenge has %d", len(found), VISITS)
    cases: list[str] = []
    check_unchanged(out)
    with write_completely(out, overwrite=overwrite) as folder:
        for (patient, session), path in sorted(found.items()):
            case = CaseId(f"test{patient}", session)
            progress(len(cases) / len(found), str(case))
            cases.append(str(case))
            write_image(_checked(library, case, path), folder / f"test{patient}_{session}_{team}.nii")
        files = list_exported_files(folder)
        write_mark(folder, "isbi-submission")
    return Exported(tuple(cases), files)


def find_predictions(folder: Path) -> dict[tuple[str, str], Path]:
    """The mask of each visit, by patient and visit number as they are written in names."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.iterdir()):
        visit = _VISIT.match(path.name)
        if visit is None:
            continue
        mask = path / MASK_FILE if path.is_dir() else path
        if not mask.is_file():
            raise BadLibrary(f"{path.name} holds no {MASK_FILE}", remedy="segment this visit, or remove its folder")
        other = found.setdefault((visit[1], visit[2]), mask)
        if other != mask:
            raise BadLibrary(
                f"there are two predictions for test{visit[1]}_{visit[2]}", remedy="leave one in the folder"
            )
    if not found:
        raise BadLibrary(
            f"{folder.name} holds no prediction named like test01_01", remedy="name masks or result folders by visit"
        )
    return found


def _checked(library: Path, case: CaseId, path: Path) -> sitk.Image:
    """The mask as 0 and 1."""
    mask = read_mask(path)
    if find_case(library, case) is not None:
        flair = read_image(resolve_inside(library, case.image(Modality.FLAIR)))
        if not have_same_grid(mask, flair):
            raise GridMismatch(
                f"the prediction for {case} does not lie on its FLAIR's grid", remedy="segment with --reference flair"
            )
    elif mask.GetSize() != SIZE:
        LOGGER.warning("the prediction for %s has not the challenge's %s voxels", case, "×".join(map(str, SIZE)))
    counts = value_counts(voxels(mask))
    if set(counts) - {LESION, POSSIBLE_LESION}:
        LOGGER.warning("%s holds the values %s: all of them count as lesion", path.name, describe_counts(counts))
    return image_like(mask, (voxels(mask) > 0).astype(np.uint8))
