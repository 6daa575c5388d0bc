"""What may happen to images, disk and scene while an exam is segmented: one message each, and the next click works."""

from __future__ import annotations

import errno

import pytest

from Testing.MSSoftSeg.stand_ins.made_results import Visit, flair_node, write_result


def test_an_image_deleted_before_it_was_written_is_named_and_the_button_is_free_again(reader):
    import slicer

    flair, t1 = flair_node("FLAIR"), flair_node("T1", (-20.0, -15.0, -9.0))
    reader.workbench.exam.choose({"flair": flair.GetID(), "t1": t1.GetID()}, "Anna")
    reader.ui("segmentButton").click()
    slicer.mrmlScene.RemoveNode(t1)
    reader.wait(lambda: not reader.workbench.runner.view.is_running)
    assert reader.error.what == "The image in T1 is no longer in the scene."
    assert reader.ui("segmentButton").text == "Segment"
    reader.start_run(flair)
    assert reader.error is None


def test_a_volume_without_voxels_is_refused_in_words(reader):
    import slicer

    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "FLAIR")
    reader.start_run(empty)
    assert "no voxels" in reader.error.what
    assert reader.worker.jobs == []


def test_a_volume_under_a_warp_is_refused_with_the_remedy_in_the_sentence(reader):
    import slicer
    import vtk

    flair = flair_node()
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
    warp.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
    flair.SetAndObserveTransformNodeID(warp.GetID())
    reader.start_run(flair)
    assert "harden the transform" in reader.error.what


def test_color_images_and_label_maps_are_not_offered_as_images(reader):
    import slicer

    color = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "FLAIR photo")
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "FLAIR lesions")
    for node in (color, labels):
        reader.ui("flairSelector").setCurrentNodeID(node.GetID())
        assert reader.ui("flairSelector").currentNode() is not node


@pytest.mark.parametrize(
    ("problem", "says", "remedy"),
    [
        (OSError(errno.ENOSPC, "no space left on device"), "disk of the temporary folder is full", "Free some disk"),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "cannot be written to (Permission denied)",
            "another temporary",
        ),
    ],
)
def test_a_temporary_folder_that_takes_nothing_is_one_message_with_its_cause(reader, problem, says, remedy):
    def write(*_arguments):
        raise problem

    reader.workbench._exporter.write_volume = write
    reader.start_run(flair_node())
    assert says in reader.ui("segmentMessage").text
    assert remedy in reader.ui("segmentMessage").text


def test_flair_deleted_while_it_is_segmented_ends_the_run_and_says_so(reader):
    import slicer

    flair = flair_node()
    reader.start_run(flair)
    slicer.mrmlScene.RemoveNode(flair)
    reader.host.process_events()
    assert reader.worker.cancelled == [reader.worker.jobs[0]["job"]]
    assert "was removed from the scene" in reader.error.what
    assert reader.error.remedy
    reader.worker.finish()
    reader.rest(0.2)
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []


def test_a_reader_may_look_at_another_exam_while_one_is_segmented(reader):
    anna, berta = flair_node("Anna FLAIR"), flair_node("Berta FLAIR", (-20.0, -15.0, -9.0))
    first = reader.segment_made(anna, "Anna")
    reader.start_run(berta, "Berta")
    reader.choose(anna, "Anna")
    reader.wait(lambda: reader.review.exam is not None)
    assert reader.workbench.runner.view.is_running
    assert "Berta" in reader.ui("progressLabel").text
    reader.click("nextButton")
    reader.worker.finish()
    reader.wait(lambda: "Berta" in reader.ui("segmentMessage").text)
    assert reader.review.exam.parameterNode is first.parameterNode
    assert reader.view.selected
    reader.choose(berta, "Berta")
    reader.wait(lambda: reader.review.exam is not None and reader.review.exam.caseName == "Berta")
    assert reader.view.count == 2


