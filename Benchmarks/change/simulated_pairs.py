"""Blocks of white matter at two visits with simulated probability maps: cheap, so that there can be many.

A block holds about seven lesions whose fate between the visits is known. It is scanned twice (other pose, noise, shading, slice
thickness) and "segmented" by a stand-in whose errors have the size of the shipped network's on digital patients (the constants
below say what was measured). What a network does beyond that, no stand-in shows: see ``digital_pairs.py`` for the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.change.halfway import HalfWay, half_way
from MSSoftSegLib.change.visit import NativeImage, Visit
from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.linear import matrix_of
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.phantom.acquisition import add_rician_noise, sample_patient
from MSSoftSegLib.phantom.fields import smooth_field
from MSSoftSegLib.phantom.misalignment import draw_move
from MSSoftSegLib.phantom.two_visits import Fate
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

SIZE = (52, 60, 52)
# Air around the block, so that a pose does not push it out of its grid.
MARGIN = 7
FLAIR_SLICES_MM = (1.0, 3.0, 5.0)
PROTOCOLS = ((0, 0), (1, 1), (0, 1), (2, 2), (1, 1), (1, 2))
NOISE = (0.025, 0.045)
# Gray matter and lesions are brighter than white matter = 1 by these; folds of gray matter run through the block.
FOLD, LESION_STEP = 0.2, (0.3, 0.6)
# Volumes as in phantom/lesions.py, none larger than a block can hold.
VOLUMES_MM3, LOG_SPREAD, MEDIAN_MM3 = (8.0, 1200.0), 1.1, 90.0
BORDER_MM = 1.6
STEP_MM = (1.0, 2.2)
# Of growing and shrinking lesions, how many do so at one end only, and by a focus of which radius.
LOCAL_SHARE, BUD_MM = 0.5, (2.5, 4.0)
SHARES = {Fate.UNCHANGED: 0.5, Fate.NEW: 0.14, Fate.GROWING: 0.13, Fate.SHRINKING: 0.1, Fate.VANISHING: 0.13}
# The shipped starter 0.3.0 on two digital scans (49 foci): logit P rises by 12 over the lesion fraction and is 0 at 0.48; around
# that line it scatters by 1.5 (interquartile range / 1.35), correlated over about 2 mm; 9 foci of 4 to 26 mm³ were missed.
SLOPE, MIDDLE, SCATTER, SCALE_MM = 12.0, 0.48, 1.5, 2.5
# Of that scatter, what a second scan of the same place does not share: assumed.
OWN_SHARE = 0.6
# Some lesions are seen badly as a whole, at every scan: SD of a lesion's own offset in logits; assumed.
LESION_SD = 1.0
# What registration leaves: assumed, larger than the 0.11 mm that elastix leaves of a known motion.
RESIDUAL_DEG, RESIDUAL_MM = 0.15, 0.2
THRESHOLD, MIN_LESION_MM3 = 0.45, 3.0


@dataclass(frozen=True)
class Planted:
    """A lesion of the block: fate, volumes of its fraction at both visits (mm³), longest axis (mm) at its larger visit."""

    label: int
    fate: Fate
    before_mm3: float
    after_mm3: float
    axis_mm: float


@dataclass(frozen=True)
class SimulatedPair:
    """Two visits, the half-way space with an error of registration, and the truth on the block's own grid (labels)."""

    before: Visit
    after: Visit
    way: HalfWay
    labels: sitk.Image
    planted: tuple[Planted, ...]
    poses: tuple[sitk.Euler3DTransform, sitk.Euler3DTransform]


def is_changing(number: int) -> bool:
    """Every third pair is the same block scanned twice."""
    return number % 3 != 2


