"""Reading through SimpleITK, whose messages carry full paths and source lines: neither leaves this file."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_format import DETACHED_EXTENSIONS, ImageFormat, image_extension
from MSSoftSegLib.exam.placement import EXPORT_AGAIN

DAMAGED = "copy or export the file again; it may have been cut short in transfer"


class _Quiet:
    """How many are inside; the switch is the whole process's, and several threads may be in at once."""

    lock = threading.Lock()
    inside = 0
    before = False


@contextmanager
def quiet_itk() -> Iterator[None]:
    """ITK's warnings, which name full paths, are off inside and as before outside."""
    with _Quiet.lock:
        if _Quiet.inside == 0:
            _Quiet.before = sitk.ProcessObject.GetGlobalWarningDisplay()
            sitk.ProcessObject.SetGlobalWarningDisplay(False)
        _Quiet.inside += 1
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.inside -= 1
            if _Quiet.inside == 0:
                sitk.ProcessObject.SetGlobalWarningDisplay(_Quiet.before)


@contextmanager
def _reader(path: Path, image_format: ImageFormat) -> Iterator[sitk.ImageFileReader]:
    """A reader of the file, to be used inside: ITK does not know a name like ``FLAIR.Nii.Gz``, so it sees another one."""
    reader = sitk.ImageFileReader()
    # Named, not guessed: ITK's guess is case-sensitive for some extensions.
    reader.SetImageIO(image_format.value)
    extension = path.name[-len(image_extension(path.name) or "") :]
    if extension in (extension.lower(), extension.upper()) or extension.lower() in DETACHED_EXTENSIONS:
        reader.SetFileName(str(path))
        yield reader
        return
    with tempfile.TemporaryDirectory(prefix="mssoftseg-") as folder:
        lowered = Path(folder) / f"image{extension.lower()}"
        try:
            lowered.symlink_to(path.absolute())
        except OSError:  # not allowed to everybody on Windows
            shutil.copyfile(path, lowered)
        reader.SetFileName(str(lowered))
        yield reader


def read_grid_by_itk(path: Path, image_format: ImageFormat) -> Grid:
    """Where ITK (and so Slicer) places the file's first three dimensions; reads the header only."""
    with _reader(path, image_format) as reader:
        try:
            with quiet_itk():
                reader.ReadImageInformation()
        except RuntimeError:
            raise BadImage(f"the geometry of {path.name} cannot be used", remedy=EXPORT_AGAIN) from None
    dimension = reader.GetDimension()
    direction = np.reshape(reader.GetDirection(), (dimension, dimension))[:3, :3]
    return Grid(
        size=reader.GetSize()[:3],
        spacing_mm=reader.GetSpacing()[:3],
        origin_mm=reader.GetOrigin()[:3],
        direction=tuple(float(value) for value in direction.ravel()),
    )


def read_by_itk(path: Path, image_format: ImageFormat) -> sitk.Image:
    """The file as ITK reads it, of any pixel type and dimension."""
    try:
        with quiet_itk(), _reader(path, image_format) as reader:
            return reader.Execute()
    except RuntimeError:
        raise BadImage(f"{path.name} cannot be read: it is damaged or incomplete", remedy=DAMAGED) from None
