"""Do T1 and T2 lie on FLAIR? An alignment that worked cannot be bettered by moving one image a little.

The image is moved from where it lies, by turns and shifts about the middle of the brain, for as long as the two images
come to tell more about each other; how far that takes the brain is how far the image was off. The measure is normalized
mutual information, (H(a) + H(b)) / H(a, b) (Studholme 1999), which does not grow with overlap alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.statistics import is_constant
from MSSoftSegLib.quality.warning import Check, QualityWarning

BINS = 24
# Smoothing that joins what thick slices of different directions show, and makes the way to the better place smooth.
SMOOTHING_MM = 2.0
# Points near the surface would leave the brain, outside of which there is nothing, when the image is moved.
DEPTH_MM = 6.0
MOST_POINTS = 5_000
# Turns move the surface of a brain of this radius as far as shifts of the same step.
BRAIN_RADIUS_MM = 65.0
STEPS_MM = (8.0, 4.0, 2.0)
# Exams that are aligned lie within 1 mm of the best place, images moved by 3 mm at 2 to 3 mm (steps of 2 mm).
LARGEST_OFFSET_MM = 3.5
# Where the images tell little about each other anywhere, the better place is chance.
LEAST_GAIN = 0.004
# A walk longer than this has lost its way; the image is not aligned in any case.
MOST_MOVES = 60


@dataclass(frozen=True)
class Offset:
    """distance_mm: mean distance of the brain's points from where they should lie; information: normalized mutual
    information where the image lies, and at the better place."""

    distance_mm: float
    information: float
    best_information: float


def alignment_warnings(view: BrainView) -> Iterator[QualityWarning]:
    """One for every image that does not lie on FLAIR, or one for FLAIR where T1 and T2 agree and it alone lies elsewhere."""
    others = [modality for modality in (Modality.T1, Modality.T2) if modality in view.images]
    astray = [modality for modality in others if is_astray(offset_between(view, Modality.FLAIR, modality))]
    if len(astray) == 2 and not is_astray(offset_between(view, Modality.T1, Modality.T2)):
        yield QualityWarning(
            Check.ALIGNMENT,
            "The FLAIR image does not lie on T1 and T2: its alignment has failed. Look at the overlay; if all images are of "
            "one visit, try aligning to FLAIR (align-to).",
            Modality.FLAIR,
        )
        return
    for modality in astray:
        yield QualityWarning(
            Check.ALIGNMENT,
            f"The {modality.upper()} image does not lie on FLAIR: its alignment has failed. Look at the overlay; leave the "
            f"{modality.upper()} slot empty if it cannot be mended.",
            modality,
        )


def is_astray(offset: Offset | None) -> bool:
    """Whether an image lies clearly elsewhere than where it fits best."""
    if offset is None:
        return False
    return offset.distance_mm >= LARGEST_OFFSET_MM and offset.best_information - offset.information >= LEAST_GAIN


def offset_between(view: BrainView, fixed: Modality, moving: Modality) -> Offset | None:
    """How far the moving image can be moved to its gain; None where there is too little brain to tell."""
    points = np.argwhere(view.depth_mm > DEPTH_MM).astype(np.float32)
    if len(points) < 1000:
        return None
    points = points[:: max(1, len(points) // MOST_POINTS)]
    blur = SMOOTHING_MM / view.coarse_mm
    still = ndimage.gaussian_filter(view.coarse(fixed), blur)[tuple(points.astype(int).T)]
    image = ndimage.gaussian_filter(view.coarse(moving), blur)
    search = _Search(image, view.depth_mm > 0, points, still, view.coarse_mm)
    if is_constant(still) or is_constant(search.reference):
        return None
    return search.run()


class _Search:
    """Greedy search over six numbers (three turns, three shifts, all in mm at the brain's surface)."""

    def __init__(
        self, image: np.ndarray, inside: np.ndarray, points: np.ndarray, still: np.ndarray, voxel_mm: float
    ) -> None:
        self.image, self.inside = image, inside
        self.points, self.still, self.voxel_mm = points, still, voxel_mm
        self.center = points.mean(axis=0)
        self.still_bin = _bins(still, still)
        self.reference = self._sampled(np.zeros(6))[0]

    def run(self) -> Offset:
        place = np.zeros(6)
        first = best = self.information(place)
        moves = 0
        for step_mm in STEPS_MM:
            while moves < MOST_MOVES:
                tried = [place + step_mm * sign * axis for axis in np.eye(6) for sign in (-1, 1)]
                found = [self.information(each) for each in tried]
                if max(found) <= best:
                    break
                best, place = max(found), tried[int(np.argmax(found))]
                moves += 1
        moved = self._moved(place) - self.points
        distance_mm = float(np.linalg.norm(moved, axis=1).mean() * self.voxel_mm)
        return Offset(distance_mm, first, best)

    def information(self, place: np.ndarray) -> float:
        values, known = self._sampled(place)
        if known.mean() < 0.5:
            return 0.0
        moving_bin = _bins(values[known], self.reference)
        joint = np.bincount(self.still_bin[known] * BINS + moving_bin, minlength=BINS * BINS).reshape(BINS, BINS)
        both = _entropy(joint)
        return float((_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / both) if both > 0 else 0.0

    def _sampled(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The moving image at the moved points, and which of them still lie in the brain."""
        moved = self._moved(place).T
        nearest = np.rint(moved).astype(int)
        within = np.all((nearest >= 0) & (nearest < np.array(self.inside.shape)[:, None]), axis=0)
        known = np.zeros(len(self.points), bool)
        known[within] = self.inside[tuple(nearest[:, within])]
        return ndimage.map_coordinates(self.image, moved, order=1, mode="nearest"), known

    def _moved(self, place: np.ndarray) -> np.ndarray:
        turn = Rotation.from_rotvec(place[:3] / BRAIN_RADIUS_MM).as_matrix()
        moved: np.ndarray = (self.points - self.center) @ turn.T + self.center + place[3:] / self.voxel_mm
        return moved


def _bins(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Equal bins between the reference's 1st and 99th percentile."""
    low, high = np.percentile(reference, (1, 99))
    if not low < high:
        return np.zeros(len(values), int)
    return np.clip((values - low) * (BINS / (high - low)), 0, BINS - 1).astype(int)


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
