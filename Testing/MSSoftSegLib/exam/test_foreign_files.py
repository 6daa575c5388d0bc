"""Files as other programs write them: four dimensions, mixed case, rounded axes, numbers beyond 32 bits, byte order marks."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid, have_same_grid
from MSSoftSegLib.exam.image_file import read_channels, read_image, read_maps, read_mask, write_image
from MSSoftSegLib.exam.plain_text import decode_text, plain_letters
from MSSoftSegLib.exam.sidecar import read_sidecar
from Testing.MSSoftSegLib.exam.made_files import made_image, made_voxels, ras_affine

CHANNELS = 3


def write_four_dimensional(path: Path, *, affine: np.ndarray | None = None) -> Path:
    """Channels that are 0, 1 and 2 times 1000 above the made voxels."""
    volumes = np.stack([made_voxels().T + 1000 * number for number in range(CHANNELS)], axis=-1)
    image = nibabel.Nifti1Image(volumes, ras_affine(Grid.of(made_image())) if affine is None else affine)
    image.set_qform(image.affine, 1)
    image.set_sform(image.affine, 1)
    nibabel.save(image, path)
    return path


def test_each_channel_is_what_a_file_of_its_own_would_be(tmp_path):
    channels = read_channels(write_four_dimensional(tmp_path / "a.nii.gz"), CHANNELS)
    for number, channel in enumerate(channels):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(channel), made_voxels() + 1000 * number)
        assert have_same_grid(channel, made_image())


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_channels_is_refused_with_both_numbers(tmp_path, count):
    with pytest.raises(BadImage, match=rf"a\.nii has 6 × 5 × 4 × 3 voxels, not {count} channels"):
        read_channels(write_four_dimensional(tmp_path / "a.nii"), count)
    with pytest.raises(BadImage, match=f"give a file of {count} volumes"):
        read_maps(tmp_path / "a.nii", count)


def test_channels_that_are_cut_short_are_refused(tmp_path):
    path = write_four_dimensional(tmp_path / "a.nii")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadImage, match="cut short"):
        read_channels(path, CHANNELS)


def test_channels_whose_two_orientations_disagree_are_refused(tmp_path):
    path = write_four_dimensional(tmp_path / "a.nii")
    loaded = nibabel.load(path)
    turned = loaded.affine @ np.diag([-1.0, 1, 1, 1])
    changed = nibabel.Nifti1Image(np.asarray(loaded.dataobj), loaded.affine)
    changed.set_sform(loaded.affine, 1)
    changed.set_qform(turned, 1)
    nibabel.save(changed, tmp_path / "b.nii")
    with pytest.raises(BadImage, match="disagree"):
        read_channels(tmp_path / "b.nii", CHANNELS)


@pytest.mark.parametrize("spoil", [np.nan, np.inf, None])
def test_a_channel_with_what_is_no_number_or_with_nothing_is_named(tmp_path, spoil):
    path = write_four_dimensional(tmp_path / "a.nii")
    loaded = nibabel.load(path)
    values = np.asarray(loaded.dataobj).copy()
    values[..., 1] = 7 if spoil is None else np.where(values[..., 1] > 1050, spoil, values[..., 1])
    nibabel.save(nibabel.Nifti1Image(values, loaded.affine), path)
    with pytest.raises(BadImage, match=r"channel 1 of a\.nii"):
        read_channels(path, CHANNELS)


@pytest.mark.parametrize(
    "name", ["Mixed.Nii.Gz", "Mixed.Nii", "Mixed.Nrrd", "Mixed.Mha", "UPPER.NII.GZ", "Ünïcödé 脳.nii.gz"]
)
def test_a_name_in_any_case_and_script_is_read(tmp_path, name):
    extension = re.search(r"\.(nii\.gz|nii|nrrd|mha)$", name, re.IGNORECASE)[0].lower()
    write_image(made_image(), tmp_path / f"plain{extension}")
    (tmp_path / f"plain{extension}").rename(tmp_path / name)
    found = read_image(tmp_path / name)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), made_voxels())
    assert have_same_grid(found, made_image())


@pytest.mark.parametrize("decimals", [3, 4, 5])
def test_axes_that_were_rounded_are_read_or_refused_with_the_distance(tmp_path, decimals):
    # A head's field of view, so that rounding counts; few voxels of it are needed.
    affine = np.round(ras_affine(Grid.of(made_image())), decimals)
    image = nibabel.Nifti1Image(np.random.default_rng(0).normal(100, 9, (250, 250, 2)).astype(np.float32), affine)
    image.set_sform(affine, 1)
    image.set_qform(None, 0)
    nibabel.save(image, tmp_path / "rounded.nii")
    try:
        found = read_image(tmp_path / "rounded.nii")
    except BadImage as refused:
        found, refusal = None, refused
    if found is None:
        assert decimals == 3
        assert re.search(r"by 0\.\d+ mm", refusal.message)
        return
    direction = np.reshape(found.GetDirection(), (3, 3))
    np.testing.assert_allclose(direction @ direction.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("factor", [1e-60, 1e60])
def test_numbers_that_32_bits_cannot_hold_are_refused_for_that_reason(tmp_path, factor):
    grid = Grid.of(made_image())
    nibabel.save(nibabel.Nifti1Image(made_voxels().T.astype(np.float64) * factor, ras_affine(grid)), tmp_path / "a.nii")
    image = sitk.Cast(made_image(), sitk.sitkFloat64) * factor
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    for name in ("a.nii", "a.nrrd"):
        with pytest.raises(BadImage, match="32 bits"):
            read_image(tmp_path / name)
        with pytest.raises(BadImage, match="32 bits"):
            read_mask(tmp_path / name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_read_as_its_byte_order_mark_says(tmp_path, encoding):
    assert decode_text("Läsion α".encode(encoding)) == "Läsion α"
    (tmp_path / "T1.json").write_bytes(json.dumps({"SeriesDescription": "α"}, ensure_ascii=False).encode(encoding))
    assert read_sidecar(tmp_path / "T1.nii.gz") == {"SeriesDescription": "α"}


def test_accents_come_off_and_other_scripts_stay():
    assert plain_letters("ÀPRÈS Łódź straße Ørsted İ") == "apres lodz strasse orsted i"
    assert plain_letters("造影 КОНТРАСТ") == "造影 контраст"


def test_a_compressed_file_that_is_longer_than_its_header_says_is_read(tmp_path):
    path = write_four_dimensional(tmp_path / "a.nii.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\0" * 64))
    assert len(read_channels(path, CHANNELS)) == CHANNELS
