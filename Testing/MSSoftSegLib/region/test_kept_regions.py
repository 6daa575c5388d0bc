"""The regions that a result keeps: the same places again, in the space of the reference image, or a reason why not."""

from __future__ import annotations

import errno
import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, DiskFull
from MSSoftSegLib.exam import image_file
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.linear import make_affine
from MSSoftSegLib.region.kept_regions import KeptRegions, move_regions, read_region_maps, write_region_maps
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Place, Region
from MSSoftSegLib.result_files import REGION_MAPS_FILE
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion

RIGID = sitk.Euler3DTransform((4.0, -2.0, 9.0), 0.2, -0.15, 0.3, (11.0, -25.0, 6.0))
# FLAIR's own grid: thick slices, another orientation, around where the box brain lies in the scanner.
MIDDLE = RIGID.TransformPoint((9.5, 24.5, 21.5))
NATIVE = Grid(
    (70, 70, 15),
    (1.2, 1.2, 5.0),
    (MIDDLE[0] + 34.5 * 1.2, MIDDLE[1] + 34.5 * 1.2, MIDDLE[2] - 35.0),
    (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0),
)


def soft_brain() -> RegionMap:
    """The box brain with borders that are not sure: lateral ventricle at its right end, cortex at its left one."""
    arrays = {r: voxels(sitk.DiscreteGaussian(image, 2.0)) for r, image in box_brain().probability.items()}
    total = np.sum(list(arrays.values()), axis=0)
    return RegionMap({r: GRID.image((array / total).astype(np.float32)) for r, array in arrays.items()}, "boxes")


def native_lesions() -> sitk.Image:
    """Lesions at ventricle, cortex, in between, below, and in deep gray matter, brought to FLAIR's grid."""
    there = lesion((10, 16)) + 2 * lesion((44, 50)) + 3 * lesion((27, 33), y=(2, 8)) + 4 * lesion((20, 30), z=(2, 8))
    there += 5 * lesion((36, 42), y=(31, 38))
    image = GRID.image(there.astype(np.uint16))
    way = RIGID.GetInverse()
    return sitk.Resample(image, NATIVE.reference(), way, sitk.sitkNearestNeighbor, 0.0, sitk.sitkUInt16)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("result") / REGION_MAPS_FILE
    write_region_maps(soft_brain(), RIGID, path)
    return path


def test_lesions_of_the_reference_image_have_the_same_places_by_the_file_alone(kept):
    before = place_lesions(native_lesions(), soft_brain(), RIGID.GetInverse())
    after = place_lesions(native_lesions(), read_region_maps(kept, "boxes"))
    assert [each.place for each in before] == [
        Place.PERIVENTRICULAR,
        Place.JUXTACORTICAL,
        Place.DEEP_WHITE,
        Place.INFRATENTORIAL,
        Place.DEEP_GRAY,
    ]
    for was, now in zip(before, after, strict=True):
        assert (now.places, now.longest_axis_mm) == (was.places, was.longest_axis_mm)
        assert now.distance_to_ventricle_mm == pytest.approx(was.distance_to_ventricle_mm, abs=1e-3)
        assert now.distance_to_cortex_mm == pytest.approx(was.distance_to_cortex_mm, abs=1e-3)
        assert now.membership == pytest.approx(was.membership, abs=1 / 255)
        assert now.share == pytest.approx(was.share, abs=1 / 255)


def test_any_other_reader_finds_the_ventricle_where_the_patient_has_it(kept):
    image = nibabel.load(kept)
    assert image.shape == (*GRID.size, len(REGIONS))
    ventricle = np.asarray(image.dataobj)[..., REGIONS.index(Region.LATERAL_VENTRICLE)]
    middle = (image.affine @ [*np.argwhere(ventricle > 0.5).mean(axis=0), 1.0])[:3]
    own = voxels(soft_brain().probability[Region.LATERAL_VENTRICLE])
    z, y, x = np.argwhere(own > 0.5).mean(axis=0)
    lps = RIGID.TransformPoint(GRID.image(own).TransformContinuousIndexToPhysicalPoint((x, y, z)))
    assert middle == pytest.approx([-lps[0], -lps[1], lps[2]], abs=0.01)
    assert np.abs(np.asarray(image.dataobj).sum(axis=-1) - 1).max() < 0.21


