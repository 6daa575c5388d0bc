"""Sets of voxels as sorted flat indices, and as short text for the parameter node."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib

import numpy as np

NO_VOXELS = np.zeros(0, np.int64)


def encode_indices(indices: np.ndarray) -> str:
    """Sorted flat indices as text: differences, compressed, base64."""
    steps = np.diff(indices, prepend=0).astype("<u4")
    return base64.b64encode(zlib.compress(steps.tobytes(), 6)).decode("ascii")


def decode_indices(text: str, *, size: int) -> np.ndarray:
    """The indices again, sorted, int64; ValueError where the text is damaged or names a voxel outside 0…size−1."""
    try:
        steps = np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), "<u4")
    except (binascii.Error, zlib.error) as problem:
        raise ValueError(f"not a set of voxels: {problem}") from None
    indices = np.cumsum(steps, dtype=np.int64)
    if (len(steps) > 1 and not steps[1:].all()) or (len(indices) and indices[-1] >= size):
        raise ValueError("not a set of voxels of this image")
    return indices


def compute_voxel_digest(indices: np.ndarray) -> str:
    """SHA-256 of a set of sorted flat indices: which voxels of an image a lesion is."""
    return hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()


def remove_indices(indices: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """The indices that are not among the removed ones."""
    return np.setdiff1d(indices, removed, assume_unique=True)


def join_indices(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Both together, sorted."""
    return np.union1d(first, second)
