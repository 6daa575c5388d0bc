"""The BIDS App around a job that is made up: names, sidecars, links, picture, group level. No model, so it takes a second.

That the real job is what is run, and gives what it gives alone, is ``test_bids_app.py``'s to say.
"""

from __future__ import annotations

import csv
import json
import sys
import types

import nibabel
import numpy as np
import pytest

from MSSoftSegLib.cli.cohorts.bids_app import run_bids_app
from MSSoftSegLib.jobs.documents.segment import SegmentJob
from MSSoftSegLib.report.lesion_table import COLUMNS
from Testing.MSSoftSegLib.cohort.small_cohort import DESCRIPTION, facts

AFFINE = np.diag([1.0, 1.0, 4.0, 1.0])
SIZE = (24, 30, 6)
JOBS: list[SegmentJob] = []


def made_up_job(job, emit, cancelled, *, opened):
    """What ``run_segment`` leaves, on the grid of the exam's FLAIR."""
    assert callable(opened)
    assert not cancelled()
    JOBS.append(job)
    out = job.spec.out
    out.mkdir()
    mask = np.zeros(SIZE, np.uint8)
    mask[10:13, 8:10, 3] = 1
    images = {"mask": mask, "instances": mask.astype(np.uint16), "probability": mask * np.float32(0.7)}
    for name, array in images.items():
        nibabel.save(nibabel.Nifti1Image(array, AFFINE), out / f"lesion_{name}.nii.gz")
    (out / "lesions.csv").write_text(",".join(COLUMNS) + "\n")
    (out / "report.html").write_text("<!DOCTYPE html>")
    (out / "result.json").write_text(facts(lesions=1, volume_ml=0.024).model_dump_json())
    return out


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two participants, one with a session and more entities; the job is the one above."""
    module = types.ModuleType("MSSoftSegLib.jobs.segment.segment")
    module.run_segment = made_up_job
    monkeypatch.setitem(sys.modules, module.__name__, module)
    JOBS.clear()
    rng = np.random.default_rng(0)
    for folder, stem in (("sub-1/ses-a/anat", "sub-1_ses-a_acq-ax_run-1"), ("sub-2/anat", "sub-2")):
        (tmp_path / "bids" / folder).mkdir(parents=True)
        for suffix in ("FLAIR", "T1w"):
            image = nibabel.Nifti1Image(rng.normal(100, 20, SIZE).astype(np.float32), AFFINE)
            nibabel.save(image, tmp_path / "bids" / folder / f"{stem}_{suffix}.nii.gz")
    (tmp_path / "bids" / "dataset_description.json").write_text(json.dumps(DESCRIPTION))
    return tmp_path


def app(place, level, *more):
    return run_bids_app([str(place / "bids"), str(place / "out"), level, *more])


def test_every_exam_gets_derivatives_under_the_entities_of_its_image(place):
    assert app(place, "participant", "--brain", "none", "--tta", "none", "--threshold", "0.4") == 0
    spec = JOBS[0].spec
    assert (spec.preprocessing.brain, spec.tta, spec.threshold, spec.keep_working) == ("none", "none", 0.4, False)
    assert spec.exam.flair.name == "sub-1_ses-a_acq-ax_run-1_FLAIR.nii.gz"
    assert spec.exam.t1.name == "sub-1_ses-a_acq-ax_run-1_T1w.nii.gz"
    anat = place / "out" / "sub-1" / "ses-a" / "anat"
    stem = "sub-1_ses-a_acq-ax_run-1_space-FLAIR_desc-"
    kinds = ("instances_dseg", "lesion_dseg", "lesion_probseg")
    assert sorted(path.name for path in anat.iterdir()) == sorted(
        f"{stem}{kind}.{extension}" for kind in kinds for extension in ("json", "nii.gz")
    )
    sidecar = json.loads((anat / f"{stem}lesion_probseg.json").read_text())
    assert sidecar["SpatialReference"] == "bids:raw:sub-1/ses-a/anat/sub-1_ses-a_acq-ax_run-1_FLAIR.nii.gz"
    result = place / "out" / "sub-1" / "ses-a" / "result"
    assert (anat / f"{stem}lesion_dseg.nii.gz").read_bytes() == (result / "lesion_mask.nii.gz").read_bytes()
    description = json.loads((place / "out" / "dataset_description.json").read_text())
    assert description["DatasetLinks"] == {"raw": "../bids"}
    assert app(place, "participant", "--brain", "none", "--tta", "none", "--threshold", "0.4") == 0
    assert len(JOBS) == 2, "the second run had nothing to do"


def test_the_group_level_shows_every_exam_and_its_own_report(place):
    assert app(place, "participant", "--brain", "none") == 0
    assert app(place, "group") == 0
    with (place / "out" / "group_exams.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["participant_id"], row["session_id"], row["status"]) for row in rows] == [
        ("sub-1", "ses-a", "ok"),
        ("sub-2", "n/a", "ok"),
    ]
    page = (place / "out" / "group_report.html").read_text()
    for exam in ("sub-1/ses-a", "sub-2"):
        assert (place / "out" / exam / "thumbnail.png").read_bytes().startswith(b"\x89PNG")
        assert f'<a href="{exam}/result/report.html"><img src="{exam}/thumbnail.png"' in page


def test_a_part_is_a_part_and_both_are_all(place):
    assert app(place, "participant", "--brain", "none", "--part", "1/2") == 0
    assert [job.job for job in JOBS] == ["sub-1_ses-a"]
    assert app(place, "participant", "--brain", "none", "--part", "2/2") == 0
    assert [job.job for job in JOBS] == ["sub-1_ses-a", "sub-2"]
    assert app(place, "participant", "--brain", "none", "--part", "3/3") == 0
