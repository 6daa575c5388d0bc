"""What the reader corrected is what is compared, of both visits; and of a series she chooses which two visits she sees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from MSSoftSegLib.result_files import CHANGE_REVIEW_FILE
from Testing.MSSoftSeg.prior.test_in_host import backgrounds, click_row, decisions, table, visit_of, wait_for_views
from Testing.MSSoftSeg.stand_ins.made_comparisons import MOVED_MM, NEXT_PAIR, PAIR, write_three_visits
from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, maps_of, matrix_of, visit, write_result


@pytest.fixture
def reader(host):
    """A radiologist with an empty scene."""
    with visit(host) as someone:
        someone.workbench.prior.presenter._worker = someone.worker
        yield someone


def reviewed(reader, folder, name="Anna", origin=(-20.0, -15.0, -10.0)):
    """An exam whose result is under review."""
    exam = visit_of(reader, write_result(folder / "result"), name=name, origin=origin)
    reader.workbench.showResult(Path(exam.resultFolder))
    reader.wait(lambda: reader.workbench.review.exam is not None, "the review")
    return exam


def compare(reader) -> list[dict]:
    """The masks of the job that a click starts."""
    reader.open_section("prior")
    count = len(reader.worker.jobs)
    reader.click("comparePriorButton")
    reader.wait(lambda: len(reader.worker.jobs) > count, "the comparison")
    return reader.worker.jobs[-1]["spec"]["masks"]


def lesions_of(path) -> np.ndarray:
    from MSSoftSegGUI.scene.volume_files import read_volume

    array, matrix = read_volume(Path(path))
    assert np.allclose(matrix, matrix_of())
    return array


def test_an_untouched_result_is_the_models_and_a_rejected_lesion_is_gone_from_what_is_compared(reader, tmp_path):
    reviewed(reader, tmp_path)
    reader.workbench.prior.presenter.pick_folder(tmp_path / "2019")
    assert compare(reader) == [{"mask": "auto"}, {"mask": "model"}]
    reader.click("comparePriorButton")
    reader.worker.tell("cancelled")
    review = reader.workbench.review.presenter
    review.select(2)
    review.reject()
    prior, today = compare(reader)
    assert prior == {"mask": "auto"}
    labels = lesions_of(today["mask"])
    # Which of the two cubes has which number is the review's to say; one of them is left.
    assert labels.shape == SHAPE_KJI
    assert np.count_nonzero(labels == 1) == 27
    assert (maps_of()[0][labels == 1] >= 0.5).all()


def test_a_prior_in_the_scene_is_compared_as_it_was_corrected_there(reader, tmp_path):
    reviewed(reader, tmp_path / "prior", name="Before", origin=(-20.0, -15.0, -10.0))
    review = reader.workbench.review.presenter
    review.select(1)
    review.accept()
    reviewed(reader, tmp_path / "today", name="Today", origin=(-20.0, -15.0, -9.0))
    prior, today = compare(reader)
    assert today == {"mask": "model"}
    assert np.count_nonzero(lesions_of(prior["mask"]) == 1) == 54


def test_what_the_library_keeps_as_approved_counts_where_nothing_was_corrected_since(reader, tmp_path):
    exam = reviewed(reader, tmp_path)
    from MSSoftSegGUI.scene.volume_files import write_volume

    kept = tmp_path / "sub-P1_desc-anna_dseg.nii.gz"
    labels = np.zeros(SHAPE_KJI, np.uint8)
    labels[5, 8, 10:14] = 1
    # The library has the voxels from right to left.
    turned = matrix_of() @ np.diag([-1.0, 1.0, 1.0, 1.0])
    turned[:3, 3] = (matrix_of() @ [SHAPE_KJI[2] - 1, 0, 0, 1])[:3]
    write_volume(labels[:, :, ::-1], turned, kept)
    masks = {"anna": {"path": str(kept), "sha256": "", "notes": ""}}
    exam.curation = json.dumps(
        {"patient": "P1", "case": "sub-P1", "library": "L", "status": "approved", "masks": masks}
    )
    reader.workbench.prior.presenter.pick_folder(tmp_path / "2019")
    today = compare(reader)[1]
    assert today["rater"] == "anna"
    assert np.array_equal(lesions_of(today["mask"]), labels)


def test_of_a_series_the_reader_chooses_which_two_visits_she_sees(reader, tmp_path, monkeypatch):
    exam = visit_of(reader, write_result(tmp_path / "today" / "result"))
    folder = write_three_visits(tmp_path / "series")
    reader.open_section("prior")
    reader.workbench.prior.presenter.pick_folder(folder)
    wait_for_views(reader)
    combo = reader.ui("changePairCombo")
    assert combo.visible
    assert [combo.itemText(n) for n in range(combo.count)] == ["visit 1 → visit 2", "visit 2 → visit 3"]
    assert (combo.currentData, [row[1] for row in table(reader)]) == (NEXT_PAIR, ["resolved", "stable"])
    combo.currentIndex = 0
    combo.activated(0)
    wait_for_views(reader)
    assert [row[1] for row in table(reader)] == ["new"]
    assert "Visit between" in backgrounds().values()
    assert exam.comparison == str(folder)
    click_row(reader, 0)
    reader.click("acceptChangeButton")
    assert decisions(reader) == ["accepted"]
    said = json.loads((folder / CHANGE_REVIEW_FILE).read_text())["decisions"]
    assert set(said) == {PAIR}
    combo.currentIndex = 1
    combo.activated(1)
    wait_for_views(reader)
    assert decisions(reader) == ["", ""]


def test_an_earlier_pair_lies_where_todays_images_lie(host, tmp_path):
    from MSSoftSegGUI.prior.comparison import read_comparison
    from MSSoftSegGUI.prior.comparison_scene import find_way_to_today

    folder = write_three_visits(tmp_path / "series")
    # To the visit between by (1, 0, 2), from it to the second space between by (4, −1, 0), and on to today.
    way = find_way_to_today(read_comparison(folder, PAIR))
    assert way[:3, 3] == pytest.approx(np.add((5.0, -1.0, 2.0), MOVED_MM))
    assert find_way_to_today(read_comparison(folder))[:3, 3] == pytest.approx(MOVED_MM)