def slices_mm(number: int) -> tuple[float, float]:
    """FLAIR slice thickness at both visits."""
    first, second = PROTOCOLS[(number // 3) % len(PROTOCOLS)]
    return FLAIR_SLICES_MM[first], FLAIR_SLICES_MM[second]


def simulated_pair(number: int) -> SimulatedPair:
    """Pair n; everything random follows from n."""
    rng = np.random.default_rng([20260301, number])
    grid = _grid(1.0)
    planted, fractions, labels, offsets = _lesions(grid, is_changing(number), rng=rng)
    tissue = _tissue(grid, rng=rng)
    shared = smooth_field(grid.size[::-1], SCALE_MM, rng=rng) * SCATTER * np.sqrt(1 - OWN_SHARE) + offsets
    step = float(rng.uniform(*LESION_STEP))
    visits, poses = [], []
    for fraction, thickness, name in zip(fractions, slices_mm(number), ("before", "after"), strict=True):
        pose = draw_move(limit_deg=5, limit_mm=4, rng=rng)
        visits.append(_visit(grid, tissue + step * fraction, fraction, shared, pose, thickness, name, rng=rng))
        poses.append(pose)
    return SimulatedPair(
        visits[0], visits[1], _way(poses, rng=rng), grid.image(labels.astype(np.float32)), planted, (poses[0], poses[1])
    )


def _grid(thickness_mm: float) -> Grid:
    """The block's box, its middle at the origin."""
    spacing = (1.0, 1.0, thickness_mm)
    size = [round((n + 2 * MARGIN) / mm) for n, mm in zip(SIZE, spacing, strict=True)]
    x, y, z = (-(n - 1) / 2 * mm for n, mm in zip(size, spacing, strict=True))
    return Grid((size[0], size[1], size[2]), spacing, (x, y, z), tuple(float(v) for v in np.eye(3).ravel()))


def _block(grid: Grid) -> np.ndarray:
    """Where the block is, an ellipsoid, bool."""
    axes = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in grid.size[::-1]], indexing="ij")
    return sum((2 * axis / n) ** 2 for axis, n in zip(axes, SIZE[::-1], strict=True)) <= 1  # type: ignore[return-value]


def _tissue(grid: Grid, *, rng: np.random.Generator) -> np.ndarray:
    folds = np.clip(smooth_field(grid.size[::-1], 7.0, rng=rng) - 0.8, 0, 0.6) / 0.6
    fine = ndimage.gaussian_filter(rng.standard_normal(grid.size[::-1]), 0.7)
    return ((1 + FOLD * folds) * (1 + 0.025 / fine.std() * fine)).astype(np.float32)


