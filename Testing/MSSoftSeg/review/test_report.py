"""The button for the report: what the worker is asked, and what the reader is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from Testing.MSSoftSeg.stand_ins.made_results import AnsweringWorker, flair_node


def listening(reader):
    """The worker for short jobs answers what the test says, and pages are opened nowhere."""
    from MSSoftSegGUI.worker.short_jobs import ShortJobs

    worker, opened = AnsweringWorker(), []
    report = reader.workbench.report
    report._jobs = ShortJobs(worker)
    report.open = lambda path: not opened.append(path)
    return worker, opened


def answer(worker, event: str, **fields) -> None:
    worker.tell(event, **fields)


def test_the_report_is_asked_for_with_the_corrected_mask_and_the_readers_name(reader):
    from MSSoftSegGUI.scene.volume_files import read_volume

    exam = reader.segment_made(flair_node())
    worker, opened = listening(reader)
    reader.workbench.curation.saver.type_rater("anna")
    exam.spinalCord = "affected"
    reader.click_row(0)
    reader.click("rejectButton")
    reader.click("reportButton")
    reader.wait(lambda: worker.jobs)
    spec = worker.jobs[0]["spec"]
    assert worker.jobs[0]["kind"] == "report"
    assert (spec["reviewer"], spec["decided"], spec["lesions"]) == ("anna", 1, 2)
    assert (spec["spinal_cord"], spec["optic_nerve"]) == ("affected", "not-entered")
    assert spec["result"] == exam.resultFolder
    labels, matrix = read_volume(Path(spec["labels"]))
    assert np.array_equal(labels == 1, reader.masks()[0])
    flair, flair_matrix = read_volume(Path(spec["reference"]))
    assert flair.shape == labels.shape
    assert np.allclose(matrix, flair_matrix)
    assert json.dumps(worker.jobs[0]), "it can be sent"
    answer(worker, "result", path="report.html", summary={})
    assert opened == [Path(exam.resultFolder) / "report.html"]
    assert "browser" in reader.ui("noteMessage").text


def test_what_the_worker_cannot_do_is_said_and_a_result_without_files_is_not_asked_for(reader):
    exam = reader.segment_made(flair_node())
    worker, opened = listening(reader)
    reader.click("reportButton")
    reader.wait(lambda: worker.jobs)
    answer(worker, "failed", code="disk-full", message="the disk is full", remedy="")
    assert "disk" in reader.ui("noteMessage").text
    (Path(exam.resultFolder) / "result.json").unlink()
    reader.click("reportButton")
    reader.host.process_events()
    assert "Click Segment" in reader.ui("noteMessage").text
    assert len(worker.jobs) == 1
    assert opened == []


def test_the_report_of_one_exam_is_not_opened_over_another(reader):
    reader.segment_made(flair_node())
    worker, opened = listening(reader)
    reader.click("reportButton")
    reader.wait(lambda: worker.jobs)
    reader.choose(flair_node("another", (-25.0, -15.0, -10.0)), "Bert")
    answer(worker, "result", path="report.html", summary={})
    assert opened == []
    assert not reader.ui("noteMessage").visible


def draw_lesion(reader) -> None:
    """A lesion apart from the model's, as a stroke leaves it."""
    presenter = reader.review.presenter
    lesion = presenter.labels == 1
    lesion[10, 25, 6:10] = True
    presenter.take_edits(lesion, np.zeros_like(lesion))


def test_the_place_of_a_painted_lesion_is_asked_for_once_and_shown(reader):
    exam = reader.segment_made(flair_node())
    worker, opened = listening(reader)
    (Path(exam.resultFolder) / "region_probabilities.nii.gz").touch()
    draw_lesion(reader)
    reader.wait(lambda: worker.jobs)
    (row,) = [row for row in reader.view.rows if row.origin == "drawn"]
    spec = worker.jobs[0]["spec"]
    assert worker.jobs[0]["kind"] == "report"
    assert "out" not in spec, "no page was asked for"
    assert Path(spec["labels"]).is_file()
    place = {"voxels": row.voxels, "region": "infratentorial", "ventricle_distance_mm": 12.0}
    place |= {"cortex_distance_mm": None, "membership": {"periventricular": 0.0, "juxtacortical": 0.0}}
    place["membership"]["infratentorial"] = 1.0
    answer(worker, "result", path="result", summary={"places": [place, {"voxels": "of another version"}]})
    (row,) = [row for row in reader.view.rows if row.origin == "drawn"]
    assert (row.place.region, row.place.ventricle_distance_mm) == ("infratentorial", 12.0)
    assert "infratentorial 1" in reader.view.regions_text
    reader.host.process_events()
    assert (len(worker.jobs), opened) == (1, [])


def test_without_kept_regions_the_worker_is_not_asked_where_a_painted_lesion_lies(reader):
    reader.segment_made(flair_node())
    worker, _opened = listening(reader)
    draw_lesion(reader)
    reader.host.process_events()
    assert any(row.origin == "drawn" for row in reader.view.rows)
    assert worker.jobs == []


def paint_onto(reader, number: int) -> np.ndarray:
    """A lesion of the model grows by a layer of voxels along one axis; all its voxels, sorted."""
    presenter = reader.review.presenter
    voxels = presenter._work.instances.voxels_of(number)
    grown = np.union1d(voxels, voxels + 1)
    lesion = presenter.labels == 1
    lesion.reshape(-1)[grown] = True
    presenter.take_edits(lesion, np.zeros_like(lesion))
    return grown


def test_a_lesion_of_the_model_that_was_painted_onto_is_asked_for_and_shows_its_place(reader):
    from MSSoftSegLib.lesion.live.voxel_set import compute_voxel_digest

    exam = reader.segment_made(flair_node())
    worker, _opened = listening(reader)
    (Path(exam.resultFolder) / "region_probabilities.nii.gz").touch()
    reader.click_row(0)
    reader.host.process_events()
    assert worker.jobs == [], "nothing was changed"
    number = reader.view.selected
    grown = paint_onto(reader, number)
    reader.wait(lambda: worker.jobs)
    assert reader.view.row_of(number).voxels == compute_voxel_digest(grown)
    membership = {"periventricular": 0.0, "juxtacortical": 0.9, "infratentorial": 0.0}
    place = {"voxels": compute_voxel_digest(grown), "region": "juxtacortical", "membership": membership}
    place |= {"ventricle_distance_mm": 21.0, "cortex_distance_mm": 0.0}
    answer(worker, "result", path="result", summary={"places": [place]})
    assert reader.view.row_of(number).place.region == "juxtacortical"
    table = reader.ui("lesionTable")
    shown = [table.item(row, column).text() for row in range(table.rowCount) for column in range(table.columnCount)]
    assert "juxtacortical" in shown
    reader.click("undoButton")
    assert reader.view.row_of(number).place.region != "juxtacortical"
    reader.host.process_events()
    assert len(worker.jobs) == 1, "what the run found is known"


def test_a_lesion_outside_of_the_brain_has_no_answer_and_is_asked_for_once(reader):
    exam = reader.segment_made(flair_node())
    worker, _opened = listening(reader)
    (Path(exam.resultFolder) / "region_probabilities.nii.gz").touch()
    draw_lesion(reader)
    reader.wait(lambda: worker.jobs)
    answer(worker, "result", path="result", summary={"places": []})
    reader.click_row(len(reader.view.rows) - 1)
    reader.click("rejectButton")
    reader.host.process_events()
    assert len(worker.jobs) == 1
