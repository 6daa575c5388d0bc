"""Cases in and out of the panel with the real desk worker: drawn by hand, by two raters, in many, and when things go wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from Testing.MSSoftSeg.people.curator import oblique_flair, oblique_matrix
from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI
from Testing.patience import HANGING_S

ANNAS, BOBS = np.zeros((2, *SHAPE_KJI), np.uint8)
ANNAS[8:12, 10:15, 28:34] = 1
ANNAS[4:6, 20:23, 5:9] = 2
BOBS[9:13, 10:15, 28:34] = 1
BOBS[15:18, 5:8, 10:14] = 1
EMPTY = np.zeros(SHAPE_KJI, np.uint8)


@pytest.fixture
def person(curator, tmp_path):
    """An empty scene and no library yet; whatever a slot raised fails the test."""
    import slicer

    slicer.app.settings().remove("MSSoftSeg/KnownLibrary")
    curator.host.close_scene()
    curator.rest(0.05)
    curator.keeping.type_rater("")
    curator.ui("startCombo").currentIndex = 0
    curator.choose_library(tmp_path / "library")
    yield curator
    assert curator.host.slot_errors == []


def draw_new(person, labels, *, rater="anna", patient="P1", name="FLAIR"):
    """A drawing without any model, under a name and a pseudonym, not yet saved."""
    person.log_in(rater)
    person.choose(oblique_flair(name), name)
    person.click("drawButton")
    person.draw(labels)
    person.type("patientEdit", patient)


def save_new(person, labels, **names):
    draw_new(person, labels, **names)
    person.save()
    assert "saved" in person.ui("libraryMessage").text, person.ui("libraryMessage").text


def library_of(person):
    return Path(person.keeping.library)


def check(person):
    from MSSoftSegLib.library.check import check_library

    return [str(finding) for finding in check_library(library_of(person))]


def stored(person, rater, patient="P1"):
    import nibabel

    (path,) = library_of(person).glob(f"derivatives/mssoftseg/sub-{patient}/anat/*desc-{rater}_dseg.nii.gz")
    return np.asarray(nibabel.load(path).dataobj).transpose(2, 1, 0)


def test_a_case_drawn_by_hand_is_kept_and_opened_again_for_more(person):
    save_new(person, ANNAS)
    assert np.array_equal(stored(person, "anna"), ANNAS)
    person.host.close_scene()
    person.open("sub-P1")
    assert np.array_equal(person.drawing(), ANNAS)
    more = np.maximum(ANNAS, BOBS)
    person.draw(more)
    person.save("saveCorrectedButton")
    assert np.array_equal(stored(person, "anna"), more)
    assert check(person) == []
    assert person.curation.exam().lesionFacts == ""


def test_drawing_by_hand_is_no_longer_offered_where_something_is_drawn(person):
    person.choose(oblique_flair(), "FLAIR")
    assert person.ui("drawButton").enabled
    assert not person.ui("saveCorrectedButton").enabled
    person.click("drawButton")
    assert not person.ui("drawButton").enabled
    assert person.ui("paintLesionButton").enabled
    person.click("paintLesionButton")
    person.paint((oblique_matrix() @ [20, 15, 10, 1.0])[:3])
    assert (person.drawing() == 1).any()


def test_a_drawing_that_was_deleted_can_be_begun_anew(person):
    import slicer

    draw_new(person, ANNAS)
    slicer.mrmlScene.RemoveNode(person.curation.exam().segmentation)
    person.host.process_events()
    assert not person.ui("saveCorrectedButton").enabled
    assert not person.ui("softPreviewButton").enabled
    person.click("drawButton")
    assert not person.drawing().any()


def test_a_model_that_runs_afterwards_takes_nothing_of_a_drawing_by_hand_away(person):
    import slicer
    from MSSoftSegGUI.scene.segmentation_node import readMasks

    draw_new(person, ANNAS)
    drawn, flair = person.curation.exam().segmentation, person.curation.exam().flair
    person.segment_made(flair, "FLAIR", centers=((5, 8, 10),))
    assert slicer.mrmlScene.IsNodePresent(drawn)
    assert np.array_equal(readMasks(drawn, flair)[0], ANNAS == 1)
    assert person.curation.exam().segmentation is not drawn


def test_a_scene_with_a_drawing_from_a_library_comes_back_and_knows_where_it_is_kept(person, tmp_path):
    import slicer

    save_new(person, ANNAS)
    assert slicer.util.saveScene(str(tmp_path / "visit.mrb"))
    person.host.close_scene()
    person.rest(0.2)
    assert person.ui("patientEdit").text == ""
    slicer.util.loadScene(str(tmp_path / "visit.mrb"))
    person.wait(lambda: person.curation.exam() is not None, "the scene")
    assert np.array_equal(person.drawing(), ANNAS)
    assert "approved in this library" in person.ui("caseHint").text
    assert person.unsaved() == ""
    person.draw(BOBS)
    assert "sub-P1" in person.unsaved()
    person.save("saveCorrectedButton")
    assert np.array_equal(stored(person, "anna"), BOBS)


def test_unsaved_work_is_asked_about_and_save_first_keeps_it_before_the_other_case_opens(person):
    save_new(person, ANNAS, patient="P1")
    person.host.close_scene()
    draw_new(person, BOBS, patient="P2", name="Second")
    person.open("sub-P1")
    assert person.ui("saveFirstButton").visible
    assert "is in no library yet. Open sub-P1?" in person.ui("unsavedMessage").text
    person.click("saveFirstButton")
    person.wait(lambda: person.keeping.state.case == "sub-P1", "the other case")
    assert np.array_equal(stored(person, "anna", "P2"), BOBS)
    assert np.array_equal(person.drawing(), ANNAS)


def test_open_anyway_leaves_the_unsaved_drawing_in_the_scene_and_a_saved_one_is_closed(person):
    import slicer

    save_new(person, ANNAS, patient="P1")
    person.host.close_scene()
    save_new(person, BOBS, patient="P2", name="Second")
    person.host.close_scene()
    person.open("sub-P1")
    person.open("sub-P2")
    names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")]
    assert names == ["sub-P2 FLAIR"]
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == 1
    person.draw(ANNAS)
    person.open("sub-P1")
    person.click("openAnywayButton")
    person.settle()
    assert "stays in the scene, unsaved" in person.ui("worklistMessage").text
    names = sorted(node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))
    assert [name[:12] for name in names] == ["sub-P1 FLAIR", "sub-P2 FLAIR"]


def test_a_second_reader_sees_nothing_of_the_first_and_both_are_compared_afterwards(person):
    import slicer

    save_new(person, ANNAS)
    person.host.close_scene()
    person.log_in("bob")
    combo = person.ui("startCombo")
    person.worklist.select("sub-P1")
    combo.currentIndex = combo.findData("")
    person.open("sub-P1")
    assert not person.drawing().any()
    person.draw(BOBS)
    person.save("saveCorrectedButton")
    assert np.array_equal(stored(person, "anna"), ANNAS)
    assert np.array_equal(stored(person, "bob"), BOBS)
    person.wait(lambda: person.ui("compareRatersButton").enabled, "both masks")
    layout = slicer.app.layoutManager().layout
    person.click("compareRatersButton")
    person.wait(lambda: "DSC" in person.ui("agreementLabel").text, "the agreement")
    both = 2 * ((ANNAS == 1) & (BOBS == 1)).sum() / ((ANNAS == 1).sum() + (BOBS == 1).sum())
    assert f"DSC {both:.2f}" in person.ui("agreementLabel").text
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    third = next(node for node in composites if node.GetLayoutName() == "MSSoftSegThird")
    union = slicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID(third.GetForegroundVolumeID()))
    assert np.array_equal(union, 0.5 * ((ANNAS == 1).astype(np.float32) + (BOBS == 1)))
    person.click("compareRatersButton")
    person.rest(0.1)
    assert slicer.app.layoutManager().layout == layout
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if n.GetName() in ("anna", "bob")]


def test_two_raters_make_a_soft_union_beside_their_outlines(person):
    import slicer

    save_new(person, ANNAS)
    person.host.close_scene()
    person.log_in("bob")
    person.open("sub-P1")
    person.draw(BOBS)
    assert person.ui("softMergeCombo").visible
    method = person.ui("softMethodCombo")
    method.currentIndex = method.findData("none")
    person.click("softPreviewButton")
    person.wait(lambda: person.curation.softLabel.view.is_shown, "the soft label")
    overlay = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed").GetForegroundVolumeID()
    soft = slicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID(overlay)).copy()
    expected = np.where((ANNAS == 1) & (BOBS == 1), 1.0, 0.0)
    expected[((ANNAS == 1) != (BOBS == 1)) | (ANNAS == 2)] = 0.5
    assert np.array_equal(soft, expected.astype(np.float32))
    person.click("softCompareButton")
    person.rest(0.3)
    first = slicer.util.getNode("vtkMRMLSliceNodeMSSoftSegFirst")
    outline = next(n for n in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if n.GetName() == "anna")
    assert list(outline.GetDisplayNode().GetViewNodeIDs()) == [first.GetID()]
    person.click("softPreviewButton")
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")[1:]


def test_what_another_process_saved_meanwhile_is_not_overwritten_and_the_conflict_is_told(person, tmp_path):
    save_new(person, ANNAS)
    person.host.close_scene()
    person.open("sub-P1")
    person.draw(BOBS)
    _save_elsewhere(library_of(person), tmp_path)
    person.save()
    assert person.ui("libraryMessage").text.startswith("sub-P1: the library holds another mask of anna")
    assert not stored(person, "anna").any()
    assert np.array_equal(stored(person, "anna2"), BOBS)
    person.draw(ANNAS)
    person.save("saveCorrectedButton")
    assert np.array_equal(stored(person, "anna2"), ANNAS)
    assert not stored(person, "anna").any()
    assert check(person) == []


def _save_elsewhere(library, folder):
    """Another process saves an empty mask of the same rater, knowing what is there."""
    from MSSoftSegGUI.scene.volume_files import write_volume

    write_volume(EMPTY, oblique_matrix(), folder / "empty.nii")
    record = json.loads(next(library.rglob("sub-P1_case.json")).read_text(encoding="utf-8"))
    based_on = next(value for name, value in record["checksums"].items() if "desc-anna" in name)
    spec = {"library": str(library), "patient": "P1", "rater": "anna", "mask": str(folder / "empty.nii"),
            "status": "approved", "based_on": based_on}  # fmt: skip
    job = {"job": "elsewhere", "kind": "library-save", "spec": spec}
    code = (
        "import json, sys; from MSSoftSegLib.jobs.run import parse_job, run\n"
        "sys.exit(run(parse_job(json.loads(sys.argv[1])), print).exit_code)"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(job)], check=True, timeout=HANGING_S, capture_output=True)


def test_a_share_that_vanished_is_told_and_no_library_is_made_in_its_place(person):
    save_new(person, ANNAS)
    library = library_of(person)
    away = library.rename(library.with_name("elsewhere"))
    person.draw(BOBS)
    person.save("saveCorrectedButton")
    assert "is not there any more" in person.ui("libraryMessage").text
    assert not library.exists()
    assert np.array_equal(person.drawing(), BOBS)
    away.rename(library)
    person.save("saveCorrectedButton")
    assert np.array_equal(stored(person, "anna"), BOBS)
    assert check(person) == []


@pytest.mark.parametrize("place", ["file", "/proc"])
def test_a_place_where_nothing_can_be_written_is_told(person, tmp_path, place):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    person.choose_library(tmp_path / place / "library")
    draw_new(person, ANNAS)
    person.save()
    text = person.ui("libraryMessage").text
    assert text
    assert "saved" not in text
    assert str(tmp_path) not in text
    assert person.ui("libraryDetailsButton").visible
    assert person.ui("saveCorrectedButton").enabled
    assert np.array_equal(person.drawing(), ANNAS)


def test_a_worker_that_is_killed_while_saving_costs_nothing_and_the_next_click_saves(person):
    draw_new(person, ANNAS)
    person.click("approveButton")
    person.wait(lambda: person.workbench.quickWorker._current is not None, "the save")
    person.workbench.quickWorker._process.kill_tree()
    person.wait(lambda: not person.keeping.view.is_saving, "the end of the save")
    assert "never left half written" in person.ui("libraryMessage").text
    assert np.array_equal(person.drawing(), ANNAS)
    person.save()
    assert np.array_equal(stored(person, "anna"), ANNAS)
    assert check(person) == []


def test_a_scene_that_is_closed_while_saving_is_saved_all_the_same(person):
    draw_new(person, ANNAS)
    person.click("approveButton")
    person.wait(lambda: person.workbench.quickWorker._current is not None, "the save")
    person.host.close_scene()
    person.wait(lambda: not person.keeping.view.is_saving, "the end of the save")
    assert person.ui("libraryMessage").text.startswith("sub-P1 is saved as approved")
    assert person.ui("patientEdit").text == "", "and no other exam is taken for it"
    assert np.array_equal(stored(person, "anna"), ANNAS)


def test_another_exam_on_the_table_while_saving_is_not_taken_for_the_one_that_is_saved(person):
    draw_new(person, ANNAS)
    person.click("approveButton")
    person.choose(oblique_flair("Second"), "Second")
    person.wait(lambda: not person.keeping.view.is_saving, "the end of the save")
    assert np.array_equal(stored(person, "anna"), ANNAS)
    assert person.ui("patientEdit").text == ""
    person.click("drawButton")
    assert "P1" not in person.ui("caseHint").text


def test_a_list_of_five_hundred_cases_does_not_hold_the_panel_up(person):
    save_new(person, ANNAS)
    record = next(library_of(person).rglob("sub-P1_case.json"))
    text = record.read_text(encoding="utf-8")
    for number in range(500):
        name = f"N{number:03}"
        folder = library_of(person) / "derivatives" / "mssoftseg" / f"sub-{name}" / "anat"
        folder.mkdir(parents=True)
        (folder / f"sub-{name}_case.json").write_text(
            text.replace("sub-P1", f"sub-{name}").replace('"P1"', f'"{name}"'), encoding="utf-8"
        )
    combo = person.ui("statusFilterCombo")
    combo.currentIndex = combo.findData("all")
    person.wait(lambda: not person.worklist.view.is_loading, "the list")
    person.click("refreshButton")
    assert person.worklist.view.is_loading, "the click returns before the list is read"
    person.wait(lambda: len(person.worklist.view.rows) == 501, "the list")
    person.rest(0.1)
    assert person.ui("worklistTable").rowCount == 501


def test_a_mask_that_was_damaged_on_the_share_is_not_opened_but_named(person):
    save_new(person, ANNAS)
    person.host.close_scene()
    (path,) = library_of(person).rglob("*desc-anna_dseg.nii.gz")
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes(9))
    person.open("sub-P1")
    assert "damaged" in person.ui("worklistMessage").text
    assert person.curation.exam() is None
    path.write_bytes(content)
    person.open("sub-P1")
    assert np.array_equal(person.drawing(), ANNAS)
    shutil.rmtree(library_of(person))
