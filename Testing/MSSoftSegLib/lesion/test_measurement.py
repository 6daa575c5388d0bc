"""Numbers per lesion: worked out by hand on small anisotropic grids, places checked with nibabel."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.lesion.measurement import Lesion, measure_lesions

STRAIGHT = Grid((12, 5, 4), (1.0, 2.0, 4.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def measure(instances: np.ndarray, probability: np.ndarray, grid: Grid = STRAIGHT) -> tuple[Lesion, ...]:
    count = int(instances.max())
    return measure_lesions(instances, probability, np.zeros(instances.shape), np.zeros(count), grid)


def empty() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((4, 5, 12), np.uint16), np.zeros((4, 5, 12), np.float32)


def test_the_numbers_of_a_three_voxel_lesion_are_those_worked_out_by_hand() -> None:
    instances, probability = empty()
    instances[1, 2, 3:6] = 1
    probability[1, 2, 3:6] = [0.5, 0.75, 1.0]
    entropy = np.zeros_like(probability)
    entropy[1, 2, 3:6] = [0.6, 0.3, 0.0]
    (lesion,) = measure_lesions(instances, probability, entropy, np.array([0.25]), STRAIGHT)
    assert (lesion.id, lesion.status, lesion.lsu) == (1, "detected", 0.25)
    assert lesion.volume_mm3 == 3 * 8
    assert lesion.soft_volume_mm3 == pytest.approx(2.25 * 8)
    assert (lesion.max_probability, lesion.mean_probability) == (1.0, 0.75)
    assert lesion.mean_entropy_nats == pytest.approx(0.3)
    # Voxel (x 4, y 2, z 1) = LPS (4, 4, 4) mm = RAS (−4, −4, 4) mm.
    assert lesion.centroid_ras_mm == pytest.approx((-4.0, -4.0, 4.0))
    assert lesion.extent_mm == 4.0  # one slice of 4 mm is longer than three voxels of 1 mm


def test_the_extent_is_the_longest_side_in_mm_not_in_voxels() -> None:
    instances, probability = empty()
    instances[1, 1:5, 0:5] = 1  # 5 × 1 mm, 4 × 2 mm, 1 × 4 mm
    assert measure(instances, probability)[0].extent_mm == 8.0


def test_the_soft_volume_counts_voxels_up_to_3_mm_away_and_none_beyond() -> None:
    instances, probability = empty()
    instances[1, 2, 0] = 1
    probability[1, 2, 0] = 0.8
    probability[1, 2, 3] = 0.2  # 3 mm along x: counts
    probability[1, 2, 4] = 0.4  # 4 mm along x: does not
    probability[1, 3, 2] = 0.1  # √(2² + 2²) = 2.8 mm: counts
    probability[1, 4, 0] = 0.4  # 4 mm along y: does not
    probability[2, 2, 0] = 0.4  # 4 mm along z: does not
    assert measure(instances, probability)[0].soft_volume_mm3 == pytest.approx((0.8 + 0.2 + 0.1) * 8)


def test_a_voxel_between_two_lesions_counts_towards_the_nearer_one_only() -> None:
    instances, probability = empty()
    instances[1, 2, 2], instances[1, 2, 7] = 1, 2
    probability[1, 2, 2:8] = [0.9, 0.0, 0.3, 0.1, 0.0, 0.6]
    first, second = measure(instances, probability)
    # x 4 is 2 mm from the first and 3 mm from the second; x 5 the other way round.
    assert first.soft_volume_mm3 == pytest.approx((0.9 + 0.3) * 8)
    assert second.soft_volume_mm3 == pytest.approx((0.6 + 0.1) * 8)


def test_touching_lesions_are_measured_apart() -> None:
    instances, probability = empty()
    instances[0, 0, 0:2], instances[0, 0, 2] = 1, 2
    probability[0, 0, 0:3] = [1.0, 1.0, 0.5]
    first, second = measure(instances, probability)
    assert (first.volume_mm3, second.volume_mm3) == (16.0, 8.0)
    assert (first.mean_probability, second.mean_probability) == (1.0, 0.5)
    assert first.centroid_ras_mm == pytest.approx((-0.5, 0.0, 0.0))
    assert second.centroid_ras_mm == pytest.approx((-2.0, 0.0, 0.0))


def test_a_lesion_in_the_last_corner_of_the_image_is_measured_whole() -> None:
    instances, probability = empty()
    instances[3, 4, 11] = 1
    probability[3, 4, 9:12] = 0.5
    (lesion,) = measure(instances, probability)
    assert lesion.soft_volume_mm3 == pytest.approx(3 * 0.5 * 8)
    assert lesion.centroid_ras_mm == pytest.approx((-11.0, -8.0, 12.0))


def test_no_instances_give_no_lesions() -> None:
    assert measure(*empty()) == ()


@pytest.mark.parametrize("flip", [1, -1])
def test_the_centroid_of_an_oblique_image_is_where_nibabel_puts_it(tmp_path: Path, flip: int) -> None:
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0.3, -0.2, 0.5)
    # Axes permuted (stored order: z, x, y of the patient), one of them flipped, all turned.
    permuted = np.array([[0, 1, 0], [0, 0, flip], [1, 0, 0]])
    direction = np.reshape(turn.GetMatrix(), (3, 3)) @ permuted
    grid = Grid((7, 9, 8), (0.8, 1.3, 2.9), (-41.0, 17.0, 63.0), tuple(direction.ravel()))
    instances = np.zeros((8, 9, 7), np.uint16)
    instances[2:5, 6, 1:3], instances[7, 0:2, 5] = 1, 2
    lesions = measure_lesions(instances, instances.astype(np.float32), instances * 0.0, np.zeros(2), grid)
    file = tmp_path / "instances.nii"
    sitk.WriteImage(grid.image(instances), str(file))
    stored = nibabel.Nifti1Image.from_filename(file)
    array = np.asarray(stored.dataobj)
    for lesion in lesions:
        index = np.append(np.argwhere(array == lesion.id).mean(axis=0), 1.0)
        assert lesion.centroid_ras_mm == pytest.approx((stored.affine @ index)[:3], abs=1e-3)
