"""The smallest lesion beside the threshold, Previous, and the line that says the keys."""

from __future__ import annotations

import re

import pytest

from Testing.MSSoftSeg.stand_ins.made_results import CENTERS, flair_node


def test_the_slider_of_the_smallest_lesion_acts_on_mask_and_table_and_is_saved_with_the_scene(reader, tmp_path):
    import slicer

    exam = reader.segment_made(flair_node())
    slider = reader.ui("minSizeSlider")
    assert slider.value == pytest.approx(3.0)
    # Each made lesion has 54 mm³.
    slider.value = 54.0
    assert reader.view.count == len(CENTERS)
    slider.value = 60.0
    assert reader.view.count == 0
    assert not reader.masks()[0].any()
    assert exam.minLesionMm3 == pytest.approx(60.0)
    path = str(tmp_path / "visit.mrb")
    assert slicer.util.saveScene(path)
    reader.host.close_scene()
    slicer.util.loadScene(path)
    reader.wait(lambda: reader.review.exam is not None)
    assert slider.value == pytest.approx(60.0)
    assert reader.view.count == 0
    reader.click("modelThresholdButton")
    assert (slider.value, reader.view.count) == (pytest.approx(3.0), len(CENTERS))


def test_previous_goes_back_and_every_key_that_acts_is_told(reader):
    from MSSoftSegGUI.review.panel import HIDE_KEY, KEYS, RADIUS_KEYS

    reader.segment_made(flair_node())
    reader.click("nextButton")
    first = reader.view.selected
    reader.click("nextButton")
    assert reader.view.selected != first
    reader.click("previousButton")
    assert reader.view.selected == first
    told = set(re.findall(r"\b[A-Z]\b", reader.ui("keysLabel").text))
    # Z is the same as U, for hands that know it from elsewhere.
    assert told == {*KEYS, HIDE_KEY, *RADIUS_KEYS} - {"Z"}
