"""A made-up Task09_Spleen: CTs of small abdomens in Hounsfield units, as the Decathlon's archive unpacks.

Every body lies on a table and has fat under the skin, a liver as bright as the spleen or nearly so, spine, aorta, kidneys, a
stomach with gas in it, and lungs in its upper slices; the spleen is a bean on the left, behind.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

SHAPE = (14, 54, 70)  # z, y, x
SPACING_MM = (3.2, 3.2, 5.0)  # x, y, z
AIR, FAT, MUSCLE, LIVER, SPLEEN, KIDNEY, AORTA, BONE, LUNG, TABLE = -1000, -100, 55, 95, 125, 190, 160, 400, -850, -60
NOISE_HU = 15.0
LOWEST_STORED_HU = -1024


def write_spleen_task(folder: Path, count: int, *, seed: int) -> Path:
    """``count`` training cases with dataset.json, imagesTr and labelsTr; the folder."""
    names = [f"spleen_{number + 2}" for number in range(count)]
    for number, name in enumerate(names):
        image, label = make_abdomen(rng=np.random.default_rng([seed, number]))
        for part, content in (("imagesTr", image), ("labelsTr", label)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(content, str(folder / part / f"{name}.nii.gz"), useCompression=True)
    description = {
        "name": "Spleen",
        "tensorImageSize": "3D",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "spleen"},
        "numTraining": count,
        "training": [{"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in names],
        "test": [],
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def make_abdomen(*, rng: np.random.Generator) -> tuple[sitk.Image, sitk.Image]:
    """A CT (int16, HU) and its spleen (uint8, 1 = spleen); voxels in the order right–left, front–back reversed, as there."""
    # Left (x), back (y) and up (z) from the middle, in mm; every body has its own size and its organs their own places.
    z, y, x = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in SHAPE], indexing="ij")
    x, y, z = (values * spacing for values, spacing in zip((x, y, z), SPACING_MM, strict=True))
    size = rng.uniform(0.92, 1.08)

    def ellipsoid(center: tuple[float, ...], half: tuple[float, ...], *, moved_mm: float = 4.0) -> np.ndarray:
        places = np.array(center) * size + rng.uniform(-moved_mm, moved_mm, 3)
        axes = np.array(half) * size * rng.uniform(0.92, 1.08, 3)
        return sum(((v - p) / a) ** 2 for v, p, a in zip((x, y, z), places, axes, strict=True)) <= 1

    def cylinder(half_x: float, half_y: float) -> np.ndarray:
        return (x / (half_x * size)) ** 2 + (y / (half_y * size)) ** 2 <= 1

    hu = np.full(SHAPE, float(AIR))
    hu[cylinder(98, 74)] = FAT
    hu[cylinder(88, 65)] = MUSCLE
    inside = cylinder(82, 60)
    hu[inside] = FAT
    hu[inside & ellipsoid((-42, -8, 4), (46, 44, 38))] = LIVER
    hu[inside & ellipsoid((22, -24, 2), (24, 18, 24))] = MUSCLE
    hu[inside & ellipsoid((22, -32, 2), (13, 7, 14), moved_mm=1.0)] = AIR
    for side in (-1, 1):
        hu[inside & ellipsoid((36.0 * side, 28, -16), (12, 12, 22))] = KIDNEY
    spleen = ellipsoid((56, 20, 8), (18, 28, 24)) & ~ellipsoid((38, 8, 4), (16, 20, 22)) & inside
    hu[spleen] = SPLEEN
    hu[(x / 9) ** 2 + ((y - 22) / 9) ** 2 <= 1] = AORTA
    hu[(x / 16) ** 2 + ((y - 44) / 13) ** 2 <= 1] = BONE
    lungs = inside & (z > 26 * size) & (np.abs(x) > 24) & ~spleen
    hu[lungs] = LUNG
    hu[(np.abs(x) < 90) & (np.abs(y - 75.5 * size) < 1.7)] = TABLE
    noisy = np.clip(np.rint(hu + rng.normal(0, NOISE_HU, SHAPE)), LOWEST_STORED_HU, None)
    return _image(noisy.astype(np.int16)), _image(spleen.astype(np.uint8))


def _image(array: np.ndarray) -> sitk.Image:
    """Stored as the Decathlon's files are: from right to left and from front to back reversed (RAS)."""
    image = sitk.GetImageFromArray(array[:, ::-1, ::-1])
    image.SetSpacing(SPACING_MM)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    image.SetOrigin((112.0, 61.5, -420.0))
    return image
