"""The picture of a validation case: which slice, which side is up, and that a training does not depend on it."""

from __future__ import annotations

import errno

import numpy as np
import pytest
from PIL import Image

from MSSoftSegLib.training.data.prepared_case import PreparedCase
from MSSoftSegLib.training.engine import validation_picture
from MSSoftSegLib.training.engine.validation_picture import draw_validation

SHAPE = (9, 40, 30)
# In front (small y) and on the patient's left (large x).
RATERS, MODEL = (86, 180, 233), (255, 159, 28)
LESION = np.s_[3:5, 8:12, 20:25]


@pytest.fixture
def case(tmp_path):
    images, brain = np.zeros((1, *SHAPE), np.float32), np.zeros(SHAPE, bool)
    brain[:, 4:36, 4:26] = True
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "brain.npy", brain)
    drawn_by(tmp_path, lesion())
    return PreparedCase("sub-01", "01", tmp_path, SHAPE, 1.0, 1.0, 0.1, 0.1, False, ("anna",))


def drawn_by(folder, mask: np.ndarray) -> None:
    np.save(folder / "rater-0.npy", mask.astype(np.float32))


def draw(path, case, predicted: np.ndarray) -> None:
    draw_validation(path, case, predicted, threshold=0.4, title="held-out case sub-01")


def lesion() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[LESION] = True
    return mask


def outlined(path, color: tuple[int, int, int], half: int) -> np.ndarray:
    """Relative places (row, column) of pixels of a color in one half of the picture."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    width = pixels.shape[1] // 2
    part = pixels[:, half * width : (half + 1) * width]
    near = np.abs(part - np.array(color)).sum(axis=2) < 60
    return np.argwhere(near) / np.array(part.shape[:2])


def test_raters_are_on_the_left_the_model_on_the_right_and_the_front_is_up(case, tmp_path):
    draw(tmp_path / "a.png", case, np.zeros(SHAPE, np.float32))
    drawn = outlined(tmp_path / "a.png", RATERS, 0)
    assert len(drawn) > 20
    found = outlined(tmp_path / "a.png", MODEL, 1)
    assert not len(found[found[:, 0] < 0.8]), "the model found nothing"
    # Below the middle stands whose it is.
    row, column = drawn[drawn[:, 0] < 0.8].mean(axis=0)
    assert row < 0.5 < column


def test_what_the_model_found_is_outlined_where_it_found_it(case, tmp_path):
    drawn_by(tmp_path, np.zeros(SHAPE, bool))
    draw(tmp_path / "a.png", case, lesion() * np.float32(0.45))
    found = outlined(tmp_path / "a.png", MODEL, 1)
    row, column = found[found[:, 0] < 0.8].mean(axis=0)
    assert row < 0.5 < column


def test_a_case_without_brain_or_lesion_has_a_picture_too(case, tmp_path):
    np.save(tmp_path / "brain.npy", np.zeros(SHAPE, bool))
    drawn_by(tmp_path, np.zeros(SHAPE, bool))
    draw(tmp_path / "a.png", case, np.zeros(SHAPE, np.float32))
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_no_training_ends_for_want_of_a_picture(case, tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(validation_picture, "write_whole", full)
    draw(tmp_path / "a.png", case, np.zeros(SHAPE, np.float32))
    assert "could not be written" in caplog.text
    assert not (tmp_path / "a.png").exists()
