"""The cache of step results: found again, never trusted when damaged, private, limited."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.preprocessing.cache import StepCache, StepResult, find_cache_folder, step_key

from .small_heads import carried, motion

MOTION = motion(degrees=(3.1, -2.2, 17.3), shift_mm=(1 / 3, -2 / 7, 1e-7))


def image(fill: float = 1.0) -> sitk.Image:
    made = sitk.GetImageFromArray(np.arange(60, dtype=np.float32).reshape(3, 4, 5) * fill / 3)
    made.SetSpacing((0.719, 1.1, 3.3))
    return carried(made, MOTION)


RESULT = StepResult(images={"brain": image()}, transforms={"there": MOTION}, facts={"before": 0.1 + 0.2})


def test_what_was_stored_comes_back_to_the_last_bit(tmp_path):
    StepCache(tmp_path).store("a" * 64, RESULT)
    found = StepCache(tmp_path).load("a" * 64)
    assert np.array_equal(voxels(found.images["brain"]), voxels(image()))
    assert found.images["brain"].GetPixelID() == sitk.sitkFloat32
    stored, original = Grid.of(found.images["brain"]), Grid.of(image())
    assert np.allclose(stored.lps_from_voxel(), original.lps_from_voxel(), rtol=0, atol=1e-12)
    assert found.facts == {"before": 0.1 + 0.2}
    assert sitk.Euler3DTransform(found.transforms["there"]).GetParameters() == MOTION.GetParameters()


def test_an_unknown_name_is_not_found(tmp_path):
    assert StepCache(tmp_path / "absent").load("b" * 64) is None


@pytest.mark.parametrize(
    "other",
    [
        lambda: step_key("align", 1, {"x": 2}, [image()]),
        lambda: step_key("align", 2, {"x": 1}, [image()]),
        lambda: step_key("bias", 1, {"x": 1}, [image()]),
        lambda: step_key("align", 1, {"x": 1}, [image(2.0)]),
        lambda: step_key("align", 1, {"x": 1}, [carried(image(), MOTION)]),
        lambda: step_key("align", 1, {"x": 1}, [sitk.Cast(image(), sitk.sitkFloat64)]),
        lambda: step_key("align", 1, {"x": 1}, ["no image"]),
    ],
)
def test_any_other_input_has_another_name(other):
    name = step_key("align", 1, {"x": 1}, [image()])
    assert name == step_key("align", 1, {"x": 1}, [image()])
    assert other() != name


def test_fixed_and_moving_image_are_not_exchanged():
    a, b = image(), image(2.0)
    assert step_key("align", 1, {}, [a, b]) != step_key("align", 1, {}, [b, a])


@pytest.mark.parametrize("file_name", ["brain.mha", "there.tfm", "entry.json"])
@pytest.mark.parametrize("damage", ["altered", "shortened", "removed"])
def test_a_damaged_entry_is_thrown_away(tmp_path, file_name, damage):
    cache = StepCache(tmp_path)
    cache.store("c" * 64, RESULT)
    file = tmp_path / ("c" * 64) / file_name
    content = file.read_bytes()
    if damage == "altered":
        file.write_bytes(content[:-4] + bytes([content[-4] ^ 1]) + content[-3:])
    elif damage == "shortened":
        file.write_bytes(content[: len(content) // 2])
    else:
        file.unlink()
    assert cache.load("c" * 64) is None
    assert not (tmp_path / ("c" * 64)).exists()


def test_the_folder_is_private(tmp_path):
    cache = StepCache(tmp_path / "cache")
    cache.store("d" * 64, RESULT)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_the_least_recently_used_entry_goes_first(tmp_path):
    cache = StepCache(tmp_path)
    for number, key in enumerate("abc"):
        cache.store(key, RESULT)
        os.utime(tmp_path / key, (1000 + number, 1000 + number))
    assert cache.load("a") is not None  # used now: b is the oldest
    one = sum(file.stat().st_size for file in (tmp_path / "a").iterdir())
    StepCache(tmp_path, limit_bytes=3 * one).store("e", RESULT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c", "e"]


def test_what_a_dead_process_left_is_removed(tmp_path):
    (tmp_path / "tmp-dead").mkdir()
    os.utime(tmp_path / "tmp-dead", (1000, 1000))
    (tmp_path / "tmp-alive").mkdir()
    StepCache(tmp_path).store("f", RESULT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "tmp-alive"]


def test_two_writers_of_the_same_entry_leave_one_whole_entry(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: StepCache(tmp_path).store("g", RESULT), range(12)))
    assert [path.name for path in tmp_path.iterdir()] == ["g"]
    assert StepCache(tmp_path).load("g") is not None


def test_a_folder_that_cannot_be_written_costs_only_the_saved_time(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = StepCache(tmp_path / "file" / "cache")
    cache.store("h", RESULT)
    assert cache.load("h") is None


def test_an_environment_variable_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path))
    assert find_cache_folder() == tmp_path / "preprocessing"
    monkeypatch.delenv("MSSOFTSEG_CACHE")
    assert "mssoftseg" in Path(find_cache_folder()).parts
