"""A stack of slices averages what lies under its profile, and the label is averaged as FLAIR is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.slices import Slices, draw_protocol, interpolate_slices, slice_image

STACKS = st.builds(
    Slices, st.integers(0, 2), st.floats(1.3, 8.0), st.floats(0.65, 1.05), st.floats(0.0, 1.0, exclude_max=True)
)


@given(STACKS)
def test_a_constant_image_stays_constant(stack):
    image = torch.full((40, 36, 44), 1.7)
    again = interpolate_slices(slice_image(image, stack), stack, (40, 36, 44))
    assert again.shape == image.shape
    assert torch.allclose(again, image, atol=1e-4)


@given(STACKS)
def test_a_label_between_nothing_and_all_stays_there_and_keeps_its_volume_roughly(stack):
    label = torch.zeros(48, 48, 48)
    label[12:36, 12:36, 12:36] = 1.0
    again = interpolate_slices(slice_image(label, stack), stack, (48, 48, 48))
    assert float(again.min()) >= 0
    assert float(again.max()) <= 1 + 1e-5
    assert float(again.sum()) == pytest.approx(float(label.sum()), rel=0.25)


def test_a_thin_plate_in_the_gap_between_slices_is_hardly_seen():
    stack = Slices(axis=0, spacing=8.0, profile=0.65, offset=0.5)
    plate = torch.zeros(96, 8, 8)
    plate[8] = 1.0
    assert float(slice_image(plate, stack).max()) < 0.02
    plate = torch.zeros(96, 8, 8)
    plate[12] = 1.0
    assert float(slice_image(plate, stack).max()) > 0.1


def test_clinical_exams_have_thick_axial_flair():
    protocols = [draw_protocol(Draws(np.random.default_rng(seed))) for seed in range(60)]
    thick = [p[Modality.FLAIR] for p in protocols if p[Modality.FLAIR] is not None and p[Modality.FLAIR].spacing > 4]
    assert 8 < len(thick) < 45
    assert {stack.axis for stack in thick} == {0}
    assert any(p[Modality.FLAIR] is None for p in protocols)
