"""Which files are images, by the end of their names."""

from __future__ import annotations

from enum import StrEnum


class ImageFormat(StrEnum):
    """A family of image files; the value is the name of ITK's reader for it."""

    NIFTI = "NiftiImageIO"
    NRRD = "NrrdImageIO"
    META = "MetaImageIO"


# Longest first: ".nii.gz" must be seen before a shorter end that it contains.
FORMAT_OF_EXTENSION = {
    ".nii.gz": ImageFormat.NIFTI,
    ".nii": ImageFormat.NIFTI,
    ".nrrd": ImageFormat.NRRD,
    ".nhdr": ImageFormat.NRRD,
    ".mha": ImageFormat.META,
    ".mhd": ImageFormat.META,
}
# A small text header whose voxels lie in a second file.
DETACHED_EXTENSIONS = (".nhdr", ".mhd")
KNOWN_EXTENSIONS = ", ".join(FORMAT_OF_EXTENSION)


def image_extension(file_name: str) -> str | None:
    """The extension in lower case if it is one of an image, else None."""
    lowered = file_name.lower()
    return next((extension for extension in FORMAT_OF_EXTENSION if lowered.endswith(extension)), None)


def image_stem(file_name: str) -> str:
    """The file name without its image extension; ``T1.nii.gz`` gives ``T1``."""
    extension = image_extension(file_name)
    return file_name[: -len(extension)] if extension else file_name.rpartition(".")[0] or file_name
