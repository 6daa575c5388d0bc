"""Small made-up cases: anisotropic, asymmetric, with correlated errors as a network makes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

SPACING_MM = (3.0, 1.25, 0.8)
SHAPE = (9, 17, 22)

small_masks = npst.arrays(np.uint8, (4, 5, 6), elements=st.integers(0, 1))
spacings = st.tuples(*[st.floats(0.3, 4.0) for _ in range(3)])


@dataclass(frozen=True)
class MadeUpCase:
    """Arrays (z, y, x) of one shape; entropy is the map of a disturbed probability, not of this one."""

    truth: np.ndarray
    prediction: np.ndarray
    probability: np.ndarray
    entropy: np.ndarray
    brain: np.ndarray

    @property
    def arrays(self):
        return (self.truth, self.prediction, self.probability, self.entropy, self.brain)


def made_up_case(seed: int) -> MadeUpCase:
    """One case; every seed has lesions on both sides."""
    rng = np.random.default_rng(seed)

    def field(sigma):
        noise = ndimage.gaussian_filter(rng.normal(size=SHAPE), sigma)
        return noise / noise.std()

    z, y, x = np.indices(SHAPE)
    brain = ((z - 4) / 4.2) ** 2 + ((y - 8) / 7.5) ** 2 + ((x - 11) / 10) ** 2 < 1
    base = field(1.2)
    truth = (base > 1.2) & brain
    probability = (brain / (1 + np.exp(-4 * (base + 0.5 * field(1.0) - 1.2)))).astype(np.float32)
    entropy = np.clip(0.69 - np.abs(probability - 0.5) + 0.05 * rng.random(SHAPE), 0, 0.69).astype(np.float32)
    return MadeUpCase(truth.astype(np.uint8), (probability >= 0.5).astype(np.uint8), probability, entropy, brain)


def seen_from_elsewhere(array: np.ndarray, order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> np.ndarray:
    """The same voxels with axes permuted, then some of them flipped."""
    turned = np.transpose(array, order)
    return turned[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
