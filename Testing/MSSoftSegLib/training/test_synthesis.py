"""Synthetic patients: replayable, with the right tissue order, labels that are soft and where the lesions are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import ndimage

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.preprocessing.normalization import normalize
from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.contrasts import draw_tissue_values
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import blur
from MSSoftSegLib.training.synthesis.generator import draw_patient, normalize_tensor
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank
from MSSoftSegLib.training.synthesis.placement import place
from Testing.MSSoftSegLib.training.tiny_data import write_tiny_data

SHAPE = (48, 64, 48)


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    data = write_tiny_data(tmp_path_factory.mktemp("data"))
    return load_anatomy_bank(data)[1:], load_lesion_bank(data, without=["patient03"]), data


def draw(banks, seed):
    return draw_patient(banks[0], banks[1], SHAPE, rng=np.random.default_rng(seed))


def test_a_seed_replays_a_patient_and_another_seed_does_not(banks):
    first, again, other = draw(banks, 1), draw(banks, 1), draw(banks, 2)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.label, again.label)
    assert first.draws == again.draws
    assert not torch.equal(first.images, other.images)


def test_every_parameter_is_written_down_by_name(banks):
    drawn = draw(banks, 3).draws
    for name in ("anatomy", "place.size", "lesions.level", "look.flair.gray", "scan.flair.noise", "brain_mask.level"):
        assert name in drawn
    assert drawn == json.loads(json.dumps(drawn)), "what is written beside a patient says the same"


def test_a_name_is_drawn_only_once():
    draws = Draws(np.random.default_rng(0))
    draws.within("scan").uniform("noise", 0, 1)
    with pytest.raises(KeyError, match=r"scan\.noise"):
        draws.within("scan").chance("noise", 0.5)


def test_own_lesions_lie_in_own_white_matter(tmp_path):
    """Lesions of the anatomy's own patient come through the same pose: here they were drawn within white matter only."""
    data = write_tiny_data(tmp_path)
    anatomy = load_anatomy_bank(data)[1]
    lesions = [shape for shape in load_lesion_bank(data, without=[]) if shape.patient == anatomy.name]
    found = 0
    for seed in range(20):
        draws = Draws(np.random.default_rng(seed))
        placed = place(anatomy, lesions, SHAPE, draws)
        if not draws.record["own_lesions"]:
            continue
        inside = placed.lesion_labels[0] > 0
        found += 1
        assert float(placed.tissues[2][inside].mean()) > 0.8
    assert found > 3


def test_whoever_is_left_out_is_left_out(banks):
    assert [shape.patient for shape in banks[1]] == ["patient01", "patient02"]


def test_an_empty_data_folder_is_refused(tmp_path):
    with pytest.raises(RequestError, match="no lesion masks"):
        load_lesion_bank(tmp_path, without=[])


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_order_of_tissues_holds_in_every_draw(modality):
    for seed in range(200):
        drawn = draw_tissue_values(modality, Draws(np.random.default_rng(seed)))
        if modality is Modality.T1:
            assert drawn.csf < drawn.gray < drawn.deep_gray < 1
            assert drawn.lesion < 1
        elif modality is Modality.T2:
            assert 1 < drawn.deep_gray < drawn.gray < drawn.lesion < drawn.csf
        else:
            assert drawn.csf < 1 < drawn.deep_gray < drawn.gray < drawn.lesion


def test_labels_are_soft_and_lesions_bright_on_flair(banks):
    differences, soft = [], 0
    for seed in range(6):
        patient = draw(banks, seed)
        label, flair = patient.label[0], patient.images[0]
        assert label.min() >= 0
        assert label.max() <= 1
        soft += int(((label > 0.05) & (label < 0.95)).sum())
        healthy = (label == 0) & (flair != 0)
        if (label > 0.9).sum() > 20:
            differences.append(float(flair[label > 0.9].mean() - flair[healthy].median()))
    assert soft > 0
    assert len(differences) >= 3
    # A thick slice can hide a small lesion behind fluid; most are bright.
    assert np.median(differences) > 1
    assert sum(difference > 0.3 for difference in differences) >= len(differences) - 1


def test_outside_the_brain_everything_is_exactly_zero_and_flair_is_never_missing(banks):
    missing = 0
    for seed in range(12):
        patient = draw(banks, seed)
        brain = patient.images[0] != 0
        assert brain.any()
        for channel in (1, 2):
            present = patient.images[channel] != 0
            # A brain voxel whose FLAIR is exactly the median is 0 as well.
            assert int((present & ~brain).sum()) < 5
            missing += not present.any()
        assert int((patient.label[0][~brain] > 0).sum()) < 5
    assert 0 < missing < 24, "T1 and T2 are withheld sometimes"


def test_training_normalizes_as_preprocessing_does():
    rng = np.random.default_rng(0)
    array = rng.gamma(2.0, 50.0, (9, 10, 11)).astype(np.float32)
    brain = np.zeros(array.shape, bool)
    brain[2:7, 2:8, 2:9] = True
    grid = Grid((11, 10, 9), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    theirs = voxels(normalize(grid.image(array), grid.image(brain.astype(np.uint8)), "median-iqr"))
    ours = normalize_tensor(torch.from_numpy(array), torch.from_numpy(brain)).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("sigma", [0.8, 1.4])
def test_a_narrow_blur_agrees_with_scipy(sigma):
    volume = np.zeros((40, 41, 42), np.float32)
    volume[12:26, 10:29, 13:27] = 1
    theirs = ndimage.gaussian_filter(volume, sigma, mode="constant")
    np.testing.assert_allclose(blur(torch.from_numpy(volume), sigma).numpy(), theirs, atol=0.01)


@pytest.mark.parametrize("sigma", [1.6, 2.0, 3.0, 4.5])
def test_a_wide_blur_keeps_the_sum_and_is_at_most_half_again_as_wide_as_asked(sigma):
    volume = np.zeros((64, 64, 64), np.float32)
    volume[30:34, 30:34, 30:34] = 1
    blurred = blur(torch.from_numpy(volume), sigma).numpy()
    assert blurred.sum() == pytest.approx(64, rel=0.02)
    profile = blurred.sum(axis=(1, 2)) / blurred.sum()
    variance = float((profile * (np.arange(64) - 31.5) ** 2).sum()) - 15 / 12  # of the block of four voxels
    assert sigma * 0.9 <= np.sqrt(variance) <= sigma * 1.5
