"""Small cases for tests: anisotropic, asymmetric, oblique, and never anybody's."""

from __future__ import annotations

import nibabel
import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.creation import create_library

SIZE = (7, 6, 5)  # x, y, z


def oblique_grid(image, *, turn=0.3, origin_mm=(-12.5, 3.25, 40.0)):
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    image.SetSpacing((1.0, 1.25, 3.0))
    image.SetOrigin(origin_mm)
    image.SetDirection((cosine, -sine, 0.0, sine, cosine, 0.0, 0.0, 0.0, 1.0))
    return image


def gray(seed=0, *, size=SIZE, **grid):
    """A grey image of whole numbers, int16, as scanners write them."""
    values = np.random.default_rng(seed).integers(20, 900, size[::-1])
    return oblique_grid(sitk.GetImageFromArray(values.astype(np.int16)), **grid)


def labels(seed=0, *, size=SIZE, highest=2, **grid):
    """A label map with every value from 0 to the highest."""
    values = np.random.default_rng(100 + seed).integers(0, highest + 1, size[::-1])
    values.ravel()[: highest + 1] = np.arange(highest + 1)
    return oblique_grid(sitk.GetImageFromArray(values.astype(np.uint8)), **grid)


def soft(seed=0, **grid):
    values = np.random.default_rng(200 + seed).random(SIZE[::-1]).astype(np.float32)
    values[0, 0, :2] = 0, 1
    return oblique_grid(sitk.GetImageFromArray(values), **grid)


def written(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path), useCompression=path.suffix == ".gz")
    return path


def array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def new_library(folder):
    return create_library(folder / "library")


def flair_only(seed=0):
    return {Modality.FLAIR: gray(seed)}


def all_files(library):
    return {str(p.relative_to(library)): p.read_bytes() for p in sorted(library.rglob("*")) if p.is_file()}


def case_files(library):
    """Every file but those that only writers need."""
    return {name: content for name, content in all_files(library).items() if not name.startswith(".mssoftseg")}


def nifti_with_text(image, path, **fields):
    """The image as NIfTI with text in its header's free fields."""
    written(image, path)
    loaded = nibabel.load(path)
    for field, text in fields.items():
        if field == "extension":
            loaded.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", text))
        else:
            loaded.header[field] = text
    content = nibabel.Nifti1Image(np.asarray(loaded.dataobj).copy(), loaded.affine, loaded.header)
    nibabel.save(content, path)
    return path
