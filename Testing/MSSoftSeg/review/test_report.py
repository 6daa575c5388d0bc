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