def test_what_was_at_least_half_stays_so_and_nothing_else_becomes_it(tmp_path):
    half = np.array([0.5, np.nextafter(np.float32(0.5), 0), 0.497, 0.503, 0, 1], np.float32)
    grid = Grid((6, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), GRID.direction)
    first = np.broadcast_to(half, grid.size[::-1])
    for region in REGIONS:
        other = Region.CORTEX if region is Region.DEEP_GRAY else Region.DEEP_GRAY
        arrays = {r: np.zeros_like(first) for r in REGIONS} | {region: first, other: 1 - first}
        regions = RegionMap({r: grid.image(array) for r, array in arrays.items()}, "")
        write_region_maps(regions, sitk.Transform(3, sitk.sitkIdentity), tmp_path / "r.nii.gz")
        again = read_region_maps(tmp_path / "r.nii.gz", "")
        np.testing.assert_array_equal(again.array(region) >= 0.5, first >= 0.5)


def test_the_header_holds_geometry_and_nothing_else_and_the_bytes_hang_on_nothing_else(kept, tmp_path):
    header = nibabel.load(kept).header
    assert [
        bytes(header[name].tobytes()).strip(b"\0") for name in ("descrip", "aux_file", "db_name", "intent_name")
    ] == ([b""] * 4)
    assert gzip.decompress(kept.read_bytes())[348:352] == bytes(4), "no notes follow the header"
    assert kept.read_bytes()[3:8] == bytes(5), "neither name nor time in the compressed file"
    write_region_maps(soft_brain(), RIGID, tmp_path / "again.nii.gz")
    assert (tmp_path / "again.nii.gz").read_bytes() == kept.read_bytes()


def test_a_way_that_no_header_can_say_is_walked_by_interpolation():
    stretched = make_affine(np.diag([1.1, 1.0, 0.95, 1.0]))
    moved = move_regions(soft_brain(), stretched)
    total = moved.array(*REGIONS)
    assert np.all((np.abs(total - 1) < 1e-5) | (total == 0))
    array = lesion((10, 16)) + 2 * lesion((27, 33))
    near, far = place_lesions(GRID.image(array), moved, stretched)
    assert (near.place, far.place) == (Place.PERIVENTRICULAR, Place.DEEP_WHITE)
    # 11 mm of voxels along x between wall and lesion, each 1.1 mm long now.
    assert far.distance_to_ventricle_mm == pytest.approx(17 * 1.1, abs=1.1)


def foreign(path, array, *, affine=None):
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


def nine(value: float, dtype=np.float32) -> np.ndarray:
    return np.full((6, 5, 4, len(REGIONS)), value, dtype)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (nine(0.1)[..., :8], "not 9 channels"),
        (nine(0.1)[..., 0], "not 9 channels"),
        (nine(0), "holds no brain"),
        (nine(np.nan), "not a map of values from 0 to 1"),
        (nine(3), "not a map of values from 0 to 1"),
        (nine(0.4), "do not sum to 1"),
    ],
)
def test_what_is_no_map_of_regions_is_refused_in_words(array, words, tmp_path):
    path = foreign(tmp_path / REGION_MAPS_FILE, array)
    with pytest.raises(BadImage, match=words):
        read_region_maps(path, "")
    regions, problem = KeptRegions(tmp_path, compute_sha256(path), "").read()
    assert regions is None
    assert REGION_MAPS_FILE in problem
    assert words in problem


def test_another_visits_map_a_cut_one_and_none_at_all_are_no_map_of_this_result(kept, tmp_path):
    own = compute_sha256(kept)
    assert KeptRegions(kept.parent, own, "boxes").read()[0].source == "boxes"
    assert "keeps no map" in KeptRegions(kept.parent, None, "").read()[1]
    assert "does not exist" in KeptRegions(tmp_path, own, "").read()[1]
    other = box_brain()
    write_region_maps(other, RIGID, tmp_path / REGION_MAPS_FILE)
    assert "not the file that this result was written with" in KeptRegions(tmp_path, own, "").read()[1]
    (tmp_path / REGION_MAPS_FILE).write_bytes(kept.read_bytes()[:-100])
    cut = compute_sha256(tmp_path / REGION_MAPS_FILE)
    assert "damaged or incomplete" in KeptRegions(tmp_path, cut, "").read()[1]


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(image_file.os, "fsync", full)
    with pytest.raises(DiskFull, match=REGION_MAPS_FILE):
        write_region_maps(soft_brain(), RIGID, tmp_path / REGION_MAPS_FILE)
    assert not list(tmp_path.iterdir())
