"""Lesions lie in white matter, in the number, load and side that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.phantom.anatomy import Anatomy, draw_anatomy
from MSSoftSegLib.phantom.hard_negatives import draw_hard_negatives
from MSSoftSegLib.phantom.lesions import LARGEST_MM3, LesionMaps, LesionSettings, Side, Zone, draw_lesions

VOXEL_MM3 = 8.0


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    return draw_anatomy(2.0, rng=np.random.default_rng(4))


@pytest.fixture(scope="module")
def lesions(anatomy: Anatomy) -> LesionMaps:
    return draw_lesions(anatomy, LesionSettings(), rng=np.random.default_rng(5))


def test_no_voxel_is_more_lesion_than_it_is_white_matter(anatomy: Anatomy, lesions: LesionMaps) -> None:
    assert lesions.fraction.max() > 0.95
    assert np.all(lesions.fraction >= 0)
    assert np.all(lesions.fraction <= anatomy.white + 1e-6)
    assert lesions.fraction[anatomy.ventricles > 0.9].max() < 0.1


def test_borders_are_soft(lesions: LesionMaps) -> None:
    touched = lesions.fraction > 0
    between = touched & (lesions.fraction > 0.05) & (lesions.fraction < 0.95)
    assert between.sum() > 0.2 * touched.sum()


def test_number_and_load_are_those_of_a_patient(lesions: LesionMaps) -> None:
    assert 20 <= len(lesions.lesions) <= 45
    total_ml = lesions.fraction.sum() * VOXEL_MM3 / 1000
    assert 5 <= total_ml <= 20
    assert max(lesion.volume_mm3 for lesion in lesions.lesions) <= 1.1 * LARGEST_MM3
    assert {lesion.place for lesion in lesions.lesions} >= {Zone.PERIVENTRICULAR, Zone.DEEP, Zone.JUXTACORTICAL}


def test_number_and_load_can_be_asked_for(anatomy: Anatomy) -> None:
    few = draw_lesions(anatomy, LesionSettings(count=6, total_ml=3.0), rng=np.random.default_rng(1))
    assert len(few.lesions) == 6
    assert few.fraction.sum() * VOXEL_MM3 / 1000 == pytest.approx(3.0, rel=0.15)
    none = draw_lesions(anatomy, LesionSettings(count=0), rng=np.random.default_rng(1))
    assert none.lesions == ()
    assert none.fraction.max() == 0


def test_periventricular_lesions_lie_nearer_the_ventricles_than_juxtacortical_ones(
    anatomy: Anatomy, lesions: LesionMaps
) -> None:
    points = np.stack([c.ravel() for c in np.broadcast_arrays(*anatomy.frame.coordinates_mm())], axis=1)
    wall = points[anatomy.ventricles.ravel() > 0.5]

    def distances_mm(place: Zone) -> list[float]:
        centers = [lesion.center_mm for lesion in lesions.lesions if lesion.place is place]
        return [float(np.linalg.norm(wall - center, axis=1).min()) for center in centers]

    assert max(distances_mm(Zone.PERIVENTRICULAR)) < 9
    assert min(distances_mm(Zone.JUXTACORTICAL)) > 12


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_one_sided_lesions_stay_on_their_side(anatomy: Anatomy, side: Side, sign: int) -> None:
    maps = draw_lesions(anatomy, LesionSettings(side=side), rng=np.random.default_rng(2))
    x = np.broadcast_to(anatomy.frame.coordinates_mm()[0], maps.fraction.shape)
    assert maps.fraction.max() > 0.9
    assert (sign * x[maps.fraction > 0]).min() > 0


def test_what_looks_like_lesion_is_where_no_lesion_is(anatomy: Anatomy, lesions: LesionMaps) -> None:
    negatives = draw_hard_negatives(anatomy, lesions.fraction, rng=np.random.default_rng(6))
    strongest = negatives.strongest()
    assert strongest[lesions.fraction > 0].max() == 0
    assert strongest.max() <= 1
    for name in ("caps", "rim", "dirty", "perivascular", "vessels", "plexus", "flow"):
        assert getattr(negatives, name).max() > 0.1, name
    # Each kind in its own tissue.
    assert negatives.caps[anatomy.white < 0.01].max() < 0.01
    assert negatives.plexus[anatomy.ventricles < 0.01].max() < 0.01
    assert negatives.vessels[anatomy.csf < 0.01].max() < 0.01
