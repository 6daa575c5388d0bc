"""Keeping a drawing: who, under which pseudonym, based on what; and that nothing is lost or said twice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from MSSoftSegGUI.library.case_state import CaseState, StoredMask
from MSSoftSegGUI.library.default_settings import LibraryDefault
from MSSoftSegGUI.library.names import LONGEST, gives_away, name_problem
from MSSoftSegGUI.library.save_case import CaseSaver
from MSSoftSegGUI.library.save_job import SoftFile, WrittenCase
from MSSoftSegGUI.worker.soft_label_choices import SoftChoices

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library.layout import check_id
from Testing.MSSoftSeg.stand_ins.scripted_worker import short_jobs

LIBRARY = "/share/library"
SAVED = {"case": "sub-P1", "status": "approved", "rater": "anna", "version": "1", "conflict": False, "sha256": "a" * 64,
         "message": "sub-P1 is saved as approved"}  # fmt: skip


class FakeDesk:
    """One exam on the table; it is written at once."""

    def __init__(self):
        self.kept, self.images, self.table = [], [], "exam"
        self.case = WrittenCase(Path("drawing.nii"), "digest", {"flair": Path("FLAIR.nii")}, Path("result"))

    def exam(self):
        return self.table

    def write_case(self, *, with_images, done, problem):
        self.images.append(with_images)
        done(self.case if with_images else dataclasses.replace(self.case, images={}))

    def keep_state(self, exam, state):
        self.kept.append((exam, state))


class Keeping:
    def __init__(self):
        self.worker, jobs = short_jobs()
        self.desk, self.saved, self.known = FakeDesk(), [], set()
        self.presenter = CaseSaver(
            jobs,
            self.desk,
            show=lambda view: None,
            known=lambda library: library in self.known,
            on_saved=self.saved.append,
        )
        self.presenter.set_library(LIBRARY)
        self.presenter.follow(CaseState(), has_drawing=True, person="Müller^Anna")

    @property
    def view(self):
        return self.presenter.view

    def log_in(self, rater="anna"):
        self.presenter.type_rater(rater)
        self.presenter.confirm_rater()

    def ready(self, patient="P1", session=""):
        self.log_in()
        self.presenter.type_case(patient=patient, session=session)


@pytest.fixture
def keeping():
    return Keeping()


@pytest.mark.parametrize("text", ["Anna B", "Müller", "anna_b", "", "a" * 65, "R2", "Ä", "a/../b", "ａ", "²"])
def test_a_name_is_refused_while_it_is_typed_exactly_where_the_library_would_refuse_it(text):
    try:
        check_id(text, "rater name")
        allowed = True
    except RequestError:
        allowed = False
    assert (name_problem(text) == "" and text != "") == allowed
    assert LONGEST == 64


def test_a_space_and_an_umlaut_are_named(keeping):
    keeping.presenter.type_rater("Anna Müller")
    assert "space" in keeping.view.rater_hint
    assert "ü" in keeping.view.rater_hint
    keeping.presenter.confirm_rater()
    assert keeping.presenter.rater == ""


def test_the_name_of_last_time_is_proposed_but_nobody_saves_under_it_unasked(keeping):
    keeping.presenter.propose_rater("anna")
    keeping.presenter.type_case(patient="P1", session="")
    assert not keeping.presenter.save("approved")
    assert "Confirm" in keeping.view.message
    keeping.presenter.confirm_rater()
    assert keeping.presenter.save("approved")


def test_a_patients_name_as_dicom_has_it_is_not_a_pseudonym(keeping):
    keeping.log_in()
    keeping.presenter.type_case(patient="Müller^Anna", session="")
    assert "^" in keeping.view.case_hint
    assert keeping.view.case_hint_kind == "error"
    assert not keeping.presenter.save("approved")
    assert keeping.worker.documents == []


def test_a_pseudonym_that_gives_the_name_in_the_images_away_is_warned_of(keeping):
    keeping.ready(patient="anna1")
    assert keeping.view.case_hint_kind == "warning"
    keeping.presenter.type_case(patient="P17", session="")
    assert keeping.view.case_hint == "will be kept as sub-P17"


@pytest.mark.parametrize(
    ("typed", "person", "told"), [("12345", "12345", True), ("MS", "MS", False), ("P1", "", False)]
)
def test_what_looks_like_a_person(typed, person, told):
    assert gives_away(typed, person) == told


@pytest.mark.parametrize(
    ("missing", "said"),
    [("library", "library"), ("rater", "rater name"), ("patient", "pseudonym"), ("drawing", "drawing")],
)
def test_what_is_missing_is_said_before_anything_is_written(keeping, missing, said):
    if missing != "rater":
        keeping.log_in()
    keeping.presenter.type_case(patient="" if missing == "patient" else "P1", session="")
    if missing == "library":
        keeping.presenter.set_library("")
    if missing == "drawing":
        keeping.presenter.follow(CaseState(), has_drawing=False)
    assert not keeping.presenter.save("approved")
    assert said in keeping.view.message
    assert keeping.desk.images == []


def test_a_new_case_takes_its_images_along_and_the_next_save_of_it_only_the_drawing(keeping):
    keeping.ready()
    keeping.presenter.type_notes("thalamus unsure")
    assert keeping.presenter.save("approved")
    assert not keeping.presenter.save("approved"), "one save at a time"
    spec = keeping.worker.spec()
    assert spec["images"] == {"flair": "FLAIR.nii"}
    assert (spec["patient"], spec["session"], spec["rater"], spec["status"]) == ("P1", None, "anna", "approved")
    assert (spec["based_on"], spec["notes"], spec["result"]) == (None, "thalamus unsure", "result")
    keeping.worker.answer(**SAVED)
    assert keeping.saved == ["sub-P1"]
    exam, state = keeping.desk.kept[-1]
    assert (exam, state.digest, state.saved_notes) == ("exam", "digest", "thalamus unsure")
    keeping.presenter.adopt(state)
    assert keeping.presenter.save("corrected")
    assert keeping.worker.spec()["images"] == {}
    assert keeping.worker.spec()["based_on"] == "a" * 64


def test_a_case_that_was_approved_stays_so_when_only_its_soft_label_is_added(keeping):
    keeping.ready()
    keeping.presenter.save("approved")
    keeping.worker.answer(**SAVED)
    keeping.presenter.adopt(keeping.desk.kept[-1][1])
    keeping.presenter.save(soft=SoftFile(Path("soft_3.nii"), "barilan"))
    spec = keeping.worker.spec()
    assert (spec["status"], spec["soft_label"], spec["soft_label_name"]) == ("approved", "soft_3.nii", "barilan")


def test_another_pseudonym_is_another_case(keeping):
    keeping.ready()
    keeping.presenter.save("approved")
    keeping.worker.answer(**SAVED)
    keeping.presenter.adopt(keeping.desk.kept[-1][1])
    keeping.presenter.type_case(patient="P2", session="")
    keeping.presenter.save("approved")
    assert keeping.worker.spec()["images"] != {}
    assert keeping.worker.spec()["based_on"] is None


def test_a_conflict_is_told_in_the_librarys_words_and_the_next_save_goes_on_with_what_was_kept(keeping):
    opened = {"anna": StoredMask("anna.nii.gz", "b" * 64)}
    keeping.presenter.follow(
        CaseState(patient="P1", library=LIBRARY, case="sub-P1", status="approved", masks=opened), has_drawing=True
    )
    keeping.log_in()
    continued = []
    keeping.presenter.save("approved", then=lambda: continued.append(1))
    assert keeping.worker.spec()["based_on"] == "b" * 64
    keeping.worker.answer(
        **{**SAVED, "conflict": True, "rater": "anna2", "status": "corrected", "message": "kept as anna2"}
    )
    assert keeping.view.message == "kept as anna2."
    assert keeping.view.message_kind == "warning"
    assert continued == [], "who has not read that must not be led on"
    keeping.presenter.adopt(keeping.desk.kept[-1][1])
    keeping.presenter.save("corrected")
    assert keeping.worker.spec()["based_on"] == "a" * 64


def test_another_rater_at_the_same_desk_does_not_take_the_firsts_mask_for_hers(keeping):
    opened = {"anna": StoredMask("anna.nii.gz", "b" * 64), "bob": StoredMask("bob.nii.gz", "c" * 64)}
    state = CaseState(patient="P1", library=LIBRARY, case="sub-P1", masks=opened)
    keeping.presenter.follow(state, has_drawing=True)
    keeping.log_in("carl")
    keeping.presenter.save("corrected")
    assert (keeping.worker.spec()["rater"], keeping.worker.spec()["based_on"]) == ("carl", None)


def test_a_worker_that_died_while_saving_leaves_the_drawing_and_says_what_to_do(keeping):
    keeping.ready()
    keeping.presenter.save("approved")
    keeping.worker.fail(code="worker-crashed", message="the worker stopped unexpectedly", remedy="Click Segment again.")
    assert not keeping.view.is_saving
    assert keeping.view.message_kind == "error"
    assert "never left half written" in keeping.view.message
    assert "last words" in keeping.view.details
    assert keeping.presenter.save("approved"), "and again"


def test_a_result_that_cannot_be_read_does_not_keep_the_drawing_out(keeping):
    keeping.ready()
    keeping.presenter.save("approved")
    keeping.worker.fail(code="bad-request", message="result is not a result of segment")
    assert keeping.worker.spec()["result"] is None
    keeping.worker.fail(code="bad-request", message="something else")
    assert len(keeping.worker.documents) == 2
    assert "Something else" in keeping.view.message


def test_a_share_that_vanished_does_not_become_a_new_library(keeping):
    keeping.known.add(LIBRARY)
    keeping.ready()
    keeping.presenter.save("approved")
    assert keeping.worker.kinds == ["library-settings"]
    keeping.worker.fail(code="bad-library", message="library is not a case library: it has no dataset_description.json")
    assert keeping.worker.kinds == ["library-settings"]
    assert "“library” is not there any more" in keeping.view.message
    assert LIBRARY not in keeping.view.message, "a path may name a person"


def test_what_is_typed_while_a_save_is_under_way_is_kept_and_counts_as_unsaved(keeping):
    keeping.ready()
    keeping.presenter.save("approved")
    keeping.presenter.type_notes("one more thing")
    keeping.worker.answer(**SAVED)
    keeping.presenter.adopt(keeping.desk.kept[-1][1])
    assert keeping.view.notes == "one more thing"
    assert keeping.presenter.is_notes_unsaved()


def test_a_state_survives_the_scene_and_a_damaged_one_is_an_empty_one():
    state = CaseState("P1", "02", "n", LIBRARY, "sub-P1_ses-02", masks={"a": StoredMask("p", "s")}, kept_as={"a": "a2"})
    assert CaseState.from_json(state.to_json()) == state
    assert CaseState.from_json("") == CaseState.from_json('{"patient": "P1", "x": 1}') == CaseState.from_json("[1]")


def test_a_mask_that_turned_up_meanwhile_is_not_replaced_unseen(keeping):
    state = CaseState(patient="P1", library=LIBRARY, case="sub-P1", masks={"anna": StoredMask("", "a" * 64)})
    found = {name: {"path": f"/x/{name}.nii.gz", "sha256": "f" * 64, "notes": ""} for name in ("anna", "bob")}
    keeping.presenter.follow(state.with_masks(found), has_drawing=True)
    assert keeping.presenter.state.masks["bob"].path == "/x/bob.nii.gz"
    for rater, based_on in (("anna", "a" * 64), ("bob", None)):
        keeping.log_in(rater)
        keeping.presenter.save("corrected")
        assert keeping.worker.spec()["based_on"] == based_on
        keeping.worker.fail()


@pytest.fixture
def default():
    worker, jobs = short_jobs()
    known = []
    return LibraryDefault(jobs, show=lambda view: None, on_known=known.append), worker, known


def test_a_librarys_own_merge_and_border_are_taken_over_and_set(default):
    presenter, worker, known = default
    presenter.set_library(LIBRARY)
    assert worker.spec()["softening"] is None
    worker.answer(softening={"merge": "union", "method": "kats", "gamma": 0.3}, merge="union")
    assert (known[0].merge, known[0].method, known[0].gamma) == ("union", "kats", 0.3)
    assert presenter.view.is_known
    presenter.set(SoftChoices("mean", "kats").settings(2))
    assert worker.spec()["softening"]["method"] == "none"
    worker.answer(softening={"merge": "mean", "method": "none"}, merge="mean")
    assert presenter.view.text.startswith("Default of this library now.")
    assert presenter.settings["merge"] == "mean"
    assert len(known) == 1, "what was set comes from the controls"


def test_a_folder_that_is_no_library_yet_has_no_default_and_says_nothing(default):
    presenter, worker, known = default
    presenter.set_library(LIBRARY)
    worker.fail(code="bad-library", message="library is not a case library: it has no dataset_description.json")
    assert (presenter.view.is_known, presenter.view.text, known) == (False, "", [])
    presenter.refresh()
    worker.answer(softening=None, merge=None)
    assert presenter.view.is_known
