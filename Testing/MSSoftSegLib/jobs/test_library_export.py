"""The ``library-export`` job: what it answers, and what a user can ask for wrongly."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from MSSoftSegLib.cli.main import app
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.library_settings import LibrarySettings, write_settings
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from Testing.MSSoftSegLib.dicom.made_series import head, label_map, write_series
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import array, flair_only, labels, new_library, soft

LABEL = "Dataset501_MSLesion/labelsTr/sub-1.nii.gz"


@pytest.fixture
def library(tmp_path):
    """An approved case of two raters, a corrected one, one with a soft label only, one without any label."""
    made = new_library(tmp_path)
    add_case(made, patient="1", images=flair_only(1), raters={"A": labels(1), "B": labels(2)}, status="approved")
    add_case(made, patient="2", images=flair_only(2), raters={"A": labels(3)}, status="corrected")
    add_case(made, patient="3", images=flair_only(3), soft_label=soft(), status="approved")
    add_case(made, patient="4", images=flair_only(4))
    return made


@pytest.fixture
def export(library, tmp_path):
    """Runs a job; the outcome and its events."""

    def asked(format="nifti", *, cancelled=lambda: False, out="out", **spec):
        spec = {"library": str(library), "format": format, "out": str(tmp_path / out), **spec}
        events = []
        job = parse_job({"job": "j", "kind": "library-export", "spec": json.loads(json.dumps(spec, default=str))})
        return run(job, events.append, cancelled=cancelled), events

    return asked


def last(events):
    assert [event["event"] for event in events if event["event"] in ("result", "failed", "cancelled")] == [
        events[-1]["event"]
    ]
    return events[-1]


@pytest.mark.parametrize(
    ("format", "cases", "skipped"),
    [("nifti", 2, []), ("bids", 2, []), ("nnunet", 1, ["sub-3"]), ("monai-datalist", 2, [])],
)
def test_the_result_counts_cases_and_files_and_says_who_was_left_out(export, tmp_path, format, cases, skipped):
    outcome, events = export(format)
    assert outcome.exit_code == 0
    result = last(events)
    assert result["path"] == "out"
    assert result["summary"]["cases"] == cases
    assert [each["case"] for each in result["summary"]["skipped"]] == skipped
    assert all(each["reason"] for each in result["summary"]["skipped"])
    written = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(tmp_path / "library")]
    assert result["summary"]["files"] == len([path for path in written if path.name != "export.json"])
    progress = [event["overall"] for event in events if event["event"] == "progress"]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_statuses_choose_and_names_choose_whatever_the_status(export, caplog):
    assert last(export(statuses=["corrected"], out="a")[1])["summary"]["cases"] == 1
    assert last(export(statuses=["approved", "corrected"], out="b")[1])["summary"]["cases"] == 3
    _, events = export(cases=["sub-2", "sub-4", "2"], out="c")
    summary = last(events)["summary"]
    assert summary["cases"] == 1
    assert [each["case"] for each in summary["skipped"]] == ["sub-4"]
    assert any("sub-2 is corrected, not approved" in event.get("message", "") for event in events)


def test_one_raters_masks_or_merged_ones(export, tmp_path):
    export("nifti", rater="B", cases=["sub-1"], out="b")
    assert (tmp_path / "b" / "sub-1_mask.nii.gz").exists()
    export("bids", merge="soft-union", cases=["sub-1"], out="m")
    assert [path.name for path in (tmp_path / "m").rglob("*_dseg.nii.gz")] == [
        "sub-1_space-FLAIR_seg-lesion_desc-softunion_dseg.nii.gz"
    ]


def test_where_one_mask_is_needed_the_librarys_own_merge_holds(export, library, tmp_path):
    write_settings(library, LibrarySettings(softening=SoftLabelSettings(merge="intersection")))
    for out, spec in (("default", {}), ("one", {"rater": "A"}), ("said", {"merge": "union"})):
        assert export("nnunet", cases=["sub-1"], out=out, **spec)[0].exit_code == 0
    first, second = (array(tmp_path / out / LABEL) == 1 for out in ("default", "said"))
    one = sitk.GetArrayFromImage(labels(1)) == 1
    other = sitk.GetArrayFromImage(labels(2)) == 1
    np.testing.assert_array_equal(first, one & other)
    np.testing.assert_array_equal(second, one | other)
    np.testing.assert_array_equal(array(tmp_path / "one" / LABEL) == 1, one)
    export("nifti", cases=["sub-1"], out="each")
    assert (tmp_path / "each" / "sub-1_mask-B.nii.gz").exists()


WRONG_DOCUMENTS = {
    "dicom-seg without a source": ({"format": "dicom-seg"}, "needs the source series"),
    "a source for another format": ({"dicom": "x"}, "no other export carries an identity"),
    "an unknown format": ({"format": "dicom"}, "format"),
    "an unknown status": ({"statuses": ["done"]}, "statuses"),
    "no status": ({"statuses": []}, "statuses"),
    "a rater and a merge": ({"rater": "A", "merge": "union"}, "not both"),
    "an unknown merge": ({"merge": "majority"}, "merge"),
    "a soft label for nnU-Net": ({"format": "nnunet", "soft_label": {"method": "ramp"}}, "no soft labels"),
    "a submission without predictions": ({"format": "isbi-submission"}, "predictions and a team"),
    "predictions for another format": ({"predictions": "x", "team": "y"}, "isbi-submission only"),
    "a key that is none": ({"patient": "x"}, "patient"),
}


@pytest.mark.parametrize("what", WRONG_DOCUMENTS)
def test_a_document_that_does_not_hold_together_is_refused(export, what):
    spec, words = WRONG_DOCUMENTS[what]
    with pytest.raises(RequestError, match=words):
        export(**spec)


WRONG_REQUESTS = {
    "no case of that status": ({"statuses": ["excluded"]}, "no case is excluded"),
    "no case of that name": ({"cases": ["sub-9"]}, "there is no case sub-9"),
    "a name that is none": ({"cases": ["../x"]}, "is not the name of a case"),
    "only cases without a label": ({"cases": ["sub-4"]}, "sub-4 has no label"),
    "only cases without a mask": ({"format": "nnunet", "cases": ["sub-3"]}, "sub-3 has no rater's mask"),
    "a rater who is nobody": ({"rater": "C", "cases": ["sub-1"]}, "choose from A, B"),
    "a rater who is nobody in a list": ({"format": "monai-datalist", "rater": "C", "cases": ["sub-1"]}, "A, B"),
    "two raters and no merge for a soft mask": ({"soft_label": {"method": "ramp"}}, "sub-1 has masks of 2 raters"),
    "into the library": ({"out": "library/exports"}, "would lie inside the case library"),
    "no library": ({"library": "/nowhere"}, "is not a case library"),
}


@pytest.mark.parametrize("what", WRONG_REQUESTS)
def test_what_cannot_be_exported_is_refused_in_words_and_leaves_nothing(export, tmp_path, what):
    spec, words = WRONG_REQUESTS[what]
    before = sorted(tmp_path.rglob("*"))
    outcome, events = export(**spec)
    assert outcome.exit_code == 2
    assert words in str(outcome.error)
    assert last(events)["event"] == "failed"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_cancelled_export_leaves_nothing(export, tmp_path):
    seen = []

    def cancelled():
        seen.append(1)
        return len(seen) > 1

    for format in ("nifti", "bids", "nnunet"):
        seen.clear()
        outcome, events = export(format, statuses=["approved", "corrected"], cancelled=cancelled)
        assert outcome.exit_code == 130
        assert last(events)["event"] == "cancelled"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["library"]


@pytest.fixture
def dicom_case(tmp_path):
    library, image = new_library(tmp_path), head()
    for patient in ("1", "2"):
        raters = {"A": label_map(image), "B": label_map(image, seed=1)}
        add_case(library, patient=patient, images={Modality.FLAIR: image}, raters=raters, status="approved")
    return library, write_series(image, tmp_path / "source")


def test_dicom_takes_one_case_and_one_mask_and_writes_into_no_source(dicom_case, tmp_path):
    library, source = dicom_case

    def refused(**spec):
        spec = {"library": library, "format": "dicom-seg", "out": tmp_path / "out", "dicom": source, **spec}
        outcome = run(parse_job({"job": "j", "kind": "library-export", "spec": spec}), lambda event: None)
        return outcome.exit_code, str(outcome.error)

    assert refused()[0] == 2
    assert "2 cases are chosen" in refused()[1]
    assert "masks of 2 raters, and one goes to the archive" in refused(cases=["sub-1"])[1]
    assert "inside the DICOM source" in refused(cases=["sub-1"], out=source / "seg")[1]
    assert not (tmp_path / "out").exists()
    assert refused(cases=["sub-1"], merge="union") == (0, "None")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["export.json", "lesion_mask.dcm"]
    softened = {"merge": "soft-union", "method": "ramp"}
    assert refused(cases=["sub-1"], soft_label=softened, overwrite=True) == (0, "None")
    assert (tmp_path / "out" / "lesion_soft_mask.dcm").exists()


def test_from_the_shell(dicom_case, tmp_path):
    library, source = dicom_case
    out = tmp_path / "seg"
    command = ["library", "export", str(library), "--format", "dicom-seg", "--case", "sub-2", "--rater", "B"]
    command += ["--soft-method", "gaussian", "--soft-merge", "mean"]
    wrong = CliRunner().invoke(app, [*command, "--dicom", str(source), "--out", str(out)])
    assert wrong.exception.exit_code == 2
    command = command[: command.index("--soft-method")]
    lacking = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert "needs the source series" in str(lacking.exception)
    done = CliRunner().invoke(app, [*command, "--dicom", str(source), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "cases in seg: 1, files: 1" in done.output
    again = CliRunner().invoke(app, [*command, "--dicom", str(source), "--out", str(out), "--overwrite"])
    assert again.exit_code == 0, again.output
