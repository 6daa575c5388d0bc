"""A radiologist's morning: load, Segment, threshold, reject, paint, save, close, reopen. Real worker, model and scene."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from Testing.MSSoftSeg.people.radiologist import Radiologist, write_small_patient

LESION, POSSIBLE = 0, 1


@pytest.fixture(scope="module")
def morning(tmp_path_factory):
    """The whole visit once; what was seen after each step is kept for the sentences below."""
    from Testing.SlicerHost import start

    host = start()
    host.close_scene()
    host.forget_slot_errors()
    reader = Radiologist(host, wakes_worker=True)
    seen = SimpleNamespace(reader=reader)
    import slicer

    folder = tmp_path_factory.mktemp("exam") / "Anna"
    reader.load_exam(write_small_patient(folder))
    seen.chosen = [reader.ui(f"{slot}Selector").currentNode().GetName() for slot in ("flair", "t1", "t2")]
    reader.wait(lambda: reader.workbench.worker.is_running, "a worker that wakes while images are looked at")
    reader.be_quick()
    reader.segment()
    seen.result = reader.view
    seen.probability = slicer.util.arrayFromVolume(reader.review.exam.probability).copy()
    seen.first_masks = reader.masks()

    reader.ui("thresholdSlider").value = 0.7
    host.process_events()
    seen.raised, seen.raised_masks = reader.view, reader.masks()

    reader.click_row(0)
    seen.least_certain = reader.view.row_of(reader.view.selected)
    seen.offsets = {
        name: slicer.util.getNode(f"vtkMRMLSliceNode{name}").GetSliceToRAS() for name in ("Red", "Yellow", "Green")
    }
    seen.planes = [slicer.util.arrayFromVTKMatrix(matrix) for matrix in seen.offsets.values()]
    seen.selected_voxels = reader.review.presenter.lesion_box(reader.view.selected)
    reader.click("rejectButton")
    seen.rejected, seen.rejected_masks = reader.view, reader.masks()

    reader.click("paintPossibleButton")
    seen.painted_at = _somewhere_without_lesion(seen, reader)
    reader.paint(seen.painted_at)
    seen.painted, seen.painted_masks = reader.view, reader.masks()
    seen.shown = _what_is_shown(reader)

    path = str(tmp_path_factory.mktemp("scene") / "visit.mrb")
    assert slicer.util.saveScene(path)
    host.close_scene()
    reader.rest(0.2)
    seen.after_close = SimpleNamespace(
        volumes=len(slicer.util.getNodesByClass("vtkMRMLVolumeNode")), exam=reader.review.exam, rows=reader.view.rows
    )
    slicer.util.loadScene(path)
    reader.wait(lambda: reader.review.exam is not None, "the reopened review")
    seen.reopened, seen.reopened_masks = reader.view, reader.masks()
    seen.shown_again = _what_is_shown(reader)
    seen.chosen_again = [reader.ui(f"{slot}Selector").currentNode().GetName() for slot in ("flair", "t1", "t2")]
    seen.slot_errors = list(host.slot_errors)
    yield seen
    reader.rest(0.05)
    host.close_scene()
    host.unload_module("MSSoftSeg")


def _what_is_shown(reader):
    """Voxels, colors and layers of both overlays and the outline, and the widgets that say so."""
    import slicer

    exam, composite = reader.review.exam, slicer.util.getNode("vtkMRMLSliceCompositeNodeRed")
    layers = (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    overlays = {}
    for name in ("probability", "entropy"):
        node = getattr(exam, name)
        display = node.GetDisplayNode()
        numbers = (display.GetWindowLevelMin(), display.GetWindowLevelMax(), display.GetLowerThreshold())
        # A scene keeps six digits.
        window = tuple(round(number, 4) for number in numbers)
        overlays[name] = (node.GetName(), display.GetColorNode().GetName(), display.GetApplyThreshold(), window)
    return SimpleNamespace(
        layers=[slicer.mrmlScene.GetNodeByID(layer).GetName() for layer in layers],
        opacity=round(composite.GetForegroundOpacity(), 3),
        overlays=overlays,
        voxels={name: slicer.util.arrayFromVolume(getattr(exam, name)).copy() for name in overlays},
        outline=exam.segmentation.GetDisplayNode().GetVisibility2DOutline(),
        slider=round(reader.ui("thresholdSlider").value, 3),
        rows=reader.ui("lesionTable").rowCount,
        flair=exam.flair.GetName(),
    )


def _somewhere_without_lesion(seen, reader):
    """A place inside the head, away from every lesion, RAS mm."""
    import slicer
    from MSSoftSegGUI.scene.volume_nodes import readIjkToRas
    from scipy import ndimage

    flair = slicer.util.arrayFromVolume(reader.review.exam.flair)
    free = ndimage.binary_erosion(flair > 100, iterations=3) & ~ndimage.binary_dilation(
        seen.first_masks[LESION], iterations=6
    )
    k, j, i = np.argwhere(free)[free.sum() // 2]
    return (readIjkToRas(reader.review.exam.probability) @ [i, j, k, 1.0])[:3]


def test_the_images_of_the_folder_are_in_their_slots(morning):
    assert morning.chosen == ["Anna FLAIR", "Anna T1", "Anna T2"]


def test_segment_leaves_lesions_of_the_probability_map_at_the_models_threshold(morning):
    assert morning.result.count > 0
    lesion, possible = morning.first_masks
    assert not possible.any()
    assert lesion.any()
    assert (morning.probability[lesion] >= morning.result.threshold).all()


def test_moving_the_threshold_changes_segmentation_table_and_volume_together(morning):
    assert morning.raised.threshold == pytest.approx(0.7)
    before, after = morning.first_masks[LESION], morning.raised_masks[LESION]
    assert after.sum() < before.sum()
    assert not (after & ~before).any()
    assert (morning.probability[after] >= 0.7).all()
    assert morning.raised.volume_ml < morning.result.volume_ml
    assert morning.raised.volume_ml == pytest.approx(sum(row.volume_mm3 for row in morning.raised.rows) / 1000)


def test_a_click_on_the_first_row_brings_every_slice_view_to_the_least_certain_lesion(morning):
    known = [row.lsu for row in morning.raised.rows if row.lsu is not None]
    assert morning.least_certain.lsu is None or morning.least_certain.lsu == max(known)
    # The views lie in the planes of the image, which is taken obliquely: how far the lesion is from each of them.
    place = np.array(morning.least_certain.place_ras_mm)
    distances_mm = [float(plane[:3, 2] @ (place - plane[:3, 3])) for plane in morning.planes]
    assert distances_mm == pytest.approx([0.0, 0.0, 0.0], abs=1.0)
    # Axial, sagittal, coronal, each turned by less than the axis beside it.
    assert [int(np.abs(plane[:3, 2]).argmax()) for plane in morning.planes] == [2, 0, 1]


def test_a_rejected_lesion_leaves_the_segmentation_and_nothing_else_does(morning):
    offset, box = morning.selected_voxels
    gone = np.zeros(morning.probability.shape, bool)
    gone[tuple(slice(first, first + size) for first, size in zip(offset, box.shape, strict=True))] = box
    before, after = morning.raised_masks[LESION], morning.rejected_masks[LESION]
    assert np.array_equal(before & ~after, gone)
    assert not (after & ~before).any()
    assert morning.rejected.count == morning.raised.count - 1
    assert "rejected" in {row.status for row in morning.rejected.rows}


def test_what_is_painted_as_possible_lands_in_its_own_segment_where_the_brush_was(morning):
    from MSSoftSegGUI.scene.volume_nodes import readIjkToRas

    painted = np.argwhere(morning.painted_masks[POSSIBLE])
    assert len(painted) > 0
    center = (readIjkToRas(morning.reader.review.exam.probability) @ np.append(painted.mean(axis=0)[::-1], 1.0))[:3]
    assert np.linalg.norm(center - morning.painted_at) < 3.0
    assert np.array_equal(morning.painted_masks[LESION], morning.rejected_masks[LESION])


def test_closing_the_scene_leaves_no_volume_and_no_review(morning):
    assert morning.after_close.volumes == 0
    assert morning.after_close.exam is None
    assert morning.after_close.rows == ()


def test_the_reopened_scene_has_result_threshold_decision_and_paint(morning):
    from MSSoftSegGUI.review.columns import list_columns

    assert morning.reopened.threshold == pytest.approx(0.7)
    texts = [
        [[column.text(row) for column in list_columns()] for row in view.rows]
        for view in (morning.reopened, morning.painted)
    ]
    assert texts[0] == texts[1]
    assert morning.reopened.volume_ml == pytest.approx(morning.painted.volume_ml)
    for saved, opened in zip(morning.painted_masks, morning.reopened_masks, strict=True):
        assert np.array_equal(saved, opened)


def test_the_reopened_scene_shows_both_overlays_the_outline_and_the_widgets_as_they_were(morning):
    before, after = morning.shown, morning.shown_again
    assert before.layers[0] == "Anna FLAIR"
    assert "probability" in before.layers[1]
    for name in ("layers", "opacity", "overlays", "outline", "slider", "rows", "flair"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.slider == 0.7
    assert after.rows == len(morning.painted.rows)
    for name in ("probability", "entropy"):
        assert np.array_equal(after.voxels[name], before.voxels[name])
    assert after.overlays["probability"][1] == "MSSoftSegProbability"
    assert morning.chosen_again == morning.chosen


@pytest.fixture(scope="module")
def afternoon(morning, tmp_path_factory):
    """The same exam goes on: contrasts side by side, bulk, a lesion that was missed, a report, approval and export."""
    import slicer

    reader, seen = morning.reader, SimpleNamespace(reader=morning.reader)
    host = reader.host
    reader.choose_layout("contrasts")
    reader.rest(0.2)
    seen.layers = {
        node.GetLayoutName(): slicer.mrmlScene.GetNodeByID(node.GetBackgroundVolumeID() or "")
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    }
    seen.linked = [
        slicer.util.arrayFromVTKMatrix(slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLSliceNode").GetSliceToRAS())
        for tag in ("MSSoftSegFLAIR", "MSSoftSegT1", "MSSoftSegT2")
    ]
    reader.choose_layout("planes")
    reader.rest(0.2)
    seen.before, seen.before_masks = reader.view, reader.masks()
    reader.ui("thresholdSlider").value = 0.8
    seen.raised_masks = reader.masks()
    seen.missed_at = _missed(reader, above=0.8)
    reader.point(seen.missed_at)
    seen.grown, seen.grown_masks = reader.view, reader.masks()
    reader.ui("acceptAllSpinBox").value = 0.0
    reader.click("acceptAllButton")
    seen.decided = reader.view
    for _step in range(3):
        reader.click("undoButton")
    seen.undone, seen.undone_masks = reader.view, reader.masks()
    reader.click("acceptAllButton")
    seen.accepted = reader.view
    opened = []
    reader.workbench.report.open = lambda path: not opened.append(path)
    reader.workbench.curation.saver.type_rater("anna")
    reader.click("reportButton")
    # An error is written in color, a note is not.
    reader.wait(lambda: opened or reader.ui("noteMessage").styleSheet, "the report")
    assert opened, reader.ui("noteMessage").text
    seen.page = opened[0].read_text(encoding="utf-8")
    reader.clicks.clear()
    _keep_and_export(reader, seen, tmp_path_factory.mktemp("kept"))
    seen.clicks = ["loadFolderButton", "OK of its dialog", "segmentButton", *reader.clicks]
    host.process_events()
    return seen


def _missed(reader, *, above: float):
    """Where the model is most sure of what the threshold leaves out, RAS mm."""
    import slicer
    from MSSoftSegGUI.scene.volume_nodes import readIjkToRas
    from scipy import ndimage

    probability = slicer.util.arrayFromVolume(reader.review.exam.probability)
    lesion, possible = reader.masks()
    free = ~ndimage.binary_dilation(lesion | possible | (probability >= above), iterations=2)
    k, j, i = np.unravel_index(int(np.where(free, probability, 0).argmax()), probability.shape)
    return (readIjkToRas(reader.review.exam.probability) @ [i, j, k, 1.0])[:3]


def _keep_and_export(reader, seen, folder):
    """From decided lesions to an approved case on disk."""
    curation = reader.workbench.curation
    reader.open_section("library")
    reader.choose_folder("libraryEdit", folder / "library")
    reader.ui("raterEdit").returnPressed()
    for name, text in (("patientEdit", "P1"), ("sessionEdit", "")):
        reader.ui(name).text = text
        reader.ui(name).textEdited(text)
    reader.wait(lambda: not curation.worklist.view.is_loading, "the library")
    reader.click("approveButton")
    reader.wait(lambda: not curation.saver.view.is_saving, "the end of the save")
    seen.saved = reader.ui("libraryMessage").text
    reader.choose_folder("exportFolderEdit", folder / "export")
    reader.click("exportButton")
    reader.wait(lambda: not curation.export.view.is_busy, "the export")
    seen.exported = sorted(path.name for path in (folder / "export").rglob("*.nii.gz"))


def test_t1_and_t2_stand_beside_flair_in_its_plane(afternoon):
    shown = [afternoon.layers[tag].GetName() for tag in ("MSSoftSegFLAIR", "MSSoftSegT1", "MSSoftSegT2")]
    assert shown == ["Anna FLAIR", "Anna T1", "Anna T2"]
    assert all(np.allclose(plane[:3, :3], afternoon.linked[0][:3, :3]) for plane in afternoon.linked)


def test_a_missed_lesion_grows_where_it_was_clicked(afternoon):
    before, grown = afternoon.raised_masks[LESION], afternoon.grown_masks[LESION]
    assert not (before & ~grown).any()
    assert grown.sum() > before.sum()
    assert afternoon.grown.selected


def test_one_undo_goes_back_over_bulk_growth_and_threshold(afternoon):
    assert afternoon.decided.undecided == 0
    assert afternoon.undone.threshold == pytest.approx(afternoon.before.threshold)
    assert [row.status for row in afternoon.undone.rows] == [row.status for row in afternoon.before.rows]
    for before, after in zip(afternoon.before_masks, afternoon.undone_masks, strict=True):
        assert np.array_equal(before, after)


def test_the_report_after_correction_says_who_and_how_far(afternoon):
    total = afternoon.accepted.lesions
    assert f"Reviewed by anna, {total} of {total} lesion" in afternoon.page
    assert "Research use only" in afternoon.page


def test_a_raw_exam_is_an_approved_export_after_ten_clicks_beside_the_decisions(afternoon):
    assert "approved" in afternoon.saved
    assert afternoon.exported
    assert len(afternoon.clicks) <= 10, afternoon.clicks


def test_no_click_failed_silently(morning):
    assert morning.slot_errors == []


def test_the_modules_own_test_runs_as_reload_and_test_would_run_it(morning, monkeypatch):
    """With the coarse digital patient, whose preprocessing the morning has left in the cache."""
    import functools
    import unittest

    import slicer
    from MSSoftSegGUI import workbench
    from MSSoftSegGUI.exam.digital_patient import makeDigitalPatient

    monkeypatch.setattr(workbench, "makeDigitalPatient", functools.partial(makeDigitalPatient, small=True))
    try:
        slicer.modules.MSSoftSegInstance.runTest()
    except unittest.SkipTest as reason:
        pytest.fail(f"nothing was tested: {reason}")
    assert morning.reader.review.exam is not None
    assert "rejected" in {row.status for row in morning.reader.view.rows}
    assert morning.reader.host.slot_errors == []
