"""A scanner averages over its slices, shades and adds noise by the amounts that were asked for."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import Grid, orientation_letters, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.acquisition import (
    Acquisition,
    acquire,
    add_rician_noise,
    coil_shading,
    native_grid,
    sample_patient,
    subdivide,
)

IDENTITY = sitk.Euler3DTransform()
AXIAL = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)


def column(values: list[float]) -> sitk.Image:
    """A patient whose value changes along z only, at 1 mm, with voxel 0 at z = 0."""
    array = np.tile(np.asarray(values, dtype=np.float32)[:, None, None], (1, 4, 4))
    return Grid((4, 4, len(values)), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL).image(array)


def test_a_thick_slice_is_the_mean_of_what_lies_in_it() -> None:
    patient = column([3, 0, 0, 6, 6, 6, 0, 9, 0])
    # Slices of 3 mm whose middles are the voxels 1, 4 and 7.
    slices = Grid((4, 4, 3), (1.0, 1.0, 3.0), (0.0, 0.0, 1.0), AXIAL)
    assert sample_patient(patient, slices, IDENTITY)[:, 1, 1].tolist() == pytest.approx([1, 6, 3])


def test_a_known_move_shifts_the_slices_in_the_direction_it_says() -> None:
    patient = column([0, 0, 0, 5, 0, 0, 0])
    up = sitk.Euler3DTransform()
    up.SetTranslation((0.0, 0.0, 2.0))
    native = Grid((4, 4, 7), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL)
    assert sample_patient(patient, native, up)[:, 1, 1].tolist() == pytest.approx([0, 0, 0, 0, 0, 5, 0])


def test_parts_of_a_voxel_fill_it_and_no_more() -> None:
    fine = subdivide(Grid((4, 4, 2), (1.0, 1.0, 3.0), (0.0, 0.0, 10.0), AXIAL), (1, 1, 3))
    assert fine.size == (4, 4, 6)
    assert fine.spacing_mm == (1.0, 1.0, 1.0)
    # The voxel around 10 reaches from 8.5 to 11.5: the middle of its lowest third is 9.
    assert fine.origin_mm == (0.0, 0.0, 9.0)


@pytest.mark.parametrize("orientation", ["LPS", "LAS", "RAS", "PIR", "SAL"])
def test_a_grid_is_stored_as_its_letters_say_and_stays_centered(orientation: str) -> None:
    spacings = {"L": 1.0, "R": 1.0, "P": 1.5, "A": 1.5, "S": 3.0, "I": 3.0}
    x, y, z = (spacings[letter] for letter in orientation)
    grid = native_grid(Acquisition(Modality.FLAIR, (x, y, z), orientation, tilt_deg=6))
    image = grid.reference()
    assert orientation_letters(image) == orientation
    middle = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in grid.size])
    upright = native_grid(Acquisition(Modality.FLAIR, (1.0, 1.5, 3.0), "LPS", tilt_deg=6)).reference()
    expected = upright.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in upright.GetSize()])
    assert middle == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("orientation", ["LPX", "LLS", "LP", "LR S"])
def test_letters_that_are_no_orientation_are_refused(orientation: str) -> None:
    with pytest.raises(RequestError, match="no orientation"):
        Acquisition(Modality.T1, (1.0, 1.0, 1.0), orientation)


def test_a_spacing_of_zero_is_refused() -> None:
    with pytest.raises(RequestError, match="not positive"):
        Acquisition(Modality.T1, (1.0, 1.0, 0.0))


def test_shading_deviates_by_what_was_asked_for_and_changes_slowly() -> None:
    grid = Grid((50, 60, 20), (4.0, 4.0, 10.0), (0.0, 0.0, 0.0), AXIAL)
    shading = coil_shading(grid, 0.25, rng=np.random.default_rng(0))
    assert shading.max() == pytest.approx(1.25, abs=1e-3)
    assert shading.min() == pytest.approx(0.75, abs=1e-3)
    steps_per_mm = [np.abs(np.diff(shading, axis=axis)).max() / mm for axis, mm in enumerate((10.0, 4.0, 4.0))]
    assert max(steps_per_mm) < 0.02


def test_noise_is_gaussian_in_tissue_and_rayleigh_in_air() -> None:
    rng = np.random.default_rng(0)
    tissue = add_rician_noise(np.ones((40, 40, 40), dtype=np.float32), 0.05, rng=rng)
    assert tissue.std() == pytest.approx(0.05, rel=0.03)
    air = add_rician_noise(np.zeros((40, 40, 40), dtype=np.float32), 0.05, rng=rng)
    # Mean of a Rayleigh distribution: σ √(π/2).
    assert air.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.03)


def test_a_scan_holds_whole_numbers_with_white_matter_at_its_level() -> None:
    low, high = -140, 140
    size = high - low
    uniform = Grid((size // 4,) * 3, (4.0,) * 3, (float(low),) * 3, AXIAL).image(
        np.ones((size // 4,) * 3, dtype=np.float32)
    )
    scan = Acquisition(Modality.T2, (6.0, 6.0, 8.0), bias=0.0, noise=0.02, white_level=250)
    image = voxels(acquire(uniform, scan, IDENTITY, rng=np.random.default_rng(3)))
    assert np.array_equal(image, np.rint(image))
    assert np.median(image) == pytest.approx(250, abs=1)
    assert image.std() == pytest.approx(0.02 * 250, rel=0.1)