@pytest.mark.parametrize("name", ["lesion_entropy.nii.gz", "lesion_probability.nii.gz", "lesions.csv", "result.json"])
def test_a_result_that_cannot_be_read_leaves_the_earlier_review_as_it_was(reader, name):
    flair = flair_node()
    exam = reader.segment_made(flair)
    before = exam.segmentation
    reader.start_run(flair)
    reader.worker.finish(spoil=lambda folder: (folder / name).write_bytes(b"cut off"))
    reader.wait(lambda: reader.error is not None)
    assert reader.error.remedy
    assert "/" not in reader.error.what
    assert reader.ui("segmentButton").text == "Segment"
    assert exam.segmentation is before
    assert reader.view.count == 2


def test_closing_the_scene_while_a_result_is_read_leaves_nothing(reader, monkeypatch):
    import slicer
    from MSSoftSegGUI.worker import chunked_work

    monkeypatch.setattr(chunked_work, "CHUNK_S", 0.0)
    reader.start_run(flair_node())
    reader.worker.finish()
    reader.host.close_scene()
    reader.rest(0.3)
    assert reader.review.exam is None
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []


def test_unloading_the_module_while_a_run_goes_on_leaves_no_files(host):
    host.close_scene()
    person = Visit(host)
    person.start_run(flair_node())
    from MSSoftSegGUI.worker.place import findRunsFolder

    assert list(findRunsFolder().iterdir())
    host.unload_module("MSSoftSeg")
    assert not findRunsFolder().exists()
    host.close_scene()


def test_a_note_about_a_result_that_came_meanwhile_is_said_once_and_a_note_while_running_not_at_all(reader):
    runner = reader.workbench.runner
    runner.say("Ready.")
    runner.say("Ready.")
    assert runner.view.note == "Ready."
    reader.start_run(flair_node())
    runner.say("Never.")
    assert "Never" not in runner.view.note


def test_results_that_come_close_together_all_arrive(reader, monkeypatch, tmp_path):
    from MSSoftSegGUI.worker import chunked_work

    anna, berta = flair_node("Anna FLAIR"), flair_node("Berta FLAIR", (-20.0, -15.0, -9.0))
    reader.choose(berta, "Berta")
    second = reader.workbench._currentExam()
    reader.choose(anna, "Anna")
    first = reader.workbench._currentExam()
    monkeypatch.setattr(chunked_work, "CHUNK_S", 0.0)
    for exam, name in ((first, "first"), (second, "second")):
        reader.workbench._resultLoader.take(exam, "segment", write_result(tmp_path / name / "result"))
    reader.wait(lambda: first.segmentation is not None and second.segmentation is not None)
    reader.wait(lambda: reader.review.exam is not None)
    assert reader.review.exam.caseName == "Anna"


def test_images_chosen_by_hand_stay_when_something_is_imported(reader, tmp_path):
    import slicer

    path = str(tmp_path / "other.mrml")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "note")
    assert slicer.util.saveScene(path)
    first, chosen = flair_node("FLAIR"), flair_node("unnamed series 7", (-20.0, -15.0, -9.0))
    reader.ui("flairSelector").setCurrentNodeID(chosen.GetID())
    slicer.mrmlScene.SetURL(path)
    slicer.mrmlScene.Import()
    reader.rest(0.3)
    assert reader.ui("flairSelector").currentNode() is chosen
    assert first.GetName() == "FLAIR"


def test_a_spoilt_result_of_one_exam_does_not_end_the_run_of_the_next(reader, tmp_path):
    anna, berta = flair_node("Anna FLAIR"), flair_node("Berta FLAIR", (-20.0, -15.0, -9.0))
    reader.choose(anna, "Anna")
    exam = reader.workbench._currentExam()
    reader.start_run(berta, "Berta")
    folder = write_result(tmp_path / "run" / "result")
    (folder / "result.json").write_text("{}", encoding="utf-8")
    reader.workbench._resultLoader.take(exam, "segment", folder)
    reader.wait(lambda: "could not be read" in reader.ui("examMessage").text)
    assert reader.workbench.runner.view.is_running
    assert reader.worker.cancelled == []
