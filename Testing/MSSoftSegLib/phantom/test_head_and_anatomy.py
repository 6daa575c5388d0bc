"""The head has the layers of a head in their order, and the brain the proportions of a brain."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.phantom.anatomy import Anatomy, draw_anatomy
from MSSoftSegLib.phantom.digital_patient import DigitalPatient
from MSSoftSegLib.phantom.frame import Frame
from MSSoftSegLib.phantom.tissues import Tissue

BRAIN = (Tissue.CSF, Tissue.GRAY, Tissue.WHITE)


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    return draw_anatomy(2.0, rng=np.random.default_rng(4))


def test_fractions_are_fractions_and_sum_to_the_brain(anatomy: Anatomy) -> None:
    for part in (anatomy.csf, anatomy.gray, anatomy.white, anatomy.ventricles):
        assert part.min() >= 0
        assert part.max() <= 1 + 1e-5
    assert anatomy.brain.max() <= 1 + 1e-5
    assert np.all(anatomy.ventricles <= anatomy.csf)


def test_a_brain_has_the_volumes_of_a_brain(anatomy: Anatomy) -> None:
    ml = anatomy.frame.grid.voxel_volume_mm3 / 1000
    assert 1150 < anatomy.brain.sum() * ml < 1750
    assert 380 < anatomy.white.sum() * ml < 700
    assert 8 < anatomy.ventricles.sum() * ml < 60


def test_no_brain_is_its_own_mirror_image(anatomy: Anatomy) -> None:
    difference = np.abs(anatomy.white - anatomy.white[:, :, ::-1]).mean() / anatomy.white.mean()
    assert difference > 0.15


def test_most_voxels_are_one_tissue_although_the_template_is_blurred(anatomy: Anatomy) -> None:
    inside = anatomy.brain > 0.99
    purest = np.maximum(np.maximum(anatomy.csf, anatomy.gray), anatomy.white)[inside]
    assert np.mean(purest > 0.8) > 0.7


def test_the_brain_window_lies_on_voxels_of_the_head() -> None:
    for spacing in (1.0, 2.0):
        brain, head = Frame.brain(spacing), Frame.head(spacing)
        for inner, outer in zip(brain.coordinates_mm(), head.coordinates_mm(), strict=True):
            assert np.isin(inner.ravel(), outer.ravel()).all()
        window = brain.window_in(head)
        assert np.array_equal(head.coordinates_mm()[0].ravel()[window[2]], brain.coordinates_mm()[0].ravel())


@pytest.mark.parametrize(("axis", "step"), [(0, 1), (1, 1), (2, 1), (2, -1)], ids=["up", "back", "left", "right"])
def test_going_outwards_the_layers_come_in_the_order_of_a_head(patient: DigitalPatient, axis: int, step: int) -> None:
    image = patient.patient_tissues
    labels = voxels(image)
    start = [int(i) for i in image.TransformPhysicalPointToIndex((14.0 if axis == 0 else 0.0, 0.0, 10.0))][::-1]
    ray = labels[tuple(slice(start[a], None, step) if a == axis else start[a] for a in range(3))]
    first = {tissue: int(np.argmax(ray == tissue)) for tissue in (Tissue.BONE, Tissue.SKIN, Tissue.AIR)}
    assert all(ray[at] == tissue for tissue, at in first.items())
    last_brain = int(np.flatnonzero(np.isin(ray, BRAIN))[-1])
    assert last_brain < first[Tissue.BONE] < first[Tissue.SKIN] < first[Tissue.AIR]
    # From dura to air, skull and scalp measure 6 to 40 mm.
    assert 6 <= (first[Tissue.AIR] - last_brain) * 2.0 <= 40


def test_eyes_lie_in_front_and_below_on_both_sides(patient: DigitalPatient) -> None:
    image = patient.patient_tissues
    at = np.argwhere(voxels(image) == Tissue.VITREOUS)[:, ::-1]
    points = at * np.asarray(image.GetSpacing()) + np.asarray(image.GetOrigin())
    assert (points[:, 1] < -50).all()
    assert (points[:, 2] < -20).all()
    assert min((points[:, 0] > 20).sum(), (points[:, 0] < -20).sum()) > 200
