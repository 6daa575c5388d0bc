"""Which images of a folder are the exam, where the user has a say: proposed with reasons, never mixed, hers to change."""

from __future__ import annotations

from pathlib import Path

import pytest
from MSSoftSegGUI.exam.chooser import ExamChooser

from Testing.MSSoftSeg.stand_ins.scripted_worker import short_jobs

FOLDER = Path("/exam")


def image(key, contrast="", reason="its name", problem=None):
    return {"key": key, "words": f"{key}: 3D", "contrast": contrast or None, "reason": reason, "problem": problem}


def visit(*images, patient=1, file=None, problem=None, warnings=(), **chosen):
    proposals = {slot: {"key": key, "because": f"{key} is finer"} for slot, key in chosen.items()}
    return {
        "patient": patient,
        "file": file,
        "images": list(images),
        "chosen": proposals,
        "warnings": list(warnings),
        "problem": problem,
    }


USUAL = visit(
    image("3", "flair"),
    image("4", "t1"),
    image("5", "t1"),
    image("6", "t2", problem="a plane is missing"),
    image("7", reason="a localizer"),
    flair="3",
    t1="5",
)


class Desk:
    """A chooser, its worker, and what was loaded."""

    def __init__(self) -> None:
        self.worker, jobs = short_jobs()
        self.loaded = []
        self.chooser = ExamChooser(
            jobs,
            folder=Path("/runs"),
            identify=lambda folder, file: ("Doe Jane", "17", f"2020-01-0{file}"),
            load=lambda files, name, warnings: self.loaded.append((files, name, warnings)),
            show=lambda view: None,
        )

    @property
    def view(self):
        return self.chooser.view


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def asked(desk):
    desk.chooser.look_into(FOLDER, dicom=True)
    desk.worker.answer(visits=[USUAL])
    return desk


def test_the_proposal_is_shown_with_its_reasons_and_what_is_left_out_with_why(asked):
    slots = asked.view.slots
    assert {slot: choice.chosen for slot, choice in slots.items()} == {"flair": "3", "t1": "5", "t2": "none"}
    assert slots["t1"].reason == "5 is finer"
    # The proposal, the other T1, what nobody recognized, other contrasts; what cannot be used is not offered.
    assert [key for key, _text in slots["t1"].options] == ["5", "4", "7", "3", "none"]
    assert asked.view.unused == (
        "4: 3D – T1 too, but another was better",
        "6: 3D – a plane is missing",
        "7: 3D – a localizer",
    )
    assert asked.view.can_load


def test_what_is_chosen_and_nothing_else_is_read(asked):
    asked.chooser.pick("t1", "4")
    asked.chooser.take()
    assert asked.worker.kinds == ["exam-choices", "exam-images"]
    assert asked.worker.spec()["exam"] == {"dicom": "/exam", "series": {"flair": "3", "t1": "4", "t2": "none"}}
    out = Path(asked.worker.spec()["out"])
    asked.worker.answer(images={"flair": "FLAIR.nii.gz", "t1": "T1.nii.gz"}, warnings=["series 4 may be incomplete"])
    files = {"flair": out / "FLAIR.nii.gz", "t1": out / "T1.nii.gz"}
    assert asked.loaded == [(files, "DICOM exam", "Series 4 may be incomplete.")]
    assert asked.view.phase == "closed"


def test_another_choice_says_what_speaks_against_it(asked):
    asked.chooser.pick("flair", "7")
    choice = asked.view.slots["flair"]
    assert choice.is_doubtful
    assert "a localizer" in choice.reason
    assert "3: 3D – FLAIR, would be taken" in asked.view.unused
    asked.chooser.pick("t1", "4")
    assert not asked.view.slots["t1"].is_doubtful


@pytest.mark.parametrize(("slot", "key"), [("t1", "3"), ("flair", "none")])
def test_an_image_twice_or_no_flair_cannot_be_loaded(asked, slot, key):
    asked.chooser.pick(slot, key)
    assert not asked.view.can_load
    assert asked.view.message_kind == "warning"
    asked.chooser.take()
    assert asked.worker.kinds == ["exam-choices"]


def test_of_several_visits_one_has_to_be_picked_and_nothing_of_another_stays(desk):
    other = visit(image("9", "flair"), image("4", "t1"), patient=2, file=2, flair="9")
    desk.chooser.look_into(FOLDER, dicom=True)
    desk.worker.answer(visits=[{**USUAL, "file": 1}, other])
    assert not desk.view.can_load
    assert not desk.view.slots
    desk.chooser.take()
    assert desk.worker.kinds == ["exam-choices"]
    assert desk.view.visits[1] == "Visit 2 (patient 2, 2 images): Doe Jane, 17, 2020-01-02"
    desk.chooser.pick_visit(0)
    desk.chooser.pick("t1", "4")
    desk.chooser.pick_visit(1)
    assert {slot: choice.chosen for slot, choice in desk.view.slots.items()} == {
        "flair": "9",
        "t1": "none",
        "t2": "none",
    }


def test_a_folder_of_files_is_loaded_from_where_it_lies(desk, tmp_path):
    (tmp_path / "anat").mkdir()
    names = ("FLAIR.nii.gz", "T1_a.nii.gz", "T1_b.nii.gz")
    for name in names:
        (tmp_path / "anat" / name).touch()
    offered = [image(name, name[:2].lower() if name[0] == "T" else "flair") for name in names]
    desk.chooser.look_into(tmp_path)
    assert desk.worker.spec() == {"folder": str(tmp_path)}
    desk.worker.answer(visits=[visit(*offered, flair=names[0], t1=names[2])])
    desk.chooser.take()
    files = {"flair": tmp_path / "anat" / names[0], "t1": tmp_path / "anat" / names[2]}
    assert desk.loaded == [(files, tmp_path.name, "")]
    assert desk.worker.kinds == ["exam-choices"]


def test_why_no_exam_can_be_proposed_is_said(desk):
    desk.chooser.look_into(FOLDER, dicom=True)
    desk.worker.answer(visits=[visit(image("4", "t1"), problem="none of the 2 MR series is recognized as FLAIR")])
    assert desk.view.message.startswith("None of the 2 MR series is recognized as FLAIR.")
    desk.chooser.pick("flair", "4")
    assert desk.view.can_load


def test_a_failure_is_said_and_the_choice_stays(asked):
    asked.chooser.take()
    asked.worker.fail(code="bad-image", message="series 3 is damaged")
    assert asked.view.phase == "choosing"
    assert asked.view.can_load
    assert "Series 3 is damaged." in asked.view.message
    asked.chooser.look_into(FOLDER, dicom=True)
    asked.worker.fail(code="bad-request", message="the DICOM folder holds no MR images", remedy="name another --dicom")
    assert asked.view.phase == "closed"
    assert "holds no MR images." in asked.view.message


def test_whoever_cancels_gets_no_late_answer(asked):
    asked.chooser.take()
    asked.chooser.close()
    asked.worker.answer(images={"flair": "FLAIR.nii.gz"}, warnings=[])
    assert asked.loaded == []
    assert asked.view.phase == "closed"
