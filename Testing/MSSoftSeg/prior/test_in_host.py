"""A radiologist compares today's visit with the prior: chosen, compared, looked at, decided on, saved and opened again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from MSSoftSegLib.result_files import CHANGE_REVIEW_FILE
from Testing.MSSoftSeg.review.test_review_gestures import fire
from Testing.MSSoftSeg.stand_ins.made_comparisons import FINDING, MOVED_MM, PAIR, write_comparison
from Testing.MSSoftSeg.stand_ins.made_results import CENTERS, flair_node, matrix_of, visit, write_result

VIEWS = ("MSSoftSegFirst", "MSSoftSegSecond", "MSSoftSegThird")


def visit_of(reader, folder, *, name: str = "Anna", origin=(-20.0, -15.0, -10.0)):
    """An exam on the table whose result lies in this folder."""
    from MSSoftSegGUI.scene.parameter_nodes import makeExam

    exam = makeExam(name)
    exam.flair = flair_node(f"{name} FLAIR", origin)
    exam.resultFolder = str(folder)
    reader.choose(exam.flair, name)
    return exam


def table(reader) -> list[list[str]]:
    """The cells of the table of changes."""
    widget = reader.ui("changeTable")
    return [[widget.item(row, column).text() for column in range(widget.columnCount)] for row in range(widget.rowCount)]


def backgrounds() -> dict[str, str]:
    """The image behind each of the three views."""
    import slicer

    return {
        node.GetLayoutName(): slicer.mrmlScene.GetNodeByID(node.GetBackgroundVolumeID() or "").GetName()
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        if node.GetLayoutName() in VIEWS
    }


def planes() -> list[np.ndarray]:
    """Where each of the three views looks, view to RAS mm."""
    import slicer

    nodes = (slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLSliceNode") for tag in VIEWS)
    return [slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()).copy() for node in nodes]


def grays() -> list[float]:
    """How bright each of the three views is in the middle, 0–255."""
    from Testing.SlicerHost.rendering import view_pixels

    return [float(np.median(view_pixels(tag)[150:250, 150:250])) for tag in VIEWS]


def wait_for_views(reader) -> None:
    """Until the visits stand side by side."""
    reader.wait(lambda: reader.workbench.prior.scene._views.isShown, "the visits side by side")
    reader.host.process_events()


def click_row(reader, row: int) -> None:
    """Click a change."""
    reader.ui("changeTable").cellClicked(row, 0)
    wait_for_views(reader)


def decisions(reader) -> list[str]:
    """What the table says was decided."""
    return [row[4] for row in table(reader)]


@pytest.fixture(scope="module")
def seen(host, tmp_path_factory):
    """The whole visit once; what was seen after each step is kept for the sentences below."""
    with visit(host) as reader:
        yield _visit(reader, tmp_path_factory.mktemp("comparing"))


def _visit(reader, folder) -> SimpleNamespace:
    import slicer

    prior, seen = reader.workbench.prior, SimpleNamespace(folder=folder)
    prior.presenter._worker = reader.worker
    exam = visit_of(reader, write_result(folder / "today" / "result"))
    reader.open_section("prior")
    prior.presenter.pick_folder(folder / "2019")
    reader.click("comparePriorButton")
    seen.spec, seen.today = reader.worker.jobs[-1]["spec"], exam.resultFolder
    reader.worker.tell("progress", stage="registration", fraction=0.5, overall=0.4)
    seen.progress = reader.ui("priorProgressLabel").text, reader.ui("priorProgressBar").value
    reader.worker.tell("result", path="change", summary={"folder": str(write_comparison(Path(seen.spec["out"])))})
    # Who is quick clicks a row before the images are there.
    reader.ui("changeTable").cellClicked(2, 0)
    wait_for_views(reader)
    seen.first, seen.backgrounds, seen.early = (
        table(reader),
        backgrounds(),
        reader.workbench.prior.reading.view.selected,
    )
    widget = reader.ui("changeTable")
    seen.why, seen.tips = (
        reader.ui("changeDetail").text,
        [widget.item(2, n).toolTip() for n in range(widget.columnCount)],
    )
    seen.isScrolled = widget.horizontalScrollBar().maximum > 0
    seen.warnings, seen.note = reader.ui("changeWarnings").text, reader.ui("priorMessage").text
    click_row(reader, 1)
    seen.planes, seen.grays = planes(), grays()
    seen.shift_mm = _place_of("Earlier visit") - matrix_of()[:3, 3]
    reader.click("changeViewsButton")
    shown = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed").GetBackgroundVolumeID()
    seen.after_leaving = slicer.mrmlScene.GetNodeByID(shown).GetName()
    _decide(reader, seen)
    _go_to_another(reader, seen)
    _keep_and_reopen(reader, seen)
    return seen


def _decide(reader, seen) -> None:
    click_row(reader, 0)
    fire(reader, "A")
    combo = reader.ui("reclassCombo")
    combo.currentIndex = combo.findData("stable")
    combo.activated(combo.currentIndex)
    reader.click("rejectChangeButton")
    seen.decided, seen.summary = decisions(reader), reader.ui("changeSummary").text
    reader.click("undoChangeButton")
    fire(reader, "Z")
    seen.undone = decisions(reader)
    reader.click("changeViewsButton")
    # Now they are the review's again.
    for key in ("A", "X", "U", "Z"):
        fire(reader, key)
    seen.after_keys = decisions(reader)
    reader.click("changeViewsButton")
    wait_for_views(reader)
    seen.kept = json.loads((Path(seen.spec["out"]) / CHANGE_REVIEW_FILE).read_text())


def _go_to_another(reader, seen) -> None:
    """Another visit of the same patient comes onto the table while the first ones stand side by side, and goes again."""
    first = reader.workbench.exam.node("flair")
    other = visit_of(reader, write_result(seen.folder / "other" / "result"), name="Berta", origin=(-20.0, -15.0, -9.0))
    combo = reader.ui("priorCombo")
    seen.offered = [combo.itemText(n) for n in range(combo.count)]
    seen.of_other = table(reader), reader.workbench.prior.scene.isShown, other.comparison
    other.resultFolder = ""
    reader.workbench.prior.follow(other)
    seen.without_result = reader.ui("priorMessage").text
    reader.choose(first, "Anna")
    seen.back = decisions(reader)


def _keep_and_reopen(reader, seen) -> None:
    import slicer

    click_row(reader, 1)
    try:
        reader.choose_folder("keepComparisonEdit", seen.folder / "kept")
        seen.kept_as = decisions(reader), reader.workbench.prior.reading.comparison.folder
        click_row(reader, 1)
        assert slicer.util.saveScene(str(seen.folder / "visit.mrb"))
        reader.host.close_scene()
        reader.rest(0.1)
        assert not reader.ui("changeViewsButton").checked
        seen.closed = table(reader), len(slicer.util.getNodesByClass("vtkMRMLVolumeNode"))
        slicer.util.loadScene(str(seen.folder / "visit.mrb"))
        reader.wait(lambda: reader.ui("changeTable").rowCount == 3, "the comparison of the reopened scene")
        seen.reopened = decisions(reader)
        seen.volumes = sorted(node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))
        shutil.rmtree(seen.kept_as[1])
        reader.workbench.prior.follow(None)
        reader.workbench.prior.follow(reader.workbench.curation.exam())
        seen.gone = table(reader), reader.ui("priorMessage").text
    finally:
        reader.ui("keepComparisonEdit").currentPath = ""


def _place_of(name: str) -> np.ndarray:
    import slicer
    from MSSoftSegGUI.scene.volume_nodes import readIjkToRas

    return readIjkToRas(slicer.util.getNode(name))[:3, 3]


def test_a_click_compares_and_the_table_begins_with_the_likeliest_change(seen):
    assert seen.spec["visits"] == [str(seen.folder / "2019"), seen.today]
    assert seen.progress == ("Anna · Laying the visits on each other", 400)
    assert [row[:3] for row in seen.first] == [
        ["0.97", "new", "54 → 108"],
        ["0.80", "enlarging", "54 → 108"],
        ["–", "not decidable", "54 → 108"],
    ]
    assert seen.why.endswith("only one visit covers it")
    assert seen.tips == ["only one visit covers it"] * len(seen.first[2])
    assert not seen.isScrolled
    assert seen.early == 3


def test_what_else_differs_is_said_first_and_that_the_comparison_goes_with_slicer(seen):
    assert seen.warnings == FINDING
    assert "goes when Slicer is closed" in seen.note


def test_before_after_and_difference_stand_in_one_plane_where_today_lies(seen):
    assert seen.backgrounds == dict(zip(VIEWS, ("Earlier visit", "Today’s visit", "Difference"), strict=True))
    k, j, i = CENTERS[1]
    place = (matrix_of() @ [i, j, k, 1.0])[:3] + MOVED_MM
    for plane in seen.planes:
        assert np.allclose(plane[:3, :3], seen.planes[0][:3, :3])
        assert plane[:3, 2] @ (place - plane[:3, 3]) == pytest.approx(0.0, abs=0.1)
    assert seen.shift_mm == pytest.approx(MOVED_MM)


def test_images_of_noise_about_their_mean_are_shown_in_the_middle_of_the_grays(seen):
    assert all(90 < gray < 165 for gray in seen.grays), seen.grays


def test_what_surrounds_the_brain_takes_no_grays_from_it(seen):
    from MSSoftSegGUI.prior.comparison_scene import find_gray_window

    head = np.full((40, 40, 40), -12.8, np.float32)
    head[10:30, 10:30, 10:30] = np.random.default_rng(0).normal(0, 1, (20, 20, 20))
    low, high = find_gray_window(head)
    assert -4 < low < -1.5
    assert 2 < high < 5
    assert find_gray_window(np.zeros((4, 4, 4), np.float32)) == (0.0, 1.0)


def test_side_by_side_can_be_left_and_the_readers_own_views_come_back(seen):
    assert seen.after_leaving == "Anna FLAIR"


def test_accept_reclass_reject_and_one_undo_kept_at_once(seen):
    assert seen.decided == ["accepted", "was enlarging", "rejected"]
    assert seen.summary.startswith("1\N{NO-BREAK SPACE}new, 1\N{NO-BREAK SPACE}stable\N{NO-BREAK SPACE}· ")
    assert seen.undone == seen.after_keys == ["accepted", "", ""]
    assert seen.kept["decisions"] == {PAIR: {"1": {"decision": "accepted", "change": "new"}}}


def test_another_exam_has_its_own_comparison_and_the_loaded_prior_is_offered(seen):
    assert seen.offered == ["Anna (in this scene)"]
    assert seen.of_other == ([], False, "")
    assert "Segment this exam first" in seen.without_result
    assert seen.back == ["accepted", "", ""]


def test_a_kept_comparison_moves_with_what_was_said_and_is_there_in_the_reopened_scene(seen):
    rows, folder = seen.kept_as
    assert (rows, folder) == (["accepted", "", ""], seen.folder / "kept" / "Anna_change")
    assert seen.closed == ([], 0)
    assert seen.reopened == ["accepted", "", ""]
    assert seen.volumes == ["Anna FLAIR", "Berta FLAIR"]


def test_a_comparison_that_is_gone_is_said_so(seen):
    rows, said = seen.gone
    assert rows == []
    assert "gone" in said


def test_what_the_backend_writes_is_what_the_panel_reads(host, tmp_path):
    """Two small visits whose way to each other is known: the facts of the table, and the way to where today lies."""
    from MSSoftSegGUI.prior.comparison import is_comparison, read_comparison
    from MSSoftSegGUI.prior.comparison_scene import find_way_to_today
    from MSSoftSegGUI.prior.decisions import CLASSES

    from MSSoftSegLib.change.classes import ChangeClass
    from MSSoftSegLib.change.comparison import compare_visits
    from MSSoftSegLib.jobs.change.writing import NamedPair, pair_name, write_comparisons
    from Testing.MSSoftSegLib.change import small_visits

    spots = [small_visits.Spot((12, 0, 0), 4), small_visits.Spot((0, -14, -4), 4)]
    poses = small_visits.STILL, small_visits.pose(3.0, (2.0, -1.0, 1.0))
    before = small_visits.visit(spots[:1], seed=1, where=poses[0])
    after = small_visits.visit(spots, name="after", seed=2, where=poses[1])
    pair = NamedPair(pair_name(1), compare_visits(before, after, small_visits.way(*poses)))
    write_comparisons(tmp_path, [pair], segmented=[None, None], percent=None)
    assert is_comparison(tmp_path)
    found = read_comparison(tmp_path)
    assert sorted(row.change for row in found.rows) == ["new", "stable"]
    assert set(CLASSES) == {each.value for each in ChangeClass}
    inner = found.images / "midpoint"
    for name in ("before_FLAIR", "after_FLAIR", "subtraction", "change_labels"):
        assert (inner / f"{name}.nii.gz").is_file()
    way = find_way_to_today(found)
    assert np.allclose(way[:3, :3] @ way[:3, :3].T, np.eye(3), atol=1e-6)
    # Where the new lesion lies at the later visit: RAS is LPS with two signs turned.
    (new,) = (row for row in found.rows if row.change == "new")
    at_home = small_visits.MIDDLE + np.array(spots[1].place)
    at_visit = np.array(poses[1].TransformPoint(at_home.tolist())) * [-1, -1, 1]
    assert (way @ [*new.place_ras_mm, 1.0])[:3] == pytest.approx(at_visit, abs=1.0)
