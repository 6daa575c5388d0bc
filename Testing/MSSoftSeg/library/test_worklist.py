"""The worklist, two raters compared, and export: what the worker is asked and what the user is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from MSSoftSegGUI.library.agreement import LibraryAgreement
from MSSoftSegGUI.library.case_state import CaseState, StoredMask, make_opened_state
from MSSoftSegGUI.library.export_presenter import FORMATS, SELECTED, ExportChoices, LibraryExport
from MSSoftSegGUI.library.worklist import FILTERS, NOBODY, LibraryWorklist

from Testing.MSSoftSeg.stand_ins.scripted_worker import short_jobs

LIBRARY = "/share/library"
NO_LIBRARY = "library is not a case library: it has no dataset_description.json"


def case(name, status="segmented", psu=0.4, raters=(), **more):
    return {"case": name, "patient": name[4:], "session": None, "status": status, "images": ["flair"], "psu": psu,
            "raters": list(raters), "worst_lesion_lsu": 0.8, "volume_ml": 1.234, "notes": "", "soft_label": None,
            "changed": "2026-01-02T03:04:05+00:00", **more}  # fmt: skip


def opened(name="sub-B", **raters):
    masks = {
        rater: {"path": f"/x/{rater}.nii.gz", "sha256": rater * 8, "time": time, "notes": f"of {rater}"}
        for rater, time in raters.items()
    }
    return {"case": name, "patient": name[4:], "session": None, "status": "approved", "images": {"flair": "/x/F.nii.gz"},
            "raters": masks, "soft_label": None, "source_model": None}  # fmt: skip


class FakeTable:
    def __init__(self):
        self.dirty, self.loaded = "", []

    def unsaved(self):
        return self.dirty

    def load(self, case, done, problem):
        self.loaded.append(case)
        done()


class Work:
    def __init__(self):
        self.worker, jobs = short_jobs()
        self.table, self.rater, self.known, self.continued, self.can_save = FakeTable(), "anna", set(), [], True
        self.list = LibraryWorklist(
            jobs,
            self.table,
            rater=lambda: self.rater,
            save=self.save,
            show=lambda view: None,
            known=lambda library: library in self.known,
            on_known=self.known.add,
        )

    def save(self, then):
        if self.can_save:
            self.continued.append(then)
        return self.can_save

    @property
    def view(self):
        return self.list.view

    def begin(self, *cases):
        self.list.set_library(LIBRARY)
        counts = {"approved": 1, "segmented": len(cases)}
        self.worker.answer(cases=list(cases), counts=counts, merge=None, problems=[])


@pytest.fixture
def work():
    return Work()


def test_the_list_begins_with_what_is_not_approved_most_uncertain_first(work):
    work.begin(case("sub-B", raters=("anna", "bob")), case("sub-A_ses-2", psu=None))
    spec = work.worker.spec()
    assert (spec["order"], spec["statuses"]) == ("uncertainty", ["unlabelled", "segmented", "corrected"])
    assert work.view.rows[0].texts == ("B", "segmented", "0.40", "0.80", "1.23", "anna, bob", "2026-01-02")
    assert work.view.rows[1].texts[:3] == ("A/2", "segmented", "")
    assert work.view.summary == "3 cases: 1 approved, 2 segmented"


def test_every_filter_and_order_is_one_that_the_worker_takes(work):
    work.begin()
    for name, statuses in FILTERS.items():
        for order in ("uncertainty", "status", "case"):
            work.list.choose(filter=name, order=order)
            assert work.worker.spec()["statuses"] == list(statuses)


def test_an_older_list_never_takes_the_place_of_a_newer_one(work):
    work.begin()
    work.list.choose(filter="approved")
    work.list.choose(filter="all")
    work.worker.answer(-1, cases=[case("sub-new")], counts={}, problems=[])
    work.worker.answer(-2, cases=[case("sub-old")], counts={}, problems=[])
    assert [row.case for row in work.view.rows] == ["sub-new"]


def test_open_next_goes_down_the_list_and_round_again(work):
    work.begin(case("sub-C"), case("sub-A"), case("sub-B"))
    asked = []
    for current in ("", "sub-C", "sub-B", "sub-Z"):
        work.list.open_next(current)
        asked.append(work.worker.spec()["case"])
    assert asked == ["sub-C", "sub-A", "sub-C", "sub-C"]


def test_open_next_on_the_last_case_that_is_listed_says_so(work):
    work.begin(case("sub-A"))
    work.list.open_next("sub-A")
    assert work.worker.kinds == ["library-worklist"]
    assert "No other case" in work.view.message


@pytest.mark.parametrize(
    ("wanted", "rater", "whose"),
    [("own", "anna", "anna"), ("own", "carl", "bob"), ("own", "", "bob"), ("anna", "carl", "anna"),
     (NOBODY, "anna", NOBODY), ("dora", "anna", NOBODY)],
)  # fmt: skip
def test_whose_mask_is_drawn_on(work, wanted, rater, whose):
    work.begin(case("sub-B"))
    work.rater = rater
    work.list.start_from(wanted)
    work.list.open("sub-B")
    work.worker.answer(**opened(anna="2025-01-01T00:00:00+00:00", bob="2025-06-01T00:00:00+00:00"))
    assert work.table.loaded[0].start_from == whose
    assert work.table.loaded[0].library == LIBRARY


def test_what_was_opened_is_known_with_its_checksums_and_ones_own_notes():
    summary = opened(anna="2025", bob="2026")
    state = make_opened_state(LIBRARY, summary, start_from="bob", rater="anna")
    assert state.masks["anna"] == StoredMask("/x/anna.nii.gz", "anna" * 8, "of anna")
    assert (state.notes, state.edited_from, state.case) == ("of anna", "/x/bob.nii.gz", "sub-B")
    assert state.is_in(LIBRARY)
    assert not state.is_in("/elsewhere")


def test_unsaved_work_is_asked_about_before_anything_is_opened(work):
    work.begin(case("sub-A"), case("sub-B"))
    work.table.dirty = "The drawing of sub-A"
    work.list.open("sub-B")
    assert (work.view.asked, work.view.unsaved) == ("sub-B", "The drawing of sub-A")
    assert work.worker.kinds == ["library-worklist"]
    work.list.stay()
    assert work.view.asked == ""
    assert work.table.loaded == []


def test_save_first_opens_the_case_only_after_the_save_went_well(work):
    work.begin(case("sub-A"), case("sub-B"))
    work.table.dirty = "The drawing of sub-A"
    work.list.open("sub-B")
    work.list.save_first()
    assert work.worker.kinds == ["library-worklist"]
    work.continued[0]()
    assert work.worker.kinds[-1] == "library-open"


def test_a_save_that_cannot_be_begun_opens_nothing(work):
    work.begin(case("sub-A"), case("sub-B"))
    work.table.dirty, work.can_save = "The drawing of sub-A", False
    work.list.open("sub-B")
    work.list.save_first()
    assert work.worker.kinds == ["library-worklist"]
    assert work.view.asked == "sub-B"
    assert "could not be saved" in work.view.message


def test_open_anyway_says_where_the_unsaved_work_is(work):
    work.begin(case("sub-A"), case("sub-B"))
    work.table.dirty = "The drawing of sub-A"
    work.list.open("sub-B")
    work.list.open_anyway()
    work.worker.answer(**opened())
    assert work.view.message.endswith("The drawing of sub-A stays in the scene, unsaved.")


def test_an_empty_folder_is_no_error_but_one_that_was_a_library_is(work):
    work.list.set_library(LIBRARY)
    work.worker.fail(code="bad-library", message=NO_LIBRARY)
    assert (work.view.message, work.view.message_kind) == ("", "note")
    assert "No library yet" in work.view.summary
    work.list.set_library("")
    work.begin(case("sub-A"))
    work.list.refresh()
    work.worker.fail(code="bad-library", message=NO_LIBRARY)
    assert work.view.message_kind == "error"
    assert "“library” is not there any more" in work.view.message
    assert work.view.rows == ()


def test_records_that_cannot_be_read_are_told_beside_those_that_can(work):
    work.list.set_library(LIBRARY)
    work.worker.answer(cases=[case("sub-A")], counts={}, problems=[{"case": "sub-B", "message": "x.json: damaged"}])
    assert [row.case for row in work.view.rows] == ["sub-A"]
    assert "x.json: damaged" in work.view.message


def test_a_case_that_does_not_open_is_told_and_the_next_click_works(work):
    work.begin(case("sub-A"))
    work.list.open("sub-A")
    work.worker.fail(
        code="bad-library", message="a mask is damaged: its checksum does not hold", remedy="see mssoftseg"
    )
    assert not work.view.is_opening
    assert "checksum" in work.view.message
    work.list.open("sub-A")
    work.worker.answer(**opened("sub-A"))
    assert work.view.message == "sub-A is open: nothing drawn yet."


class FakeStage:
    def __init__(self):
        self.pairs, self.hidden = [], 0

    def show(self, pair, done, problem):
        self.pairs.append(pair)
        done()

    def hide(self):
        self.hidden += 1


@pytest.fixture
def agreement(tmp_path):
    worker, jobs = short_jobs()
    stage = FakeStage()
    presenter = LibraryAgreement(jobs, stage, folder=tmp_path, show=lambda view: None)
    masks = {name: StoredMask(f"/x/{name}.nii.gz", "s") for name in ("carl", "anna", "bob")}
    presenter.follow(CaseState(library=LIBRARY, case="sub-A", masks=masks))
    return presenter, worker, stage


ANSWER = {"dsc": 0.712, "lesion_f1": None, "volumes": {"anna": 1.5, "bob": 2.0}, "only_a_ml": 0.2, "only_b_ml": 0.7,
          "agreed_ml": 1.3, "lesions": {"a": 3, "b": 5}}  # fmt: skip


def test_two_raters_are_shown_with_their_numbers(agreement):
    presenter, worker, stage = agreement
    assert (presenter.view.first, presenter.view.second) == ("anna", "bob")
    presenter.set_on(True)
    worker.answer(**ANSWER)
    assert worker.spec()["raters"] == ["anna", "bob"]
    assert stage.pairs[0].second_mask == Path("/x/bob.nii.gz")
    assert presenter.view.text.splitlines() == [
        "DSC 0.71 · lesion F1 undefined · both 1.30 ml",
        "anna: 1.50 ml, 3 lesions, 0.20 ml alone",
        "bob: 2.00 ml, 5 lesions, 0.70 ml alone",
    ]


def test_a_rater_is_not_compared_with_herself(agreement):
    presenter, worker, stage = agreement
    presenter.set_on(True)
    presenter.choose("anna", "anna")
    assert not presenter.view.is_on
    assert stage.hidden == 1
    worker.answer(**ANSWER)
    assert stage.pairs == []


def test_the_next_case_ends_the_comparison(agreement):
    presenter, worker, stage = agreement
    presenter.set_on(True)
    presenter.follow(CaseState(library=LIBRARY, case="sub-B"))
    worker.answer(**ANSWER)
    assert (stage.pairs, presenter.view.raters, presenter.view.is_on) == ([], (), False)


@pytest.fixture
def export():
    worker, jobs = short_jobs()
    return LibraryExport(jobs, show=lambda view: None), worker


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("merge", [None, "soft-union", "union", "mean"])
def test_every_format_is_a_job_that_the_worker_takes(export, name, merge):
    presenter, worker = export
    settings = {"merge": merge, "method": "none", "gamma": 0.5}
    presenter.export(LIBRARY, ExportChoices(name, out="/out", dicom="/dicom"), settings=settings)
    spec = worker.spec()
    assert spec["format"] == name
    assert (spec["dicom"] is not None) == (name == "dicom-seg")
    assert spec["out"] == ("/out/datalist.json" if name == "monai-datalist" else "/out")


@pytest.mark.parametrize(
    ("library", "choices", "said"),
    [
        ("", ExportChoices(out="/o"), "library"),
        (LIBRARY, ExportChoices(), "folder to export to"),
        (LIBRARY, ExportChoices("dicom-seg", out="/o"), "source series"),
        (LIBRARY, ExportChoices(which=SELECTED, out="/o"), "Select a case"),
    ],
)
def test_what_an_export_lacks_is_said_before_it_begins(export, library, choices, said):
    presenter, worker = export
    presenter.export(library, choices)
    assert worker.documents == []
    assert said in presenter.view.message


def test_the_result_of_an_export_names_what_was_left_out(export):
    presenter, worker = export
    presenter.export(LIBRARY, ExportChoices(which=SELECTED, out="/data/for bob"), selected="sub-A")
    assert worker.spec()["cases"] == ["sub-A"]
    worker.answer(cases=2, files=7, skipped=[{"case": "sub-C", "reason": "no soft label"}])
    assert presenter.view.message == "2 cases, 7 files in “for bob”. 1 left out: sub-C: no soft label."
    assert presenter.view.message_kind == "warning"


def test_a_cancelled_export_says_nothing_more(export):
    presenter, worker = export
    presenter.export(LIBRARY, ExportChoices(out="/o"))
    presenter.cancel()
    worker.answer(cases=2, files=7, skipped=[])
    assert presenter.view.message == "Cancelled."
    assert not presenter.view.is_busy
