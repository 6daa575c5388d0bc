"""Whatever way an exam is stored, its lesions come out where they are in the patient.

The whole way is the real one (preprocessing, flips, native grid, lesions); only the network is a stand-in that answers voxel
by voxel, so that every displacement would be geometry's.
"""

from __future__ import annotations

import functools
from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, resample, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import predict
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.preprocessing.pipeline import preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from Testing.campaigns.record import CAMPAIGN

FLOAT = Device(torch.device("cpu"), torch.float32)
SIGNED_PERMUTATIONS = [
    np.eye(3)[list(order)] * signs for order in permutations(range(3)) for signs in product((1, -1), repeat=3)
]
DESCRIPTION = ModelDescription.model_validate(
    {
        "name": "stand-in",
        "version": "0",
        "created": "2026-01-01",
        "licence": "Apache-2.0",
        "intended_use": "tests",
        "inputs": [{"modality": "flair", "required": True}],
        "spacing_mm": 2.5,
        "normalization": "z-score",
        "network": {"kind": "lesion-unet", "widths": [4, 4]},
        "activation": "sigmoid",
        "tta": "flips8",
        "threshold": 0.5,
        "min_lesion_mm3": 0.0,
        "calibration": {"temperature": 1.0},
        "recipe": {},
        "training": {},
        "metrics": {},
        "files": [{"name": "none.safetensors", "sha256": "0" * 64}],
    }
)


class BrightIsLesion(torch.nn.Module):
    """Brain is about 0 in z units, the painted lesions are far above."""

    def forward(self, images):
        return (images - 3.0) * 6.0


@functools.cache
def painted_brain() -> sitk.Image:
    """An ellipsoid with three lesions, all on the patient's left, before and behind, above and below its center; LPS, 1.5 mm."""
    size = (76, 90, 66)
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetSpacing((1.5, 1.5, 1.5))
    image.SetOrigin(tuple(-(n - 1) / 2 * 1.5 for n in size))
    z, y, x = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * 1.5 for n in size[::-1]], indexing="ij")
    brain = (x / 50) ** 2 + (y / 60) ** 2 + (z / 42) ** 2 <= 1
    array = brain * (100 + 4 * np.sin(x / 7) * np.cos(y / 9))
    for (cx, cy, cz), radius in zip(LESION_CENTERS_LPS_MM, LESION_RADII_MM, strict=True):
        array[(x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= radius**2] = 260
    return Grid.of(image).image(array.astype(np.float32))


LESION_CENTERS_LPS_MM = ((22.0, -30.0, 10.0), (28.0, 12.0, -15.0), (14.0, 25.0, 20.0))
LESION_RADII_MM = (9.0, 7.0, 8.0)


def rounded(low, high):
    """Numbers with two decimals: headers hold no angles of 1e-294 degrees, which ITK's inverse cannot digest."""
    return st.integers(round(low * 100), round(high * 100)).map(lambda hundredths: hundredths / 100)


stored = st.fixed_dictionaries(
    {
        "order": st.integers(0, 47),
        "turn_deg": st.tuples(*[rounded(-40, 40)] * 3),
        "spacing_mm": st.tuples(*[rounded(1.6, 3.6)] * 3),
        "shift_mm": st.tuples(*[rounded(-150, 150)] * 3),
    }
)


def stored_grid(order, turn_deg, spacing_mm, shift_mm):
    """A grid that holds the whole brain, in any axis order, flipped, oblique, anisotropic, moved in space."""
    direction = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() @ SIGNED_PERMUTATIONS[order]
    spacing = np.asarray(spacing_mm)
    size = np.ceil(150 / spacing).astype(int)
    center = np.asarray(shift_mm)
    origin = center - direction @ ((size - 1) / 2 * spacing)
    return Grid(tuple(int(n) for n in size), tuple(spacing), tuple(origin), tuple(direction.ravel())), center


def segmented(grid, shift, *, tta="none"):
    """The painted brain, moved by shift and stored on the grid, through the whole pipeline."""
    back = sitk.TranslationTransform(3, tuple(-float(v) for v in shift))
    flair = resample(painted_brain(), grid, source_from_grid=back)
    array = voxels(flair)
    array[array < 50] = 0.0  # the rim that interpolation smears into the background
    exam = Exam({Modality.FLAIR: ExamImage(Modality.FLAIR, grid.image(array), "FLAIR.nii.gz", None)})
    working = preprocess(exam, PreprocessingSettings(brain="none", working_spacing_mm=2.5, bias_shrink=8))
    prediction = predict(working, DESCRIPTION, [BrightIsLesion()], reference=Modality.FLAIR, tta=tta, device=FLOAT)
    return segment_lesions(prediction.native, threshold=0.5, min_lesion_mm3=50.0)


@settings(max_examples=200 if CAMPAIGN else 60, suppress_health_check=list(HealthCheck))
@given(stored)
def test_lesions_come_out_at_their_physical_place_however_the_exam_is_stored(how):
    grid, shift = stored_grid(**how)
    result = segmented(grid, shift)
    assert have_same_grid(result.mask, grid)
    assert have_same_grid(result.maps.entropy, grid)
    found = np.array([lesion.centroid_ras_mm for lesion in result.lesions]) * [-1, -1, 1] - shift
    assert len(found) == 3
    distance = np.linalg.norm(found[:, None] - np.array(LESION_CENTERS_LPS_MM)[None], axis=2)
    assert sorted(distance.argmin(axis=1)) == [0, 1, 2]
    # Half a voxel of the coarsest grid met on the way is what interpolation may cost.
    assert distance.min(axis=1).max() <= 1.0
    # All lesions are on the left: larger x in LPS than the midline.
    assert (found[:, 0] > 5).all()


def test_the_eight_flips_leave_everything_in_its_place():
    grid, shift = stored_grid(13, (12, -25, 31), (1.8, 2.4, 3.3), (40, -20, 90))
    plain, flipped = segmented(grid, shift), segmented(grid, shift, tta="flips8")
    np.testing.assert_allclose(voxels(plain.maps.probability), voxels(flipped.maps.probability), atol=1e-5)
    assert len(flipped.maps.members) == 8


def test_the_forty_eight_orders_are_all_of_them():
    assert len({matrix.tobytes() for matrix in SIGNED_PERMUTATIONS}) == 48
    assert {round(float(np.linalg.det(matrix))) for matrix in SIGNED_PERMUTATIONS} == {-1, 1}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_geometry_that_is_flipped_on_purpose_is_caught(axis):
    grid, shift = stored_grid(0, (0, 0, 0), (2.0, 2.0, 2.0), (0, 0, 0))
    mask = voxels(segmented(grid, shift).mask)
    flipped = np.flip(mask, axis=2 - axis)
    x, y, z = (float(v) for v in np.argwhere(flipped).mean(axis=0)[::-1])
    right = np.argwhere(mask).mean(axis=0)[::-1]
    assert abs((x, y, z)[axis] - right[axis]) * 2.0 > 1.0
