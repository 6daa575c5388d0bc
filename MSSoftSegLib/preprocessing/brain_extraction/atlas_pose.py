"""Where the brain lies in a head: the atlas is tried all over it.

A head's center of mass says little about its brain, for necks, faces and fields of view differ. So some ten thousand
poses of the atlas are scored on a coarse image, and registration starts from the best.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, voxels

COARSE_MM = 4.0
POINTS = 2500
LEVELS = 16
# Air and cortical bone lie below this share of the bright voxels.
BACKGROUND_SHARE = 0.1
# A pose that leaves less of the atlas in the field of view is not considered.
MIN_OVERLAP = 0.5
# Poses tried first: relative size of the brain, nodding, and where its center may lie around the head's (mm, x y z).
SCALES = (0.82, 0.88, 0.94)
NODS_DEG = (-30.0, -15.0, 0.0, 15.0, 30.0)
STEP_MM = 12.0
REACH_MM = (24.0, 48.0, 84.0)
# Around the best of these, random poses with shrinking spread: (mm, degrees, log of the size).
SPREADS = ((8.0, 8.0, 0.06), (8.0, 8.0, 0.06), (4.0, 5.0, 0.04), (4.0, 5.0, 0.04), (2.0, 3.0, 0.02), (2.0, 3.0, 0.02))
TRIES = 150
# The standard brain is a large one: most people's are 0.86 to 0.97 as wide. A start that is larger than that is drawn onto the
# skull, whose mutual information with the atlas's rim is high too; the registration that follows may still grow it.
LOG_SCALE_LIMITS = (float(np.log(0.75)), float(np.log(0.97)))


class PoseSearch:
    """Scores where the atlas brain might lie in an image, by mutual information at a fixed set of atlas points."""

    def __init__(self, template: sitk.Image, region: sitk.Image, head: sitk.Image) -> None:
        """template: the atlas T1; region: where in it to look, uint8; head: any contrast, isotropic."""
        coarse = _coarse(head)
        levels = _levels(voxels(coarse))
        self._head_levels, self._head_size = levels.ravel(), levels.shape[::-1]
        self._index_from_lps = np.linalg.inv(Grid.of(coarse).lps_from_voxel())
        self._middle_of_head = _middle(coarse, levels > 0)
        where = voxels(region) > 0
        inside = np.flatnonzero(where)
        rng = np.random.default_rng(seed=0)
        chosen = inside[rng.choice(len(inside), size=min(POINTS, len(inside)), replace=False)]
        index = np.stack(np.unravel_index(chosen, where.shape), axis=1)
        smooth = voxels(sitk.SmoothingRecursiveGaussian(template, COARSE_MM / 2))
        self._template_levels = _levels(smooth[tuple(index.T)])
        lps_from_voxel = Grid.of(template).lps_from_voxel()
        points = index[:, ::-1] @ lps_from_voxel[:3, :3].T + lps_from_voxel[:3, 3]
        self._center = points.mean(axis=0)
        # One row an axis: what is done ten thousand times is done to whole rows.
        self._points = np.ascontiguousarray((points - self._center).T)

    def best(self) -> sitk.AffineTransform:
        """The best pose found, as a transform from atlas points to head points (LPS mm)."""
        rng = np.random.default_rng(seed=0)
        pose, score = self._best_of(self._first_poses())
        for spread in SPREADS:
            tries = pose + rng.normal(size=(TRIES, 7)) * np.repeat(spread, (3, 3, 1))
            tries[:, 6] = np.clip(tries[:, 6], *LOG_SCALE_LIMITS)
            pose, score = max((pose, score), self._best_of(tries), key=lambda found: found[1])
        transform = sitk.AffineTransform(3)
        transform.SetCenter(self._center.tolist())
        transform.SetMatrix(_matrix(pose).ravel().tolist())
        transform.SetTranslation((pose[:3] - self._center).tolist())
        return transform

    def score(self, head_from_atlas: sitk.AffineTransform) -> float:
        """Mutual information in nats of an affine transform from atlas to head points, times the overlap."""
        matrix = np.reshape(head_from_atlas.GetMatrix(), (3, 3))
        center = np.asarray(head_from_atlas.TransformPoint(self._center.tolist()))
        return self._score(matrix, center)

    def _score(self, matrix: np.ndarray, center: np.ndarray) -> float:
        """The same for the atlas turned by a matrix about its center, which lies at a point of the head."""
        turned, moved = self._index_from_lps[:3, :3] @ matrix, self._index_from_lps @ [*center, 1.0]
        x, y, z = np.rint(turned @ self._points + moved[:3, None]).astype(np.intp)
        nx, ny, nz = self._head_size
        inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny) & (z >= 0) & (z < nz)
        count = np.count_nonzero(inside)
        overlap = count / inside.size
        if overlap < MIN_OVERLAP:
            return 0.0
        head = self._head_levels[((z * ny + y) * nx + x)[inside]]
        joint = np.bincount(self._template_levels[inside] * LEVELS + head, minlength=LEVELS**2).reshape(LEVELS, LEVELS)
        # In counts n: the sum of n/N log(n N / (row column)) is the mutual information.
        independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        occupied = joint > 0
        n = joint[occupied]
        return float(overlap * (n @ np.log(n / independent[occupied] * count)) / count)

    def _best_of(self, poses: np.ndarray) -> tuple[np.ndarray, float]:
        """The best pose (x, y, z in mm, three angles in degrees, log of the size) and its score."""
        scores = [self._score(_matrix(pose), pose[:3]) for pose in poses]
        best = int(np.argmax(scores))
        return poses[best], scores[best]

    def _first_poses(self) -> np.ndarray:
        """A regular lattice of poses around the middle of the head."""
        shifts = product(*(np.arange(-reach, reach + 1, STEP_MM) for reach in REACH_MM))
        return np.asarray(
            [
                (*(self._middle_of_head + shift), nod, 0.0, 0.0, np.log(scale))
                for shift in shifts
                for nod in NODS_DEG
                for scale in SCALES
            ]
        )


def _coarse(head: sitk.Image) -> sitk.Image:
    """The head, smoothed and with voxels of about 4 mm."""
    smooth = sitk.SmoothingRecursiveGaussian(head, COARSE_MM / 2)
    return sitk.Shrink(smooth, [max(1, round(COARSE_MM / spacing)) for spacing in head.GetSpacing()])


def _middle(image: sitk.Image, occupied: np.ndarray) -> np.ndarray:
    """The middle of the box around the occupied voxels, LPS mm."""
    index = np.argwhere(occupied)
    middle = (index.min(axis=0) + index.max(axis=0)) / 2
    return np.asarray(image.TransformContinuousIndexToPhysicalPoint(middle[::-1].tolist()))


def _matrix(pose: np.ndarray) -> np.ndarray:
    """Size times rotation about x, then y, then z (LPS)."""
    x, y, z = np.deg2rad(pose[3:6])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.exp(pose[6]) * about_z @ about_y @ about_x


def _levels(values: np.ndarray) -> np.ndarray:
    """Gray values as 16 levels: 0 is background, the others hold equally many voxels each.

    Equal counts, not equal widths: bright fat would leave the brain one or two levels.
    """
    floor = BACKGROUND_SHARE * np.percentile(values[values > 0], 99)
    edges = np.quantile(values[values > floor], np.linspace(0, 1, LEVELS)[1:-1])
    return np.where(values > floor, 1 + np.searchsorted(edges, values), 0)
