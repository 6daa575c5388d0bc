"""Image files with flipped bits and cut ends: read, or refused in our words; never a crash, never a foreign exception.

Sixty files in ``make test``; six thousand in ``make campaigns``.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.image_file import read_image
from Testing.campaigns.record import CAMPAIGN, record

FILES_PER_FORMAT = 1500 if CAMPAIGN else 15


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    made = sitk.GetImageFromArray(rng.normal(100, 20, (9, 10, 11)).astype(np.float32))
    made.SetSpacing((1.0, 2.0, 3.0))
    return made


def read_or_refused(path):
    """Whether the file was refused, by its name alone; what is read instead is a finite volume."""
    refusal = None
    try:
        read = read_image(path)
    except RequestError as problem:
        refusal = problem
    if refusal is None:
        assert read.GetDimension() == 3
        assert np.isfinite(sitk.GetArrayViewFromImage(read)).all()
        return False
    assert path.name in refusal.message
    assert str(path.parent) not in str(refusal)
    return True


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path, image, suffix):
    sound = tmp_path / f"sound{suffix}"
    sitk.WriteImage(image, str(sound), useCompression=suffix == ".nrrd")
    original = sound.read_bytes()
    rng = random.Random(suffix)
    refused = 0
    for number in range(FILES_PER_FORMAT):
        raw = bytearray(original)
        for _ in range(rng.randint(1, 8)):
            # Headers are where the trouble is: three of four flips hit the first 400 bytes.
            place = rng.randrange(min(400, len(raw)) if rng.random() < 0.75 else len(raw))
            raw[place] ^= 1 << rng.randrange(8)
        if rng.random() < 0.2:
            del raw[rng.randrange(len(raw)) :]
        path = tmp_path / f"fuzzed{number}{suffix}"
        path.write_bytes(raw)
        refused += read_or_refused(path)
        path.unlink()
    assert refused > 0
    record(f"fuzzed {suffix}", {"files": FILES_PER_FORMAT, "refused": refused, "read": FILES_PER_FORMAT - refused})
