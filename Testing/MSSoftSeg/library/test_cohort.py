"""A cohort's results as a worklist: in the order of suspicion, each on the images it was made from, and nothing of it changed."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from MSSoftSegGUI.library.cohort_list import CohortList
from MSSoftSegGUI.library.cohort_table import PAGE, TABLE, find_images, find_raw_folder, read_cohort
from MSSoftSegGUI.scene.volume_files import write_volume

from MSSoftSegLib.cohort.group.exam_rows import COLUMNS, format_tsv_line
from MSSoftSegLib.cohort.places import EXAMS_TABLE, GROUP_PAGE, RESULT_FOLDER, write_frame
from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, matrix_of, write_result

EXAMS = (
    {"participant_id": "sub-01", "status": "ok", "lesions": 2, "volume_ml": 0.1, "psu": 0.2, "suspicion": 0},
    {
        "participant_id": "sub-02",
        "session_id": "ses-a",
        "status": "ok",
        "lesions": 9,
        "suspicion": 2,
        "suspicion_reasons": "The brain mask is small. Lesion volume is unusually high for this cohort.",
    },
    {"participant_id": "sub-03", "status": "failed", "warning_texts": "no FLAIR image was recognized — name it"},
)


def write_image(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(np.random.default_rng(seed).normal(100, 10, SHAPE_KJI).astype(np.float32), matrix_of(), path)
    return path


def add_result(folder, image):
    """A result folder that says which file it was made from."""
    write_result(folder)
    facts = json.loads((folder / "result.json").read_text())
    sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
    facts["inputs"] = [{"modality": "flair", "path_name": image.name, "sha256": sha256}]
    (folder / "result.json").write_text(json.dumps(facts))
    (folder / "working").mkdir()
    (folder / "working" / "FLAIR.nii.gz").touch()


@pytest.fixture
def cohort(tmp_path):
    """A BIDS data set of two exams and its derivatives, as the group level leaves them."""
    raw, out = tmp_path / "raw", tmp_path / "raw" / "derivatives" / "mssoftseg"
    first = write_image(raw / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz", 1)
    second = write_image(raw / "sub-02" / "ses-a" / "anat" / "sub-02_ses-a_FLAIR.nii.gz", 2)
    add_result(out / "sub-01" / RESULT_FOLDER, first)
    add_result(out / "sub-02" / "ses-a" / RESULT_FOLDER, second)
    write_frame(out, raw=raw)
    lines = [format_tsv_line(COLUMNS), *(format_tsv_line([exam.get(name) for name in COLUMNS]) for exam in EXAMS)]
    (out / EXAMS_TABLE).write_text("".join(lines), encoding="utf-8")
    (out / GROUP_PAGE).write_text("page")
    return out


class Reader:
    """A list, and what was opened from it."""

    def __init__(self, folder) -> None:
        self.opened = []
        self.list = CohortList(
            open_exam=lambda files, name, result: self.opened.append((files, name, result)),
            folder=folder / "runs",
            show=lambda view: None,
        )

    @property
    def view(self):
        return self.list.view


@pytest.fixture
def person(tmp_path):
    return Reader(tmp_path)


def test_names_of_files_are_those_that_the_cohort_writes():
    assert (TABLE, PAGE) == (EXAMS_TABLE, GROUP_PAGE)


def test_exams_are_listed_by_suspicion_with_the_reasons(cohort):
    rows = read_cohort(cohort)
    assert [row.name for row in rows] == ["sub-03", "sub-02_ses-a", "sub-01"]
    assert rows[0].texts == ("03", "failed", "", "", "", "no FLAIR image was recognized — name it")
    assert rows[1].texts[1] == "2"
    assert rows[1].reasons.startswith("The brain mask is small.")
    assert rows[2].texts == ("01", "0", "2", "0.10", "0.20", "")


def test_each_exam_is_opened_with_a_copy_of_its_result_on_its_own_image(cohort, person):
    person.list.set_cohort(str(cohort))
    before = sorted(path.relative_to(cohort) for path in cohort.rglob("*"))
    person.list.open_next()
    person.list.open_next()
    assert [name for _files, name, _result in person.opened] == ["sub-02_ses-a", "sub-01"]
    files, _name, result = person.opened[0]
    assert files == {"flair": find_raw_folder(cohort) / "sub-02" / "ses-a" / "anat" / "sub-02_ses-a_FLAIR.nii.gz"}
    assert cohort not in result.parents
    assert sorted(path.name for path in result.iterdir()) == [
        "lesion_entropy.nii.gz",
        "lesion_probability.nii.gz",
        "lesions.csv",
        "result.json",
    ]
    assert sorted(path.relative_to(cohort) for path in cohort.rglob("*")) == before
    person.list.open_next()
    assert len(person.opened) == 2
    assert "last exam" in person.view.message


def test_why_an_exam_is_suspicious_is_said_when_it_is_opened(cohort, person):
    person.list.set_cohort(str(cohort))
    person.list.open_next()
    assert "unusually high" in person.view.message
    assert person.view.seen == {"sub-02_ses-a"}


def test_an_exam_without_result_says_why_instead(cohort, person):
    person.list.set_cohort(str(cohort))
    person.list.select("sub-03")
    person.list.open_selected()
    assert person.opened == []
    assert person.view.message == "sub-03 has no result: no FLAIR image was recognized — name it"


def test_no_result_is_laid_on_an_image_that_is_not_its_own(cohort, person):
    write_image(find_raw_folder(cohort) / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz", 7)
    person.list.set_cohort(str(cohort))
    person.list.select("sub-01")
    person.list.open_selected()
    assert person.opened == []
    assert "was changed since" in person.view.message


def test_where_nothing_says_where_the_images_are_the_user_does(cohort, person, tmp_path):
    (cohort / "dataset_description.json").unlink()
    person.list.set_cohort(str(cohort))
    assert person.view.needs_images
    person.list.open_next()
    assert person.opened == []
    elsewhere = tmp_path / "elsewhere"
    # Two files of that name: one of them has the content that the result was made from.
    original = cohort.parents[1] / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz"
    write_image(elsewhere / "a" / original.name, 5)
    right = elsewhere / "b" / original.name
    right.parent.mkdir()
    right.write_bytes(original.read_bytes())
    person.list.set_images(str(elsewhere))
    person.list.select("sub-01")
    person.list.open_selected()
    assert [files for files, _name, _result in person.opened] == [{"flair": right}]


def test_another_folder_is_told_from_a_cohort(tmp_path, person):
    person.list.set_cohort(str(tmp_path))
    assert person.view.rows == ()
    assert TABLE in person.view.message
    (tmp_path / TABLE).write_text("participant_id\tsession_id\tstatus\n../x\tn/a\tok\n")
    person.list.set_cohort(str(tmp_path))
    assert "cannot be read" in person.view.message
    assert find_images(tmp_path, read_row(), tmp_path) == {}


def read_row():
    from MSSoftSegGUI.library.cohort_table import CohortRow

    return CohortRow("sub-9", "sub-9", "", "ok", 0, "", "", None, None)


def test_a_cohort_is_read_and_reviewed_in_the_panel(reader, cohort):
    reader.ui("cohortEdit").currentPath = str(cohort)
    reader.host.process_events()
    table = reader.ui("cohortTable")
    assert [table.item(row, 0).text() for row in range(table.rowCount)] == ["03", "02_ses-a", "01"]
    reader.click("openNextExamButton")
    reader.wait(lambda: reader.review.exam is not None, "the review")
    assert reader.workbench.exam.caseName == "sub-02_ses-a"
    assert reader.view.lesions == 2
    assert "unusually high" in reader.ui("cohortMessage").text
    first = reader.review.exam
    reader.click("openNextExamButton")
    reader.wait(
        lambda: reader.review.exam is not None and reader.review.exam.parameterNode is not first.parameterNode,
        "the next review",
    )
    assert reader.workbench.exam.caseName == "sub-01"
