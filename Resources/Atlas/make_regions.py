"""Derive the region labels that ship from the atlas maps beside this file.

Run from a checkout:  python Resources/Atlas/make_regions.py

The atlas has tissues, no names. Where a name begins follows from the tissue maps and from landmarks in MNI coordinates
(mm; x to the right, y to the front, z up; the map is symmetric), each stated where it is used. Labels: MSSoftSegLib's
region/regions.py. Borders are those of an average brain, a voxel or two uncertain: the exam's own images move them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.region.regions import Region

FOLDER = Path(__file__).resolve().parent
FULL = 255.0


@dataclass(frozen=True)
class Template:
    """Tissue fractions, float32 (z, y, x), 0-1, and the MNI coordinates of their voxels (broadcastable); side = |x|."""

    gray: np.ndarray
    white: np.ndarray
    csf: np.ndarray
    brain: np.ndarray
    side: np.ndarray
    y: np.ndarray
    z: np.ndarray

    def box(self, side: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> np.ndarray:
        """True inside a box given by its lowest and highest |x|, y and z; on both sides of the midline."""
        inside = (self.side >= side[0]) & (self.side <= side[1]) & (self.y >= y[0]) & (self.y <= y[1])
        box: np.ndarray = inside & (self.z >= z[0]) & (self.z <= z[1])
        return box


def read_template() -> tuple[Template, sitk.Image]:
    """The shipped maps, and an image with their grid."""
    images = {s: sitk.ReadImage(str(FOLDER / f"{s}.nii.gz")) for s in ("gray_matter", "white_matter", "csf", "brain")}
    gray, white, csf, brain = (sitk.GetArrayFromImage(image).astype(np.float32) / FULL for image in images.values())
    origin = images["brain"].GetOrigin()
    z, y, x = (np.arange(n) + first for n, first in zip(gray.shape, origin[::-1], strict=True))
    # The files run to left and back (LPS), MNI coordinates to right and front.
    grid = np.abs(x)[None, None, :], -y[None, :, None], z[:, None, None]
    return Template(gray, white, csf, brain > 0.5, *grid), images["brain"]


def lateral_ventricles(t: Template) -> np.ndarray:
    """Bodies, atria and horns; the cisterns behind the third ventricle lie in the same range of y and z, but medially."""
    body = t.box((0, 34), (-52, 40), (-2, 34)) & (t.csf > 0.4)
    cistern = (
        t.box((0, 12), (-60, -24), (-30, 12)) | t.box((0, 6), (-24, 4), (-30, 9)) | t.box((0, 40), (2, 40), (-20, -6))
    )
    frontal = t.box((0, 24), (4, 40), (-6, 2)) & (t.csf > 0.5) & ~t.box((0, 3), (28, 40), (-20, 2))
    body = (body & ~cistern) | (frontal & ~cistern)
    # The Sylvian fissure reaches |x| = 30 at the front.
    body &= ~t.box((24, 40), (-24, 40), (-20, 40))
    temporal = t.box((24, 40), (-46, -8), (-22, -2)) & (t.csf > 0.35)
    occipital = t.box((20, 34), (-80, -50), (-4, 14)) & (t.csf > 0.2)
    # At the midline fluid above the callosum is the fissure between the hemispheres.
    fissure = (t.side <= 5) & ~enclosed_by_callosum(t)
    parts, count = ndimage.label((body | temporal | occipital) & ~fissure, np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.isin(parts, np.flatnonzero(sizes >= 60))


def third_ventricle(t: Template) -> np.ndarray:
    """Between the thalami: narrow, hence far from pure fluid in an average."""
    return t.box((0, 3), (-24, 3), (-11, 8)) & (t.csf > 0.3)


def fourth_ventricle(t: Template) -> np.ndarray:
    """Behind the pons, with the aqueduct that leads to it."""
    fourth = t.box((0, 11), (-56, -33), (-48, -22)) & (t.csf > 0.3)
    parts, _ = ndimage.label(fourth)
    middle = np.argwhere(t.box((0, 0), (-42, -42), (-32, -32)))[0]
    aqueduct = t.box((0, 1), (-38, -28), (-22, -6)) & (t.csf > 0.15)
    return (parts == parts[tuple(middle)]) | aqueduct


def infratentorial(t: Template) -> np.ndarray:
    """Cerebellum, peduncles and brain stem: flooded from inside; the tentorium's fluid is the watershed.

    Above, the midbrain ends at the plane through posterior commissure (y -25, z -1) and mammillary bodies (y -8, z -12).
    """
    tissue = ndimage.gaussian_filter(t.gray + t.white, 0.8)
    under_midbrain_mm = t.z + 1 + 0.65 * (t.y + 25)
    stem = t.box((0, 10), (-42, -12), (-75, -6)) & (tissue > 0.8) & (under_midbrain_mm < -2)
    hindmost = (t.z < -34) & (t.y < -22) & (tissue > 0.3)
    vermis = t.box((0, 6), (-72, -50), (-40, -16)) & (tissue > 0.6)
    nuclei = t.box((8, 32), (-70, -42), (-34, -25)) & (t.white > 0.4)
    above = (t.z > 6) & (tissue > 0.5)
    thalamus = t.box((0, 16), (-30, 0), (-16, 8)) & (tissue > 0.5) & (under_midbrain_mm > 2)
    temporal = (t.side > 26) & (t.y > -32) & (tissue > 0.5) & (t.z > -50)
    basal = (t.side > 16) & (t.y < -34) & (t.z > -4) & (tissue > 0.5)
    front = (t.y > -4) & (tissue > 0.5)
    fusiform = t.box((36, 60), (-60, -30), (-14, -4)) & (t.white > 0.5)
    parahippocampal = t.box((17, 26), (-34, -4), (-24, -12)) & (t.gray + t.white > 0.8) & (t.y > -30)
    markers = np.zeros(tissue.shape, np.int32)
    markers[above | thalamus | temporal | basal | front | fusiform | parahippocampal] = 1
    markers[stem | hindmost | vermis | nuclei] = 2
    cost = np.clip((1 - np.clip(tissue, 0, 1)) * 255, 0, 255).astype(np.uint8)
    flooded = ndimage.watershed_ift(cost, markers)
    inside: np.ndarray = (flooded == 2) & t.brain & ((under_midbrain_mm < 0) | (t.y < -36))
    return inside


def deep_gray(t: Template) -> np.ndarray:
    """Caudate, lentiform nucleus and thalamus: gray or mixed tissue in boxes that stay medial of the insula."""
    caudate = t.box((6, 20), (-4, 27), (-9, 18)) | t.box((9, 21), (-24, 8), (14, 27))
    lentiform = t.box((12, 33), (-22, 20), (-9, 13))
    thalamus = t.box((1, 24), (-34, -2), (-5, 17))
    mixed = ndimage.gaussian_filter(t.gray, 0.7) > 0.3
    inside = (caudate | lentiform | thalamus) & mixed & (t.csf < 0.5)
    return ndimage.binary_opening(inside, iterations=1)


def enclosed_by_callosum(t: Template) -> np.ndarray:
    """The plane (z, y, 1) below the arch: its roof lies above and, in front and behind, its bends lie farther out."""
    arch = callosal_arch(t)
    roof_above = np.flip(np.cumsum(np.flip(arch, 0), 0), 0) > 0
    enclosed: np.ndarray = (roof_above & ~arch)[:, :, None]
    return enclosed


def callosal_arch(t: Template) -> np.ndarray:
    """The callosum in the plane of the midline, (z, y)."""
    middle = int(np.argmin(t.side.ravel()))
    plane = (t.white[:, :, middle] > 0.5) & ((t.z > -6) & (t.y < 45) & (t.y > -50))[:, :, 0]
    parts, _ = ndimage.label(plane)
    z, y = int(np.argmin(np.abs(t.z.ravel() - 10))), int(np.argmin(np.abs(t.y.ravel() + 40)))
    near = parts[z - 4 : z + 5, y - 5 : y + 6]
    arch: np.ndarray = parts == np.bincount(near[near > 0]).argmax()
    return arch


def hypothalamus(t: Template) -> np.ndarray:
    """Gray matter around the lower third ventricle."""
    return t.box((0, 9), (-14, 4), (-15, -4)) & (t.gray > 0.4)


def gray_that_is_no_cortex(t: Template, ventricles: np.ndarray) -> np.ndarray:
    """Septum, fornix, and the rims of ventricles, where fluid and white matter mix; hippocampus and calcarine cortex stay."""
    rim = (ndimage.distance_transform_edt(~ventricles) <= 3) & (t.z > 0) & (t.y > -52)
    return rim | t.box((0, 12), (-40, 14), (-16, 24))


def corpus_callosum(t: Template) -> np.ndarray:
    """The arch of white matter across the midline, to 12 mm on either side; it widens away from the midline."""
    distance = ndimage.distance_transform_edt(~callosal_arch(t))
    return (distance[:, :, None] <= 1 + t.side / 3) & (t.side <= 12) & (t.white > 0.5)


def labels(t: Template) -> np.ndarray:
    """Every voxel of the brain with one label; what is named first yields to what is named later."""
    ventricles = lateral_ventricles(t)
    cerebral_gray = (t.gray >= np.maximum(t.white, t.csf)) & ~gray_that_is_no_cortex(t, ventricles)
    result = np.where(t.csf > np.maximum(t.gray, t.white), Region.OUTER_FLUID, Region.CEREBRAL_WHITE)
    result = np.where(cerebral_gray, Region.CORTEX, result)
    below = infratentorial(t)
    callosum = corpus_callosum(t)
    for region, inside in (
        (Region.CORPUS_CALLOSUM, callosum),
        (Region.DEEP_GRAY, (deep_gray(t) | hypothalamus(t)) & ~callosum),
        (Region.INFRATENTORIAL, below & (t.csf <= 0.5)),
        (Region.LATERAL_VENTRICLE, ventricles),
        (Region.THIRD_VENTRICLE, third_ventricle(t)),
        (Region.FOURTH_VENTRICLE, fourth_ventricle(t)),
    ):
        result = np.where(inside, region, result)
    return np.where(t.brain, result, Region.OUTSIDE).astype(np.uint8)


if __name__ == "__main__":
    template, reference = read_template()
    image = sitk.GetImageFromArray(labels(template))
    image.CopyInformation(reference)
    sitk.WriteImage(image, str(FOLDER / "regions.nii.gz"), useCompression=True)
