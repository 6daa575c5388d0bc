"""What looks like lesion looks so on the contrasts on which it does, and not on the others."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.phantom.anatomy import draw_anatomy
from MSSoftSegLib.phantom.appearance import Body, draw_contrast, tissue_map
from MSSoftSegLib.phantom.contrasts import typical_intensities
from MSSoftSegLib.phantom.frame import Frame
from MSSoftSegLib.phantom.hard_negatives import draw_hard_negatives
from MSSoftSegLib.phantom.lesions import LesionSettings, draw_lesions
from MSSoftSegLib.phantom.tissues import Tissue


@pytest.fixture(scope="module")
def body() -> Body:
    anatomy = draw_anatomy(2.0, rng=np.random.default_rng(4))
    lesions = draw_lesions(anatomy, LesionSettings(), rng=np.random.default_rng(5))
    negatives = draw_hard_negatives(anatomy, lesions.fraction, rng=np.random.default_rng(6))
    frame = Frame.head(2.0)
    return Body(anatomy, lesions, negatives, frame, np.zeros(frame.shape, dtype=np.uint8))


@pytest.fixture(scope="module")
def brain(body: Body) -> dict[Modality, np.ndarray]:
    """The brain's window on each contrast."""
    window = body.anatomy.frame.window_in(body.head_frame)
    return {
        modality: draw_contrast(body, modality, typical_intensities(modality), rng=np.random.default_rng(7))[window]
        for modality in MODALITIES
    }


def medians(body: Body, image: np.ndarray) -> dict[str, float]:
    """Median of clean white matter, of caps, of flowing fluid, of still fluid, and of lesion."""
    negatives, anatomy = body.negatives, body.anatomy
    clean = (negatives.strongest() < 0.05) & (body.lesions.fraction == 0)
    regions = {
        "white": (anatomy.white > 0.95) & clean,
        "caps": (anatomy.white > 0.8) & (negatives.caps > 0.5),
        "flow": (anatomy.csf > 0.9) & (negatives.flow > 0.35),
        "vessel": (anatomy.csf > 0.9) & (negatives.vessels > 0.6),
        "fluid": (anatomy.csf > 0.95) & clean,
        "lesion": body.lesions.fraction > 0.95,
    }
    assert all(region.sum() >= 8 for region in regions.values()), {k: int(r.sum()) for k, r in regions.items()}
    return {name: float(np.median(image[region])) for name, region in regions.items()}


def test_caps_lie_between_white_matter_and_lesions_on_flair(body: Body, brain: dict[Modality, np.ndarray]) -> None:
    median = medians(body, brain[Modality.FLAIR])
    assert 1.05 * median["white"] < median["caps"] < 0.95 * median["lesion"]


def test_flow_is_bright_in_suppressed_fluid_and_dark_in_bright_fluid(
    body: Body, brain: dict[Modality, np.ndarray]
) -> None:
    flair, t2 = medians(body, brain[Modality.FLAIR]), medians(body, brain[Modality.T2])
    assert flair["flow"] > 1.3 * flair["fluid"]
    assert t2["flow"] < t2["fluid"]


def test_vessels_are_flow_voids_on_t2(body: Body, brain: dict[Modality, np.ndarray]) -> None:
    median = medians(body, brain[Modality.T2])
    assert median["vessel"] < 0.7 * median["fluid"]


def test_the_tissue_map_names_the_largest_fraction(body: Body) -> None:
    labels = tissue_map(body)[body.anatomy.frame.window_in(body.head_frame)]
    for tissue, fraction in ((Tissue.CSF, "csf"), (Tissue.GRAY, "gray"), (Tissue.WHITE, "white")):
        assert set(labels[getattr(body.anatomy, fraction) > 0.6]) == {tissue}
    assert set(labels[body.anatomy.brain < 0.4]) == {Tissue.AIR}
