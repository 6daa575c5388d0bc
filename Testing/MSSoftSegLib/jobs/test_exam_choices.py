"""What a folder offers and what is taken of it, through the worker's own door: visits apart, reasons told, nobody named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.dicom.identity import read_identity
from MSSoftSegLib.jobs.run import parse_job, run
from Testing.MSSoftSegLib.dicom.made_exams import SLICES, Made, write_made, write_visit
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY

ANOTHER_PERSON = {
    **IDENTITY,
    "PatientName": "Other^One",
    "PatientID": "PID-2",
    "PatientBirthDate": "19900303",
    "StudyInstanceUID": "1.2.3.4.6",
}
NAMED = ("Müller", "Jürgen", IDENTITY["PatientID"], "Other", "PID-2")


def ask(kind, **spec):
    events = []
    outcome = run(parse_job({"job": "j", "kind": kind, "spec": spec}), events.append)
    return outcome, events


def visits_in(**spec):
    outcome, events = ask("exam-choices", **spec)
    assert outcome.exit_code == 0, outcome.error
    text = json.dumps(events, default=str, ensure_ascii=False)
    assert not [word for word in NAMED if word in text]
    return events[-1]["summary"]["visits"]


def image(path, *, size=(10, 11, 12), spacing_mm=(14.0, 13.0, 12.0), seed=0, **sidecar):
    array = np.random.default_rng(seed).normal(100, 20, size[::-1]).astype(np.float32)
    made = sitk.GetImageFromArray(array)
    made.SetSpacing(spacing_mm)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(made, str(path))
    if sidecar:
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(sidecar))
    return path


def by_words(visit, beginning):
    return next(each for each in visit["images"] if each["words"].startswith(beginning))


def test_a_scanner_s_visit_is_offered_with_reasons_for_each_series(tmp_path):
    expected = write_visit(tmp_path, "Siemens")
    (visit,) = visits_in(dicom=tmp_path)
    keys = {each["key"]: each["words"] for each in visit["images"]}
    assert {contrast: keys[each["key"]].split(":")[0] for contrast, each in visit["chosen"].items()} == {
        contrast: f"series {number}" for contrast, number in expected.items()
    }
    assert "rather than series" in visit["chosen"]["flair"]["because"]
    localizer = by_words(visit, "series 1:")
    assert localizer["contrast"] is None
    assert localizer["reason"] == "a localizer"
    assert "mm, covers" in by_words(visit, "series 4:")["words"]
    assert all(each["contrast"] or each["reason"] for each in visit["images"])


def test_two_patients_are_two_visits_and_each_is_named_on_the_screen_alone(tmp_path):
    write_visit(tmp_path / "a", "GE")
    write_visit(tmp_path / "b", "Siemens", identity=ANOTHER_PERSON)
    first, second = visits_in(dicom=tmp_path)
    assert (first["patient"], second["patient"]) == (1, 2)
    assert read_identity(tmp_path, first["file"])[:2] == ("Müller Jürgen", IDENTITY["PatientID"])
    assert read_identity(tmp_path, second["file"])[:2] == ("Other One", "PID-2")
    assert read_identity(tmp_path, 10**6) == ("", "", "")


def test_a_visit_without_flair_is_offered_all_the_same(tmp_path):
    for number, name in enumerate(("t1_mprage", "strange"), start=1):
        write_made(Made(name, "GR\\IR", (2300, 3, 900)), tmp_path / name, number, echo_ms=3, dialect="x")
    (visit,) = visits_in(dicom=tmp_path)
    assert visit["problem"].endswith("is recognized as FLAIR")
    assert visit["chosen"] == {}
    assert len(visit["images"]) == 2


def test_what_was_chosen_becomes_image_files_and_nothing_else(tmp_path):
    write_visit(tmp_path / "Müller", "Philips")
    (visit,) = visits_in(dicom=tmp_path / "Müller")
    series = {contrast: each["key"] for contrast, each in visit["chosen"].items()}
    series["t1"] = "none"
    early = series["t2"].replace("/2", "/1")
    assert early != series["t2"], "the dual echo's volumes are told apart"
    outcome, events = ask(
        "exam-images", exam={"dicom": tmp_path / "Müller", "series": {**series, "t2": early}}, out=tmp_path / "out"
    )
    assert outcome.exit_code == 0, outcome.error
    assert events[-1]["summary"]["images"] == {"flair": "FLAIR.nii.gz", "t2": "T2.nii.gz"}
    assert any("used as T2, but by its header" in warning for warning in events[-1]["summary"]["warnings"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["FLAIR.nii.gz", "T2.nii.gz"]
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"ller" not in written
    assert "Müller" not in json.dumps(events, default=str, ensure_ascii=False)


def test_series_of_two_visits_are_refused_whoever_asks(tmp_path):
    write_visit(tmp_path / "a", "GE")
    write_visit(tmp_path / "b", "Siemens", identity=ANOTHER_PERSON)
    first, second = visits_in(dicom=tmp_path)
    mixed = {"flair": first["chosen"]["flair"]["key"], "t1": second["chosen"]["t1"]["key"]}
    outcome, _ = ask("exam-images", exam={"dicom": tmp_path, "series": mixed}, out=tmp_path / "out")
    assert outcome.error.code == "bad-exam"
    assert not (tmp_path / "out").exists()


def test_an_exam_folder_with_two_of_a_kind_says_which_is_better_and_why(tmp_path):
    image(tmp_path / "FLAIR.nii.gz")
    image(tmp_path / "T1_sag.nii.gz", seed=1)
    image(tmp_path / "T1_tra_fs.nii.gz", seed=2)
    image(tmp_path / "anything.nii.gz", seed=3)
    (visit,) = visits_in(folder=tmp_path)
    assert visit["chosen"]["t1"] == {
        "key": "T1_sag.nii.gz",
        "because": "its name says so; rather than T1_tra_fs.nii.gz, because it is without fat saturation",
    }
    assert "fat-saturated" in by_words(visit, "T1_tra_fs")["words"]
    assert by_words(visit, "anything")["contrast"] is None
    assert visit["problem"] is None
    assert visit["file"] is None


def test_sidecars_of_two_people_make_two_visits_that_share_what_names_nobody(tmp_path):
    one, other = {"PatientID": "A-1"}, {"PatientID": "B-2"}
    image(tmp_path / "FLAIR_a.nii.gz", **one)
    image(tmp_path / "FLAIR_b.nii.gz", seed=1, **other)
    image(tmp_path / "T1_a.nii.gz", seed=2, **one)
    image(tmp_path / "T2.nii.gz", seed=3)
    first, second = visits_in(folder=tmp_path)
    names = [[each["key"] for each in visit["images"]] for visit in (first, second)]
    assert names == [["FLAIR_a.nii.gz", "T1_a.nii.gz", "T2.nii.gz"], ["FLAIR_b.nii.gz", "T2.nii.gz"]]
    assert [visit["patient"] for visit in (first, second)] == [1, 2]


@pytest.mark.parametrize("spec", [{}, {"folder": "a", "dicom": "b"}])
def test_one_folder_is_looked_into_at_a_time(spec):
    with pytest.raises(Exception, match="either a folder"):
        parse_job({"job": "j", "kind": "exam-choices", "spec": spec})


def test_a_folder_without_mr_images_says_so(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing")
    outcome, _ = ask("exam-choices", dicom=tmp_path)
    assert outcome.error.message == "the DICOM folder holds no MR images"


def test_a_damaged_image_is_shown_with_its_fault_and_not_proposed(tmp_path):
    write_made(Made("FLAIR", "SE\\IR", (9000, 100, 2500), grid=SLICES), tmp_path / "f", 1, echo_ms=100, dialect="x")
    write_made(Made("T2", "SE", (4500, 100, None), grid=SLICES), tmp_path / "t", 2, echo_ms=100, dialect="x")
    files = sorted(each for each in (tmp_path / "t").rglob("*") if each.is_file())
    files[len(files) // 2].unlink()
    (visit,) = visits_in(dicom=tmp_path)
    damaged = by_words(visit, "series 2")
    assert damaged["problem"]
    assert "t2" not in visit["chosen"]
