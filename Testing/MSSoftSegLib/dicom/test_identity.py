"""Who is named where: a segmentation carries its source's identity and no more; nothing else carries any."""

from __future__ import annotations

import json

import pydicom
import pytest

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.creation import create_library
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, head, label_map, soft_map, write_series
from Testing.MSSoftSegLib.library.adding import add_case

PSEUDONYM, RATER, MODEL = "Pseudonym77", "RaterOfTheHouse", "starter 0.2.0"
MORE = {"PatientComments": "comment of the source", "StudyDescription": "study of the source", "PatientAge": "045Y"}
# What is in the source and is none of the patient's or the study's: it stays there.
SERIES_ONLY = {
    "InstitutionName": "Hospital of the source",
    "OperatorsName": "Operator^O",
    "ProtocolName": "private words",
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The export's folder, and every event of the job."""
    folder = tmp_path_factory.mktemp("identity")
    image = head()
    library = create_library(folder / "library")
    add_case(
        library,
        patient=PSEUDONYM,
        images={Modality.FLAIR: image},
        raters={RATER: label_map(image)},
        soft_label=soft_map(image),
        status="approved",
        source_model=MODEL,
    )
    write_series(image, folder / "Müller source", **MORE, **SERIES_ONLY)
    spec = {"library": library, "format": "dicom-seg", "out": folder / "out", "dicom": folder / "Müller source"}
    events = []
    outcome = run(parse_job({"job": "j", "kind": "library-export", "spec": spec}), events.append)
    assert outcome.exit_code == 0
    return folder / "out", events


@pytest.mark.parametrize("name", ["lesion_mask.dcm", "lesion_soft_mask.dcm"])
def test_a_segmentation_has_the_sources_patient_and_study_attribute_for_attribute(exported, name):
    out, _ = exported
    written = pydicom.dcmread(out / name)
    for key, value in {**IDENTITY, **MORE, "StudyInstanceUID": "1.2.3.4.5"}.items():
        assert str(written[key].value) == value, key
    assert str(written.PatientName) == "Müller^Jürgen"
    for key in SERIES_ONLY:
        assert not written.get(key), key
    assert not written.get("ContentCreatorName")


def test_nothing_of_the_library_is_in_any_written_file_or_its_name(exported):
    """Pseudonym and identity in one place would be the key from one to the other."""
    out, _ = exported
    names = sorted(path.name for path in out.iterdir())
    assert names == ["export.json", "lesion_mask.dcm", "lesion_soft_mask.dcm"]
    for path in out.iterdir():
        for word in (PSEUDONYM, RATER, "sub-", "/tmp", "Hospital", "private words", "Operator^O"):
            assert word.encode() not in path.read_bytes(), (path.name, word)


def test_the_only_person_in_a_segmentation_is_the_sources(exported):
    out, _ = exported
    names = set()

    def collect(dataset, element):
        if element.VR == "PN" and element.value:
            names.add(str(element.value))

    pydicom.dcmread(out / "lesion_mask.dcm").walk(collect)
    assert names == {IDENTITY["PatientName"], IDENTITY["ReferringPhysicianName"]}


def test_no_event_names_anybody(exported):
    _, events = exported
    said = json.dumps(events, ensure_ascii=False)
    for value in ("Müller", "Jürgen", "4711", "19800102", "ACC-9", "Referrer", "Hospital"):
        assert value not in said
    assert any("carry the patient's identity" in event.get("message", "") for event in events)


def test_a_source_without_any_identity_gives_a_segmentation_without_any(tmp_path):
    """Anonymised series lack even the elements that the standard wants to be there."""
    image = head()
    library = create_library(tmp_path / "library")
    add_case(library, patient="1", images={Modality.FLAIR: image}, raters={"A": label_map(image)}, status="approved")
    write_series(image, tmp_path / "source", identity={})
    spec = {"library": library, "format": "dicom-seg", "out": tmp_path / "out", "dicom": tmp_path / "source"}
    assert run(parse_job({"job": "j", "kind": "library-export", "spec": spec}), lambda event: None).exit_code == 0
    written = pydicom.dcmread(tmp_path / "out" / "lesion_mask.dcm")
    for key in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber"):
        assert key in written
        assert not written[key].value


@pytest.mark.parametrize("field", ["StudyInstanceUID", "PatientSex"])
def test_a_header_that_no_segmentation_can_refer_to_is_refused_in_words(tmp_path, field):
    image = head()
    library = create_library(tmp_path / "library")
    add_case(library, patient="1", images={Modality.FLAIR: image}, raters={"A": label_map(image)}, status="approved")
    write_series(image, tmp_path / "source", **{field: "X" if field == "PatientSex" else ""})
    spec = {"library": library, "format": "dicom-seg", "out": tmp_path / "out", "dicom": tmp_path / "source"}
    outcome = run(parse_job({"job": "j", "kind": "library-export", "spec": spec}), lambda event: None)
    assert outcome.exit_code == 2
    assert ("its header does not hold" if field == "PatientSex" else "lacks the identifiers") in str(outcome.error)
    assert not (tmp_path / "out").exists()
