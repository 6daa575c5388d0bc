"""Small oblique images of any spacing, drawn by hypothesis, and soft masks of arrays in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from hypothesis import strategies as st

from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask

# A rotation by 20° about one axis and 10° about another: no voxel axis lies along a patient axis.
OBLIQUE = sitk.Euler3DTransform((0, 0, 0), 0.35, 0.17, 0.0).GetMatrix()


def image(array, spacing_xyz=(1.0, 1.0, 1.0), origin=(-31.5, 12.0, 7.25), direction=OBLIQUE):
    made = sitk.GetImageFromArray(np.ascontiguousarray(array))
    made.SetSpacing(spacing_xyz)
    made.SetOrigin(origin)
    made.SetDirection(direction)
    return made


def values(mask):
    return sitk.GetArrayFromImage(mask.image)


def soften(raters, flair=None, spacing_zyx=(1.0, 1.0, 1.0), **settings):
    """The soft mask of arrays (z, y, x); one array is one rater."""
    raters = raters if isinstance(raters, list) else [raters]
    spacing = tuple(reversed(spacing_zyx))
    masks = [image(np.asarray(rater, np.uint8), spacing) for rater in raters]
    gray = None if flair is None else image(np.asarray(flair, np.float32), spacing)
    return make_soft_mask(masks, gray, SoftLabelSettings(**settings))


@dataclass(frozen=True)
class Drawn:
    """core: bool, flair: whole numbers (ties on purpose), both (z, y, x); spacing (z, y, x) in mm."""

    core: np.ndarray
    flair: np.ndarray
    spacing: tuple[float, float, float]

    def distances_mm(self, mask=None):
        """Distance of every voxel to every voxel of the mask (default: the core), float64 (voxels, mask voxels)."""
        points = np.indices(self.core.shape).reshape(3, -1).T * np.asarray(self.spacing)
        chosen = (self.core if mask is None else mask).ravel()
        return np.linalg.norm(points[:, None, :] - points[chosen][None, :, :], axis=-1)


@st.composite
def drawings(draw, most=7, spacings=(0.45, 0.9, 1.0, 1.3, 3.0)):
    """A few voxels of core anywhere, the border included, on a small anisotropic grid."""
    shape = tuple(draw(st.integers(2, most)) for _ in range(3))
    spacing = tuple(draw(st.sampled_from(spacings)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    core = rng.random(shape) < draw(st.sampled_from([0.02, 0.08, 0.3]))
    flair = rng.integers(0, draw(st.sampled_from([3, 20, 200])), shape)
    return Drawn(core, flair.astype(np.float64), spacing)
