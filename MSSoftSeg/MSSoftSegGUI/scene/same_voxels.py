"""The same voxels in another order: Slicer turns left-handed images round when it loads a scene, a library does not.

A grid is a 4 × 4 matrix from voxel (i, j, k) to RAS mm; it goes with an array (k, j, i).
"""

from __future__ import annotations

import numpy as np

# Headers of single precision, and scenes that keep fifteen digits.
TURN_TOLERANCE, SHIFT_TOLERANCE_VOXELS = 1e-3, 2e-2


def make_right_handed(array: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same image with its slices in reverse order where its axes are left-handed, as Slicer has every image."""
    if np.linalg.det(matrix[:3, :3]) >= 0:
        return array, matrix
    turned = matrix.copy()
    turned[:3, 2] *= -1
    turned[:3, 3] = (matrix @ [0, 0, array.shape[0] - 1, 1])[:3]
    return np.ascontiguousarray(array[::-1]), turned


def put_on_grid(array: np.ndarray, matrix: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The array in the order of the wanted grid; ValueError where that has other voxels."""
    step = np.linalg.solve(wanted, matrix)
    turn = step[:3, :3].round()
    is_turn = (np.abs(turn).sum(axis=0) == 1).all() and (np.abs(turn).sum(axis=1) == 1).all()
    if not is_turn or np.abs(step[:3, :3] - turn).max() > TURN_TOLERANCE:
        raise ValueError("the drawing does not lie on the voxels of the FLAIR image that the library has")
    size = np.array(array.shape[::-1])
    first = np.where(turn.sum(axis=1) < 0, np.abs(turn) @ (size - 1), 0)
    if np.abs(step[:3, 3] - first).max() > SHIFT_TOLERANCE_VOXELS:
        raise ValueError("the drawing lies beside the FLAIR image that the library has")
    # Axis a of the wanted grid is axis source[a] of the given one; numpy counts them the other way round.
    source = np.abs(turn).argmax(axis=1)
    turned = array.transpose([2 - source[2], 2 - source[1], 2 - source[0]])
    backwards = tuple(2 - axis for axis in range(3) if turn[axis].sum() < 0)
    return np.ascontiguousarray(np.flip(turned, backwards))
