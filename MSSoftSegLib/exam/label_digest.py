"""What tells two label maps of one image apart, in whichever order its voxels are read: programs turn axes round."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np

from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION


def compute_label_digest(labels: np.ndarray, ras_from_voxel: np.ndarray) -> str:
    """SHA-256 of which voxels are lesion (1) and possible lesion (2).

    labels: (z, y, x) of an image whose voxel (x, y, z) lies at the point that the 4 × 4 matrix says, RAS mm. The same labels with
    axes swapped or reversed have the same digest; where the image lies does not matter.
    """
    directions = ras_from_voxel[:3, :3] / np.linalg.norm(ras_from_voxel[:3, :3], axis=0)
    # The voxel axis that runs most along each axis of the patient.
    along = max(
        itertools.permutations(range(3)), key=lambda axes: sum(abs(directions[n, axis]) for n, axis in enumerate(axes))
    )
    turned = labels.transpose([2 - axis for axis in along])
    turned = np.flip(turned, tuple(n for n, axis in enumerate(along) if directions[n, axis] < 0))
    found = hashlib.sha256(str(turned.shape).encode())
    for label in (LESION, POSSIBLE_LESION):
        found.update(np.packbits(turned == label).tobytes())
    return found.hexdigest()
