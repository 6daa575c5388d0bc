"""The report after correction: whose it is, how far she came, and the numbers of the corrected mask."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.errors import GridMismatch, MSSoftSegError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.jobs.documents.report import ReportJob, ReportSpec
from MSSoftSegLib.jobs.segment.reviewed_report import run_report
from MSSoftSegLib.report.lesion_table import write_lesions_csv
from Testing.MSSoftSegLib.report.made_up import LPS, block, grid_around_origin, head, result_of, segmentation_of
from Testing.MSSoftSegLib.report.test_html import Page

GRID = grid_around_origin(LPS, (5.0, 5.0, 6.0))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A result folder of two lesions, its reference beside it."""
    folder = tmp_path_factory.mktemp("result")
    found = segmentation_of(GRID, block(GRID, (20, 0, 0), 22), block(GRID, (-25, 10, 10), 14))
    for name, image in (("probability", found.maps.probability), ("entropy", found.maps.entropy)):
        write_image(image, folder / f"lesion_{name}.nii.gz")
    write_lesions_csv(folder / "lesions.csv", found.lesions)
    (folder / "result.json").write_text(result_of(found).model_dump_json(), encoding="utf-8")
    write_image(head(GRID, voxels(found.mask) > 0), folder / "FLAIR.nii.gz")
    return folder, found


def write_report(result, tmp_path, labels, **changes) -> Page:
    folder, found = result
    write_image(found.mask if labels is None else GRID.image(labels), tmp_path / "labels.nii.gz")
    given = {"threshold": 0.4, "min_lesion_mm3": 0.0, "decided": 1, "lesions": 2, **changes}
    reference = folder / "FLAIR.nii.gz"
    spec = ReportSpec(
        result=folder, reference=reference, labels=tmp_path / "labels.nii.gz", out=tmp_path / "r.html", **given
    )
    events = []
    run_report(ReportJob(job="r", kind="report", spec=spec), events.append, lambda: False)
    assert events[-1]["event"] == "result"
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["labels.nii.gz", "r.html"]
    return Page((tmp_path / "r.html").read_text(encoding="utf-8"))


def test_it_says_who_reviewed_how_many_and_counts_what_is_left(result, tmp_path):
    labels = voxels(result[1].instances) == 1
    page = write_report(result, tmp_path, labels.astype(np.uint8), reviewer="Dr. <b>Anna</b>")
    assert "Reviewed by Dr. <b>Anna</b>, 1 of 2 lesions decided" in page.text
    assert "<b>Anna" not in page.source, "a name is text, not markup"
    ml = labels.sum() * 150 / 1000
    assert f"Lesions 1 as corrected Lesion volume {ml:.2f} ml as corrected" in page.text
    assert "Not found: the lesions were corrected since places were last counted" in page.text
    assert "Lesions that were not decided on are a model’s suggestion" in page.text


def test_a_complete_review_asks_for_no_further_confirmation(result, tmp_path):
    page = write_report(result, tmp_path, None, decided=2)
    assert "Reviewed by a reader who gave no name, 2 of 2 lesions decided" in page.text
    assert "suggestion" not in page.text
    assert "Research use only" in page.text


def test_a_drawn_lesion_is_listed_as_drawn(result, tmp_path):
    labels = voxels(result[1].mask).copy()
    labels[14:16, 20:22, 14:16] = 1
    page = write_report(result, tmp_path, labels)
    assert sum("drawn by hand" in cell for cell in page.cells) == 1


def test_nothing_left_is_a_report_too(result, tmp_path):
    page = write_report(result, tmp_path, np.zeros(GRID.size[::-1], np.uint8), decided=2)
    assert "No lesion in the corrected segmentation" in page.text


def test_a_correction_on_another_grid_and_more_decided_than_there_are_is_refused(result, tmp_path):
    other = grid_around_origin(LPS, (6.0, 5.0, 6.0))
    write_image(other.image(np.ones(other.size[::-1], np.uint8)), tmp_path / "other.nii.gz")
    folder, _found = result
    given = {"result": folder, "reference": folder / "FLAIR.nii.gz", "threshold": 0.4, "min_lesion_mm3": 0.0}
    spec = ReportSpec(labels=tmp_path / "other.nii.gz", decided=0, lesions=2, out=tmp_path / "r.html", **given)
    with pytest.raises(GridMismatch):
        run_report(ReportJob(job="r", kind="report", spec=spec), lambda _event: None, lambda: False)
    with pytest.raises(MSSoftSegError, match=r"result\.json"):
        run_report(
            ReportJob(job="r", kind="report", spec=spec.model_copy(update={"result": tmp_path})),
            lambda _e: None,
            lambda: False,
        )
    assert not (tmp_path / "r.html").exists()
    with pytest.raises(ValueError, match="cannot be decided"):
        ReportSpec(labels=tmp_path / "other.nii.gz", decided=3, lesions=2, out=tmp_path / "r.html", **given)
