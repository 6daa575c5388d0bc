"""Little cohorts on disk, and what stands in for a segmentation where the engine is the point: milliseconds an exam."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.places import RESULT_FOLDER
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.network.bundle import CARD_FILE, DESCRIPTION_FILE
from MSSoftSegLib.network.catalog import SHIPPED_MODEL, find_installed
from MSSoftSegLib.report.lesion_table import COLUMNS
from MSSoftSegLib.report.result import (
    InputFacts,
    LesionFacts,
    ModelFacts,
    Result,
    SoftwareFacts,
    StageFacts,
    UncertaintyFacts,
)
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam

DESCRIPTION = {"Name": "made up", "BIDSVersion": "1.10.0"}


def write_bids_tree(folder: Path, exams: Mapping[str, str | None], *, entities: str = "") -> Path:
    """A BIDS data set of the small digital patient, once for each participant, with the session that is given or none."""
    exam, _ = write_small_exam(folder.parent / "made")
    folder.mkdir()
    (folder / "dataset_description.json").write_text(json.dumps(DESCRIPTION))
    for participant, session in exams.items():
        stem = f"sub-{participant}" + (f"_ses-{session}" if session else "")
        anat = folder / f"sub-{participant}" / (f"ses-{session}" if session else "") / "anat"
        anat.mkdir(parents=True)
        for name, suffix in (("FLAIR", "FLAIR"), ("T1", "T1w"), ("T2", "T2w")):
            shutil.copyfile(exam / f"{name}.nii.gz", anat / f"{stem}{entities}_{suffix}.nii.gz")
    return folder


def write_tiny_exams(folder: Path, count: int) -> Path:
    """A table of so many exams with one tiny FLAIR image each, no two alike."""
    folder.mkdir()
    lines = ["participant,flair"]
    for number in range(count):
        image = sitk.GetImageFromArray(np.full((2, 2, 2), number, np.int16))
        sitk.WriteImage(image, str(folder / f"{number}.nii"))
        lines.append(f"{number:04d},{number}.nii")
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")
    return folder / "cohort.csv"


def write_other_model(folder: Path) -> Path:
    """A bundle that calls itself another version of the one that ships: enough for whoever reads no weights."""
    shipped = find_installed()[SHIPPED_MODEL]
    folder.mkdir()
    shutil.copyfile(shipped / CARD_FILE, folder / CARD_FILE)
    description = json.loads((shipped / DESCRIPTION_FILE).read_text(encoding="utf-8"))
    (folder / DESCRIPTION_FILE).write_text(json.dumps({**description, "version": "another"}))
    return folder


def stand_in(exam: CohortExam, files: Mapping[Modality, Path], settings: CohortSettings, folder: Path) -> None:
    """A result that says what a segmentation would, made up from the participant's number. Notes that it was made."""
    result = folder / RESULT_FOLDER
    result.mkdir()
    number = int("".join(filter(str.isdigit, exam.case.patient)) or "0")
    (result / "result.json").write_text(facts(lesions=2, volume_ml=1.0 + number / 7).model_dump_json())
    rows = [",".join(COLUMNS), *(",".join([str(k), *["0.1"] * (len(COLUMNS) - 2), ""]) for k in (1, 2))]
    (result / "lesions.csv").write_text("\n".join(rows) + "\n")
    (result / "report.html").write_text("<!DOCTYPE html>")
    # As much time as it takes to be killed in.
    time.sleep(float(os.environ.get("STAND_IN_SECONDS", "0")))
    if log := os.environ.get("STAND_IN_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{exam} {os.getpid()}\n")


def fails_once(exam: CohortExam, files: Mapping[Modality, Path], settings: CohortSettings, folder: Path) -> None:
    """The stand-in, which fails the first time that an exam comes, and always for participant ``bad``."""
    seen = Path(os.environ["STAND_IN_LOG"]).parent / f"seen-{exam}"
    if exam.case.patient == "bad" or not seen.exists():
        seen.touch()
        raise BadImage("image.nii is broken", remedy="mend it")
    stand_in(exam, files, settings, folder)


def facts(*, lesions: int, volume_ml: float, entropy: float | None = 0.3, warnings: tuple[str, ...] = ()) -> Result:
    """A made-up ``result.json``."""
    return Result(
        software=SoftwareFacts(version="1", python="3", torch="2"),
        inputs=(
            InputFacts(
                modality="flair",
                path_name="f.nii",
                sha256="0",
                shape=(2, 2, 2),
                spacing_mm=(1, 1, 1),
                orientation="LPS",
            ),
        ),
        reference_modality="flair",
        alignment_target="flair",
        brain_extraction="none",
        model=ModelFacts(name="little", version="0", sha256="0", recipe="random"),
        device="cpu",
        tta="none",
        threshold=0.5,
        min_lesion_mm3=3.0,
        connectivity=26,
        lesions=LesionFacts(
            count=lesions, volume_ml=volume_ml, soft_volume_ml=volume_ml, volume_interval_ml=(volume_ml, volume_ml)
        ),
        uncertainty=UncertaintyFacts(mean_entropy_in_lesions=entropy, psu=0.1),
        stages=(StageFacts(name="inference", seconds=1.0),),
        peak_memory_mb=100.0,
        warnings=warnings,
    )
