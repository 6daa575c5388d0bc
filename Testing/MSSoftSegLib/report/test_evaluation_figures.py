"""The figures of an evaluation: what is drawn is what was measured, with units and n; what cannot be drawn is left out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from MSSoftSegLib.evaluation.case_metrics import measure_case
from MSSoftSegLib.evaluation.summary import MeasuredCase
from MSSoftSegLib.report import evaluation_figures
from MSSoftSegLib.report.evaluation_figures import draw_bland_altman, draw_dice_by_load, draw_figures
from Testing.MSSoftSegLib.evaluation.made_up_cases import SPACING_MM, made_up_case

ALL = {"bland_altman", "reliability", "precision_recall", "dice_by_lesion_load", "retention"}


def measured(seeds):
    cases = []
    for seed in seeds:
        case = made_up_case(seed)
        cases.append(MeasuredCase(f"c{seed}", f"p{seed}", (measure_case(*case.arrays, SPACING_MM),)))
    return cases


@pytest.fixture
def drawn(monkeypatch):
    """The figures themselves in place of their pixels."""
    monkeypatch.setattr(evaluation_figures, "render_png", lambda figure: figure)
    return draw_figures(measured(range(4)))


def test_five_figures_are_written_as_pictures_without_metadata():
    figures = draw_figures(measured(range(2)))
    assert set(figures) == ALL
    for png in figures.values():
        picture = Image.open(io.BytesIO(png))
        assert picture.size == (900, 660)
        assert "Software" not in picture.info
        assert np.asarray(picture.convert("L")).std() > 5


def test_every_axis_has_a_name_and_every_title_its_n(drawn):
    for figure in drawn.values():
        (axes,) = figure.axes
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert "n = 4 cases" in axes.get_title(loc="left")
    assert drawn["bland_altman"].axes[0].get_ylabel().endswith("(ml)")
    assert drawn["dice_by_lesion_load"].axes[0].get_xlabel().endswith("(ml)")


def points_of(axes):
    return axes.collections[0].get_offsets().data


def test_bland_altman_shows_each_difference_and_the_limits(monkeypatch):
    monkeypatch.setattr(evaluation_figures, "render_png", lambda figure: figure)
    axes = draw_bland_altman([10.0, 20.0, 30.0], [11.0, 19.0, 33.0]).axes[0]
    np.testing.assert_allclose(points_of(axes), [[10.5, 1.0], [19.5, -1.0], [31.5, 3.0]])
    levels = sorted(line.get_ydata()[0] for line in axes.lines)
    np.testing.assert_allclose(levels, [1 - 3.92, 0.0, 1.0, 1 + 3.92])


def test_dice_by_load_shows_the_cases_that_have_lesions_and_a_dice(monkeypatch):
    monkeypatch.setattr(evaluation_figures, "render_png", lambda figure: figure)
    axes = draw_dice_by_load([0.5, 0.0, 8.0, 3.0], [0.4, 0.0, 0.8, None]).axes[0]
    np.testing.assert_allclose(points_of(axes), [[0.5, 0.4], [8.0, 0.8]])
    assert "n = 2 cases" in axes.get_title(loc="left")


def test_the_retention_figure_starts_at_the_measured_dice_and_ends_at_one(drawn):
    mean = drawn["retention"].axes[0].lines[4]
    dsc = np.mean([case.raters[0].dsc for case in measured(range(4))])
    x, y = mean.get_data()
    assert y[np.argmin(x)] == pytest.approx(dsc)
    assert (x[np.argmax(x)], y[np.argmax(x)]) == (100.0, pytest.approx(1.0))


def test_reliability_is_drawn_for_the_brain_and_for_the_neighborhood(drawn):
    legend = " ".join(text.get_text() for text in drawn["reliability"].axes[0].get_legend().get_texts())
    assert "inside the brain" in legend
    assert "within 5 mm of lesions" in legend
    assert "ECE" in legend


def test_masks_alone_give_the_figures_of_masks():
    case = made_up_case(1)
    metrics = measure_case(case.truth, case.prediction, None, None, None, SPACING_MM)
    assert set(draw_figures([MeasuredCase("c", "c", (metrics,))])) == {"bland_altman", "dice_by_lesion_load"}


def test_two_empty_masks_give_no_figure_but_the_volumes():
    empty = np.zeros((4, 5, 6), np.float32)
    metrics = measure_case(empty, empty, empty, None, np.ones((4, 5, 6)), SPACING_MM)
    assert set(draw_figures([MeasuredCase("c", "c", (metrics,))])) == {"bland_altman", "reliability"}
