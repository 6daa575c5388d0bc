"""The tables say what the results say, and the page shows first what a person should look at first."""

from __future__ import annotations

import csv
import re

import pytest

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.group.exam_rows import COLUMNS, read_exam_rows
from MSSoftSegLib.cohort.group.suspicion import modified_z, sort_by_suspicion, suspicions
from MSSoftSegLib.cohort.group.writing import write_group
from MSSoftSegLib.cohort.record import ExamRecord, write_failure
from MSSoftSegLib.errors import BadImage, RequestError
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.report.lesion_table import COLUMNS as LESION_COLUMNS
from Testing.MSSoftSegLib.cohort.small_cohort import facts

VOLUMES_ML = (4.0, 5.0, 6.0, 7.0, 8.0, 900.0)


def write_exam(out, participant, result, *, session=None):
    folder = out / f"sub-{participant}" / (f"ses-{session}" if session else "")
    (folder / "result").mkdir(parents=True)
    (folder / "result" / "result.json").write_text(result.model_dump_json())
    rows = [f"{k + 1},{k + 0.1}," + ",".join(["0.25"] * (len(LESION_COLUMNS) - 3)) + "," for k in range(2)]
    (folder / "result" / "lesions.csv").write_text("\n".join([",".join(LESION_COLUMNS), *rows]) + "\n")
    record = ExamRecord(participant=participant, session=session, fingerprint="f", seconds=2.5)
    (folder / "cohort_exam.json").write_text(record.model_dump_json())
    return folder


@pytest.fixture
def out(tmp_path):
    for number, volume in enumerate(VOLUMES_ML):
        write_exam(tmp_path, f"{number}", facts(lesions=10 + number, volume_ml=volume))
    write_exam(
        tmp_path, "a", facts(lesions=0, volume_ml=0.0, entropy=None, warnings=("The T1 looks odd.",)), session="2"
    )
    write_failure(tmp_path, CaseId("b"), BadImage("x.nii is <broken>", remedy="mend it"), attempts=2)
    return tmp_path


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_there_is_one_row_an_exam_and_its_numbers_are_the_results_own(out):
    write_group(out, [CohortExam(CaseId("c"))])
    rows = table(out / "group_exams.tsv")
    assert list(rows[0]) == list(COLUMNS)
    assert [row["status"] for row in rows] == [*["ok"] * 7, "failed", "missing"]
    assert [float(row["volume_ml"]) for row in rows[:6]] == list(VOLUMES_ML)
    a, b, c = rows[6:]
    assert (a["participant_id"], a["session_id"], a["lesions"], a["mean_entropy_nats"]) == (
        "sub-a",
        "ses-2",
        "0",
        "n/a",
    )
    assert (a["volume_ml_periventricular"], a["regions_problem"]) == ("n/a", "n/a")
    assert (a["warnings"], a["warning_texts"]) == ("1", "The T1 looks odd.")
    assert b["warning_texts"] == "x.nii is <broken> — mend it"
    assert (c["warning_texts"], c["volume_ml"], c["suspicion"]) == ("not segmented yet", "n/a", "n/a")
    lesions = table(out / "group_lesions.tsv")
    assert len(lesions) == 2 * 7
    assert [row["volume_mm3"] for row in lesions[:2]] == ["0.1", "1.1"]


def test_the_most_suspicious_exam_comes_first_with_its_reasons(out):
    rows = read_exam_rows(out)
    found = suspicions(rows)
    ordered = [str(row.case) for row in sort_by_suspicion(rows, found)]
    assert ordered[0] == "sub-b"
    assert set(ordered[1:3]) == {"sub-a_ses-2", "sub-5"}
    assert found["sub-5"].reasons == ("Lesion volume is unusually high for this cohort.",)
    assert found["sub-a_ses-2"].reasons[0] == "The T1 looks odd."
    assert found["sub-2"].score == 0


def test_a_small_cohort_has_no_outliers_and_one_of_equals_neither(tmp_path):
    for number in range(4):
        write_exam(tmp_path, str(number), facts(lesions=5, volume_ml=10.0**number))
    assert modified_z(read_exam_rows(tmp_path), "volume_ml") == {}
    write_exam(tmp_path, "9", facts(lesions=5, volume_ml=1.0))
    rows = read_exam_rows(tmp_path)
    assert modified_z(rows, "lesions") == {}
    assert len(modified_z(rows, "volume_ml")) == 5


def test_what_is_said_of_three_contrasts_is_one_reason(tmp_path):
    said = [f"The {name} image has voxels of up to {mm} mm." for name, mm in (("FLAIR", 6.8), ("T1", 7.0), ("T2", 6.8))]
    write_exam(tmp_path, "1", facts(lesions=1, volume_ml=1.0, warnings=(*said, "The brain mask leaks.")))
    found = suspicions(read_exam_rows(tmp_path))["sub-1"]
    assert found.score == 2
    assert found.reasons == (*said, "The brain mask leaks.")


def test_a_missing_image_is_no_suspicion(tmp_path):
    said = "No T2 image was given: the model works without it, but less reliably."
    write_exam(tmp_path, "1", facts(lesions=1, volume_ml=1.0, warnings=(said,)))
    rows = read_exam_rows(tmp_path)
    assert suspicions(rows)["sub-1"].score == 0
    from MSSoftSegLib.cohort.group.suspicion import NOT_A_DOUBT

    assert NOT_A_DOUBT in said


def test_the_page_lists_every_exam_escaped_and_without_a_path(out):
    write_group(out)
    page = (out / "group_report.html").read_text()
    assert str(out) not in page
    assert "&lt;broken&gt;" in page
    assert re.findall(r'<a href="([^"]+)"><img', page)[-1].endswith("/result/report.html")
    assert page.count("<li class") + page.count("<li>\n") >= 8
    assert "Research use only" in page


def test_a_damaged_result_is_named_and_hides_no_other(out):
    (out / "sub-1" / "result" / "result.json").write_text("{")
    rows = {str(row.case): row for row in write_group(out)}
    assert rows["sub-1"].status == "damaged"
    assert rows["sub-2"].status == "ok"


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(RequestError, match="no segmented exam"):
        write_group(tmp_path)
