"""The first answer is seen while the run goes on, and nothing of it stays when the run ends, however it ends."""

from __future__ import annotations

import numpy as np
import pytest

from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, flair_node, maps_of, matrix_of

NAME = "Preview: uncertainty follows"


def write_preview(folder):
    """What the worker leaves for as long as its job runs."""
    from MSSoftSegGUI.scene.volume_files import write_volume

    folder.mkdir()
    probability, _entropy = maps_of()
    write_volume(probability, matrix_of(), folder / "lesion_probability.nii")
    write_volume((probability > 0.5).astype(np.uint8), matrix_of(), folder / "lesion_mask.nii")
    return folder


def say_preview(reader, folder) -> None:
    """The worker has a first answer."""
    reader.worker.tell("preview", path=str(folder), summary={"volume_ml": 0.1, "threshold": 0.5})
    reader.wait(lambda: not reader.workbench.preview._work.is_busy, "the preview")
    reader.host.process_events()


def in_front() -> set[str]:
    """The names of the overlays in the slice views."""
    import slicer

    ids = {node.GetForegroundVolumeID() for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")}
    return {slicer.mrmlScene.GetNodeByID(each).GetName() for each in ids if each}


def left() -> list[str]:
    """What of a preview is in the scene."""
    import slicer

    nodes = slicer.util.getNodesByClass("vtkMRMLDisplayableNode")
    return sorted(node.GetName() for node in nodes if node.GetName().startswith("Preview"))


@pytest.fixture
def running(reader, tmp_path):
    """A run whose first answer lies in the views."""
    import slicer

    reader.start_run(flair_node())
    say_preview(reader, write_preview(tmp_path / "first"))
    assert in_front() == {NAME}
    shown = slicer.util.arrayFromVolume(slicer.util.getNode(NAME))
    assert shown.shape == SHAPE_KJI
    assert shown.max() == pytest.approx(0.9)
    assert left() == ["Preview", NAME]
    assert reader.ui("segmentMessage").text.startswith("Preview, one look")
    return reader


def test_the_final_answer_takes_its_place(running):
    running.worker.finish()
    running.wait(lambda: running.review.exam is not None)
    assert left() == []
    assert NAME not in in_front()
    assert "Preview" not in running.ui("segmentMessage").text


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_run_that_does_not_end_well_takes_it_along(running, end):
    fields = {"code": "worker-killed", "message": "killed", "remedy": ""} if end == "failed" else {}
    running.worker.tell(end, **fields)
    assert left() == []
    assert in_front() == set()


def test_another_exam_is_not_seen_under_it_and_the_run_goes_on(running, tmp_path):
    running.choose(flair_node("Berta FLAIR", (-20.0, -15.0, -9.0)), "Berta")
    assert left() == []
    say_preview(running, tmp_path / "first")
    assert left() == []
    assert running.workbench.runner.view.is_running


def test_files_that_are_gone_already_are_no_error(reader, tmp_path):
    reader.start_run(flair_node())
    say_preview(reader, tmp_path / "gone")
    assert left() == []
    assert reader.error is None
    assert reader.workbench.runner.view.is_running


def test_a_result_that_is_being_read_stays_in_view(reader, tmp_path):
    exam = reader.segment_made(flair_node())
    reader.click("segmentButton")
    reader.wait(lambda: reader.workbench.runner.view.phase == "running")
    say_preview(reader, write_preview(tmp_path / "first"))
    assert left() == []
    assert exam.probability.GetName() in in_front()
