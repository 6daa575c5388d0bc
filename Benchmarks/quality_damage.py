"""Ways in which a good exam is spoilt, for the benchmark of the quality checks.

Each takes a good exam and gives the working exam that preprocessing would have handed on, or None where the exam lacks
the image. Images are damaged one at a time, the others stay good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from quality_exams import GoodExam
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, image_like, orient_canonically, resample, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.pipeline import resample_mask
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

FLAIR, T1, T2 = Modality.FLAIR, Modality.T1, Modality.T2
Spoil = Callable[[GoodExam], WorkingExam | None]


@dataclass(frozen=True)
class Damage:
    """name: as the table says it; slots: those that a warning should name, empty where it is about the brain."""

    name: str
    slots: tuple[Modality, ...]
    spoil: Spoil


def with_image(working: WorkingExam, modality: Modality, image: sitk.Image | np.ndarray) -> WorkingExam:
    """The exam with one image exchanged, 0 outside the brain."""
    if isinstance(image, np.ndarray):
        image = image_like(working.brain_mask, image.astype(np.float32))
    return replace(working, images={**working.images, modality: sitk.Mask(image, working.brain_mask)})


def exchanged(into: Modality, out_of: Modality, *, leaves: str) -> Spoil:
    """An image in another slot. leaves: "nothing" in its own slot, "itself" in it too, or "the other" image there."""

    def spoil(good: GoodExam) -> WorkingExam | None:
        working = good.working
        if out_of not in working.images:
            return None
        images, grids = dict(working.images), dict(working.native_grids)
        ways = dict(working.native_from_working)
        for held in (images, grids, ways):
            before = held.get(into)
            held[into] = held[out_of]
            if leaves == "nothing" or (leaves == "the other" and before is None):
                del held[out_of]
            elif leaves == "the other":
                held[out_of] = before
        order = [m for m in Modality if m in images]
        return replace(working, images={m: images[m] for m in order}, native_grids=grids, native_from_working=ways)

    return spoil


def moved(modality: Modality, *, turn_deg: float = 0.0, shift_mm: float = 0.0) -> Spoil:
    """The native image read from beside its place: turned about, or shifted along, an axis that the exam's name decides."""

    def spoil(good: GoodExam) -> WorkingExam | None:
        working = good.working
        if modality not in working.images:
            return None
        axis = sum(map(ord, good.name)) % 3
        center = np.argwhere(voxels(working.brain_mask)).mean(axis=0)[::-1]
        away = sitk.Euler3DTransform()
        away.SetCenter(working.brain_mask.TransformContinuousIndexToPhysicalPoint([float(v) for v in center]))
        away.SetRotation(*(float(v) for v in np.deg2rad(turn_deg) * np.eye(3)[axis]))
        away.SetTranslation([float(v) for v in shift_mm * np.eye(3)[(axis + 1) % 3]])
        way = sitk.CompositeTransform([working.native_from_working[modality], away])
        spoilt = with_image(working, modality, resample(good.natives[modality], working.grid, source_from_grid=way))
        return replace(spoilt, native_from_working={**working.native_from_working, modality: way})

    return spoil


