"""Is the brain mask a brain, whole, and shown by all images?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, orient_canonically, voxels
from MSSoftSegLib.exam.linear import matrix_of, move_points
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.warning import Check, QualityWarning

# An adult brain with its fluid; good exams 1123 to 1657 ml.
SMALLEST_ML, LARGEST_ML = 800.0, 2000.0
# Width over length and height over length; good exams 0.70 to 0.84 and 0.73 to 0.89.
WIDTH_OF_LENGTH, HEIGHT_OF_LENGTH = (0.58, 0.98), (0.55, 1.10)
# Share of the mask that its own mirror image covers; good exams 0.93 to 0.98, a brain without one quarter below 0.8.
LEAST_SYMMETRY = 0.88
# Share that lies in enclosed holes or apart from the largest piece; good exams 0.
MOST_BROKEN = 0.02
# Where the brain stem leaves the field of view it is cut by 15 to 45 cm²; half a brain is cut by more than 100.
MOST_CUT_CM2 = 60.0
# Of the brain that T1 or T2 does not show; good exams up to 2 %.
MOST_UNSEEN = 0.10
# Air and bone are dark in all images, fluid is not in T2: share of the 12 mm below the surface that is darker than a fifth
# of each image's median. Good exams up to 0.8 %, a mask that lies 15 mm beside a real brain 4 to 9 %.
DARK, SHELL_MM, MOST_DARK = 0.2, 12.0, 0.025
REMEDY = "check the brain mask over FLAIR, and choose another brain extraction or give a mask."


def brain_warnings(
    working: WorkingExam, view: BrainView, *, doubted: Collection[Modality | None] = ()
) -> Iterator[QualityWarning]:
    """About the mask, one at most; about the field of view, one for every image. doubted: slots that hold the wrong image."""
    oddity = mask_oddity(working, view, trusted=[modality for modality in view.images if modality not in doubted])
    if oddity:
        yield QualityWarning(Check.BRAIN, f"{oddity}: {REMEDY}")
    cut_cm2 = cut_surface_cm2(working, view)
    if cut_cm2 > MOST_CUT_CM2:
        yield QualityWarning(
            Check.BRAIN,
            f"The field of view of FLAIR cuts {cut_cm2:.0f} cm² of the brain's surface: lesions beyond it are not seen. "
            "Choose a series that shows the whole brain if there is one.",
            Modality.FLAIR,
        )
    for modality, share in unseen_shares(working, view).items():
        if modality is not Modality.FLAIR and share > MOST_UNSEEN:
            yield QualityWarning(
                Check.BRAIN,
                f"The {modality.upper()} image does not show {100 * share:.0f} % of the brain: what is found there rests on "
                "the other images. Check its alignment, or leave the slot empty.",
                modality,
            )


def mask_oddity(working: WorkingExam, view: BrainView, *, trusted: Collection[Modality]) -> str:
    """What no adult brain does and this mask does; "" where nothing is odd."""
    volume_ml = float(view.mask.sum() * working.grid.voxel_volume_mm3 / MM3_PER_ML)
    if not SMALLEST_ML <= volume_ml <= LARGEST_ML:
        return f"The brain mask holds {volume_ml:.0f} ml, which no adult brain does"
    few = view.mask[:: view.step, :: view.step, :: view.step]
    if broken_share(few) > MOST_BROKEN:
        return "The brain mask has holes or loose pieces"
    upright = voxels(orient_canonically(working.brain_mask))[:: view.step, :: view.step, :: view.step] > 0
    occupied = np.nonzero(upright)
    height, length, width = (int(axis.max() - axis.min() + 1) for axis in occupied)
    if not _within(width / length, WIDTH_OF_LENGTH) or not _within(height / length, HEIGHT_OF_LENGTH):
        return "The brain mask has not the shape of a whole brain"
    if symmetry(upright) < LEAST_SYMMETRY:
        return "The two sides of the brain mask differ more than those of a brain"
    if Modality.T2 in trusted and dark_share(view, trusted) > MOST_DARK:
        return "Below its surface the brain mask holds much that is dark in all images, as bone and air are"
    return ""


def broken_share(mask: np.ndarray) -> float:
    """Enclosed holes and what is not in the largest piece, relative to the mask."""
    label, _count = ndimage.label(mask)
    apart = mask.sum() - np.bincount(label.ravel())[1:].max(initial=0)
    holes = ndimage.binary_fill_holes(mask).sum() - mask.sum()
    return float((apart + holes) / max(1, mask.sum()))


def symmetry(upright: np.ndarray) -> float:
    """Share of a mask (z, y, x with x to the left) that its mirror image covers, for the best plane between the sides."""
    sums = upright.reshape(-1, upright.shape[2]).astype(np.float32)
    middle = float((sums.sum(axis=0) * np.arange(sums.shape[1])).sum() / max(1.0, float(sums.sum())))
    best = 0
    for twice in range(round(2 * middle) - 8, round(2 * middle) + 9):
        source = twice - np.arange(upright.shape[2])
        known = (source >= 0) & (source < upright.shape[2])
        best = max(best, int(np.count_nonzero(upright[:, :, known] & upright[:, :, source[known]])))
    return best / max(1, int(np.count_nonzero(upright)))


def dark_share(view: BrainView, modalities: Iterable[Modality]) -> float:
    """Share of the outer brain that is dark in all these images."""
    shell = (view.depth_mm > 0) & (view.depth_mm < SHELL_MM)
    dark = shell.copy()
    for modality in modalities:
        image = view.coarse(modality)
        dark &= image < DARK * np.median(image[view.depth_mm > 0])
    return float(dark.sum() / max(1, shell.sum()))


def cut_surface_cm2(working: WorkingExam, view: BrainView) -> float:
    """Surface of the mask that lies within one voxel of the border of FLAIR's field of view."""
    surface = view.mask & ~ndimage.binary_erosion(view.mask)
    index = _native_index(working, Modality.FLAIR, np.argwhere(surface))
    last = np.asarray(working.native_grids[Modality.FLAIR].size) - 1
    at_border = np.any((index < 0.5) | (index > last - 0.5), axis=1)
    return float(at_border.sum() * view.spacing_mm**2 / 100)


def unseen_shares(working: WorkingExam, view: BrainView) -> Mapping[Modality, float]:
    """Of each image, the share of the brain outside its field of view."""
    some = np.argwhere(view.depth_mm > 0) * view.step
    shares = {}
    for modality in view.images:
        index = _native_index(working, modality, some)
        last = np.asarray(working.native_grids[modality].size) - 1
        shares[modality] = float(np.any((index < -0.5) | (index > last + 0.5), axis=1).mean()) if len(some) else 0.0
    return shares


def _native_index(working: WorkingExam, modality: Modality, zyx: np.ndarray) -> np.ndarray:
    """Where voxels (n, 3) (z, y, x) of the working grid lie in a native image: continuous indices (x, y, z)."""
    points = move_points(zyx[:, ::-1].astype(float), working.grid.lps_from_voxel())
    points = move_points(points, matrix_of(working.native_from_working[modality]))
    native: Grid = working.native_grids[modality]
    return move_points(points, np.linalg.inv(native.lps_from_voxel()))


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