def _lesions(
    grid: Grid, changing: bool, *, rng: np.random.Generator
) -> tuple[tuple[Planted, ...], tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """What is planted, fractions at both visits, labels, and the offset in logits of each lesion's surroundings."""
    shape = grid.size[::-1]
    labels, offsets = np.zeros(shape, int), np.zeros(shape, np.float32)
    fractions = (np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    planted: list[Planted] = []
    taken: list[tuple[np.ndarray, float]] = []
    for volume in np.sort(np.clip(np.exp(LOG_SPREAD * rng.standard_normal(8)) * MEDIAN_MM3, *VOLUMES_MM3))[::-1]:
        radius = (volume * 3 / (4 * np.pi)) ** (1 / 3)
        middle = _free_place(shape, radius, taken, rng=rng)
        if middle is None:
            continue
        taken.append((middle, radius))
        fate = Fate(rng.choice(list(SHARES), p=list(SHARES.values()))) if changing else Fate.UNCHANGED
        reach = int(np.ceil(1.7 * radius + 5))
        window = tuple(slice(max(m - reach, 0), min(m + reach + 1, n)) for m, n in zip(middle, shape, strict=True))
        sides = _both(middle, radius, fate, window, rng=rng)
        for whole, own in zip(fractions, sides, strict=True):
            whole[window] = np.maximum(whole[window], own)
        larger = max(sides, key=np.sum)
        labels[window][larger > 0.3] = len(planted) + 1
        offsets[window][ndimage.maximum_filter(larger, 5) > 0.02] = LESION_SD * rng.standard_normal()
        volumes = [float(side.sum()) for side in sides]
        planted.append(Planted(len(planted) + 1, fate, volumes[0], volumes[1], _axis_mm(larger > 0.3)))
    return tuple(planted), fractions, labels, offsets


def _free_place(
    shape: tuple[int, ...], radius: float, taken: list[tuple[np.ndarray, float]], *, rng: np.random.Generator
) -> np.ndarray | None:
    """A voxel inside the block, away from its rim and from the other lesions; None where there is no room."""
    half = np.asarray(SIZE[::-1]) / 2 - radius - 4
    for _ in range(60):
        offset = rng.uniform(-half, half)
        middle = np.rint(offset + (np.asarray(shape) - 1) / 2).astype(int)
        apart = all(np.linalg.norm(middle - other) > radius + size + 5 for other, size in taken)
        if apart and np.sum((offset / half) ** 2) < 1:
            return middle
    return None


def _both(
    middle: np.ndarray, radius: float, fate: Fate, window: tuple[slice, ...], *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fractions of one lesion at both visits, in its window."""
    ratio = np.exp(rng.normal(0, 0.2, 3))
    ratio /= np.prod(ratio) ** (1 / 3)
    axes = np.meshgrid(*[np.arange(w.start, w.stop) - m for w, m in zip(window, middle, strict=True)], indexing="ij")
    distance = np.sqrt(sum((axis / r) ** 2 for axis, r in zip(axes, ratio, strict=True)))

    def ball(size: float) -> np.ndarray:
        return np.clip((size - distance) / BORDER_MM + 0.5, 0, 1).astype(np.float32)

    own, step = ball(radius), float(rng.uniform(*STEP_MM))
    larger = ball(radius + step)
    if rng.random() < LOCAL_SHARE:
        # At one end: a focus that lies against the lesion, as where a new one meets an old plaque.
        way = rng.standard_normal(3)
        end = radius * ratio * way / np.linalg.norm(way)
        apart = np.sqrt(sum((axis - place) ** 2 for axis, place in zip(axes, end, strict=True)))
        bud = np.clip((float(rng.uniform(*BUD_MM)) - apart) / BORDER_MM + 0.5, 0, 1)
        larger = np.maximum(own, bud).astype(np.float32)
    nothing = np.zeros_like(own)
    return {
        Fate.NEW: (nothing, own),
        Fate.VANISHING: (own, nothing),
        Fate.GROWING: (own, larger),
        Fate.SHRINKING: (larger, own),
    }.get(fate, (own, own))


def _axis_mm(inside: np.ndarray) -> float:
    """Longest distance between two voxels and one voxel more."""
    places = np.argwhere(inside)
    places = places[:: max(1, len(places) // 300)]
    return float(np.linalg.norm(places[:, None] - places[None], axis=-1).max() + 1) if len(places) else 0.0


def _visit(
    grid: Grid,
    person: np.ndarray,
    fraction: np.ndarray,
    shared: np.ndarray,
    pose: sitk.Euler3DTransform,
    thickness_mm: float,
    name: str,
    *,
    rng: np.random.Generator,
) -> Visit:
    """One scan of the block and its stand-in segmentation."""
    native, working, back = _grid(thickness_mm), _grid(1.0), pose.GetInverse()
    shading = 1 + 0.05 * np.clip(smooth_field(native.size[::-1], 40.0, rng=rng), -1, 1)
    scanned = add_rician_noise(
        sample_patient(grid.image(person), native, pose) * shading, float(rng.uniform(*NOISE)), rng=rng
    )
    inside = grid.image(_block(grid).astype(np.float32))
    brain = voxels(resample(inside, working, source_from_grid=back)) >= 0.5
    flair = np.where(brain, voxels(resample(native.image(scanned.astype(np.float32)), working)), 0)
    seen = voxels(resample(native.image(sample_patient(grid.image(fraction), native, pose)), working))
    errors = voxels(resample(grid.image(shared.astype(np.float32)), working, source_from_grid=back))
    errors = errors + SCATTER * np.sqrt(OWN_SHARE) * smooth_field(working.size[::-1], SCALE_MM, rng=rng)
    # Away from lesions the network is sure: it makes next to no error there.
    logit = SLOPE * (seen - MIDDLE) + np.where(seen > 0.02, errors, -1.0)
    probability = working.image((brain / (1 + np.exp(-logit))).astype(np.float32))
    on_native = voxels(resample(probability, native))
    instances = label_instances(
        on_native, threshold=THRESHOLD, min_lesion_mm3=MIN_LESION_MM3, voxel_volume_mm3=native.voxel_volume_mm3
    )
    identity = {Modality.FLAIR: sitk.Transform(3, sitk.sitkIdentity)}
    exam = WorkingExam(
        {Modality.FLAIR: working.image(flair.astype(np.float32))},
        working.image(brain.astype(np.uint8)),
        Modality.FLAIR,
        identity,
        {Modality.FLAIR: native},
        {},
    )
    images = {Modality.FLAIR: NativeImage(native.spacing_mm, None)}
    maps = (native.image(on_native), native.image(instances))
    return Visit(name, exam, probability, *maps, Modality.FLAIR, images, THRESHOLD, ("stand-in", "", ""))


def _way(poses: list[sitk.Euler3DTransform], *, rng: np.random.Generator) -> HalfWay:
    """The half-way space with an error in each direction of registration."""
    truth = matrix_of(poses[1]) @ np.linalg.inv(matrix_of(poses[0]))
    errors = [matrix_of(draw_move(limit_deg=RESIDUAL_DEG, limit_mm=RESIDUAL_MM, rng=rng)) for _ in range(2)]
    corners = np.array(np.meshgrid(*[(-20.0, 20.0)] * 3)).reshape(3, -1).T
    return half_way(errors[0] @ truth, errors[1] @ np.linalg.inv(truth), corners)