def values(modality: Modality, change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Spoil:
    """change: from an image's array and the mask to another array."""

    def spoil(good: GoodExam) -> WorkingExam | None:
        working = good.working
        if modality not in working.images:
            return None
        array, mask = voxels(working.images[modality]), voxels(working.brain_mask) > 0
        return with_image(working, modality, np.where(mask, change(array, mask), 0))

    return spoil


def inverted(array: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Bright is dark."""
    return np.asarray(np.percentile(array[mask], 99.9) - array)


def constant(array: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The same value everywhere."""
    return np.full_like(array, np.median(array[mask]))


def blurred(sd_mm: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Gaussian blur inside the brain; working voxels are 1 mm."""

    def change(array: np.ndarray, mask: np.ndarray) -> np.ndarray:
        share = ndimage.gaussian_filter(mask.astype(np.float32), sd_mm)
        return np.asarray(ndimage.gaussian_filter(array, sd_mm) / np.maximum(share, 1e-3))

    return change


def noisy(modality: Modality, sd: float) -> Spoil:
    """Rician noise added on the native voxels; sd relative to the brain's median."""

    def spoil(good: GoodExam) -> WorkingExam | None:
        working = good.working
        if modality not in working.images:
            return None
        native, way = Grid.of(good.natives[modality]), working.native_from_working[modality]
        array, mask = voxels(working.images[modality]), voxels(working.brain_mask) > 0
        size = sd * float(np.median(array[mask]))
        rng = np.random.default_rng(1)
        real, imaginary = (
            size * voxels(resample(native.image(_noise(native, rng)), working.grid, source_from_grid=way))
            for _channel in range(2)
        )
        return with_image(working, modality, np.hypot(array + real, imaginary))

    return spoil


def _noise(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(grid.size[::-1]).astype(np.float32)


def thick(modality: Modality, *, thickness_mm: float, header: bool) -> Spoil:
    """The native image in thick slices along its thickest axis. header: whether its grid is known to be so."""

    def spoil(good: GoodExam) -> WorkingExam | None:
        working = good.working
        if modality not in working.images:
            return None
        native = good.natives[modality]
        axis = int(np.argmax(native.GetSpacing()))
        mean = np.asarray(voxels(native), np.float32)
        mean = ndimage.uniform_filter1d(mean, max(1, round(thickness_mm / native.GetSpacing()[axis])), axis=2 - axis)
        spacing, size = list(native.GetSpacing()), list(native.GetSize())
        size[axis] = max(2, round(size[axis] * spacing[axis] / thickness_mm))
        spacing[axis] = thickness_mm
        coarse = Grid(tuple(size), tuple(spacing), native.GetOrigin(), native.GetDirection())
        slices = resample(image_like(native, mean), coarse)
        way = working.native_from_working[modality]
        spoilt = with_image(working, modality, resample(slices, working.grid, source_from_grid=way))
        grids = {**working.native_grids, modality: coarse} if header else working.native_grids
        return replace(spoilt, native_grids=grids)

    return spoil


def masked(change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    """Another brain mask: change of its array (z, y, x), axes to superior, posterior and left."""

    def spoil(good: GoodExam) -> WorkingExam | None:
        upright = orient_canonically(good.working.brain_mask)
        changed = image_like(upright, change(voxels(upright) > 0).astype(np.uint8))
        return remasked(good, changed)

    return spoil


def remasked(good: GoodExam, mask: sitk.Image) -> WorkingExam:
    """The working exam with a mask on another grid of the working space, images read anew from the native files."""
    grid = Grid.of(mask)
    ways = good.working.native_from_working
    images = {
        m: sitk.Mask(resample(good.natives[m], grid, source_from_grid=ways[m]), mask) for m in good.working.images
    }
    return replace(good.working, images=images, brain_mask=mask)


def left_half(mask: np.ndarray) -> np.ndarray:
    """Only the half towards higher x."""
    return mask & (np.arange(mask.shape[2]) > _middle(mask, 2))


def upper_half(mask: np.ndarray) -> np.ndarray:
    """Only the half towards the top."""
    return mask & (np.arange(mask.shape[0]) > _middle(mask, 0))[:, None, None]


def without_a_quarter(mask: np.ndarray) -> np.ndarray:
    """Without the front of one side."""
    front = np.arange(mask.shape[1]) < _middle(mask, 1)
    side = np.arange(mask.shape[2]) < _middle(mask, 2)
    return mask & ~(front[:, None] & side[None, :])


def almost_nothing(mask: np.ndarray) -> np.ndarray:
    """A core of the brain."""
    return np.asarray(ndimage.distance_transform_edt(mask) > 30)


def beside(mask: np.ndarray) -> np.ndarray:
    """The mask 20 mm to the back of the brain, as on a wrong header."""
    return np.pad(mask, ((0, 0), (20, 0), (0, 0)))[:, : mask.shape[1]]


def _middle(mask: np.ndarray, axis: int) -> float:
    return float(np.nonzero(mask)[axis].mean())


def whole_head(good: GoodExam) -> WorkingExam | None:
    """Skull and skin in the mask; None for an exam that has none."""
    if good.name == "patient26":
        return None
    flair, grid = good.natives[FLAIR], good.working.grid
    array = ndimage.uniform_filter(np.asarray(voxels(flair), np.float32), 3)
    label, _count = ndimage.label(array > 0.15 * np.percentile(array, 99))
    head = label == 1 + int(np.argmax(np.bincount(label.ravel())[1:]))
    larger = _padded(grid, 48)
    mask = resample_mask(image_like(flair, head.astype(np.uint8)), larger, good.working.native_from_working[FLAIR])
    filled = ndimage.binary_fill_holes(voxels(mask) > 0)
    return remasked(good, larger.image(filled.astype(np.uint8)))


def _padded(grid: Grid, voxels_each_side: int) -> Grid:
    origin = grid.lps_from_voxel() @ np.array([-voxels_each_side] * 3 + [1])
    size_x, size_y, size_z = (n + 2 * voxels_each_side for n in grid.size)
    x, y, z = (float(v) for v in origin[:3])
    return Grid((size_x, size_y, size_z), grid.spacing_mm, (x, y, z), grid.direction)


DAMAGES = (
    Damage("T1 in the FLAIR slot only", (FLAIR,), exchanged(FLAIR, T1, leaves="nothing")),
    Damage("T1 in the FLAIR slot and its own", (FLAIR,), exchanged(FLAIR, T1, leaves="itself")),
    Damage("T2 in the FLAIR slot only", (FLAIR,), exchanged(FLAIR, T2, leaves="nothing")),
    Damage("T1 and T2 swapped", (T1, T2), exchanged(T1, T2, leaves="the other")),
    Damage("FLAIR and T1 swapped", (FLAIR, T1), exchanged(FLAIR, T1, leaves="the other")),
    Damage("FLAIR in the T2 slot too", (T2,), exchanged(T2, FLAIR, leaves="itself")),
    Damage("T2 turned by 10°", (T2,), moved(T2, turn_deg=10)),
    Damage("T2 shifted by 8 mm", (T2,), moved(T2, shift_mm=8)),
    Damage("T2 shifted by 4 mm", (T2,), moved(T2, shift_mm=4)),
    Damage("T1 turned by 10°", (T1,), moved(T1, turn_deg=10)),
    Damage("T1 shifted by 8 mm", (T1,), moved(T1, shift_mm=8)),
    Damage("left half of the brain missing", (), masked(left_half)),
    Damage("lower half of the brain missing", (), masked(upper_half)),
    Damage("a quarter of the brain missing", (), masked(without_a_quarter)),
    Damage("brain mask almost empty", (), masked(almost_nothing)),
    Damage("brain mask 20 mm beside the brain", (), masked(beside)),
    Damage("brain mask is the whole head", (), whole_head),
    Damage("FLAIR with noise of SD 25 %", (FLAIR,), noisy(FLAIR, 0.25)),
    Damage("FLAIR with noise of SD 15 %", (FLAIR,), noisy(FLAIR, 0.15)),
    Damage("T2 with noise of SD 25 %", (T2,), noisy(T2, 0.25)),
    Damage("FLAIR blurred by SD 2.5 mm", (FLAIR,), values(FLAIR, blurred(2.5))),
    Damage("T1 blurred by SD 2.5 mm", (T1,), values(T1, blurred(2.5))),
    Damage("FLAIR in 8 mm slices", (FLAIR,), thick(FLAIR, thickness_mm=8, header=True)),
    Damage("FLAIR in 8 mm slices, header says otherwise", (FLAIR,), thick(FLAIR, thickness_mm=8, header=False)),
    Damage("FLAIR inverted", (FLAIR,), values(FLAIR, inverted)),
    Damage("T1 inverted", (T1,), values(T1, inverted)),
    Damage("T2 inverted", (T2,), values(T2, inverted)),
    Damage("FLAIR constant", (FLAIR,), values(FLAIR, constant)),
    Damage("T1 constant", (T1,), values(T1, constant)),
)
