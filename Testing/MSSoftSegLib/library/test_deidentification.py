"""Nothing that could name a patient enters the library: the written bytes are searched for a planted name."""

from __future__ import annotations

import contextlib
import gzip
import multiprocessing
import os
import struct
import sys
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import all_files, gray, labels, new_library, nifti_with_text, soft, written
from Testing.MSSoftSegLib.library.saves import opened, save
from Testing.MSSoftSegLib.library.test_worklist import result_folder
from Testing.patience import HANGING_S

NAME = b"DoeJane"
FIELDS = ("descrip", "aux_file", "intent_name", "db_name", "data_type", "extension")


def everything_written(library):
    """All file names and contents, gzip streams also unpacked."""
    for name, content in all_files(library).items():
        yield name.encode()
        yield content
        if name.endswith(".gz"):
            yield gzip.decompress(content)


def add(library, flair):
    add_case(library, patient="1", images={Modality.FLAIR: flair}, raters={"A": labels()}, soft_label=soft())
    return resolve_inside(library, CaseId("1").image(Modality.FLAIR))


def gzip_named(content, name):
    """A gzip stream that says from which file it was made, and a comment."""
    flags, body = 0x08 | 0x10, zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = body.compress(content) + body.flush()
    header = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\x00\x03" + name + b".nii\x00" + b"of " + name + b"\x00"
    return header + packed + struct.pack("<II", zlib.crc32(content), len(content))


def planted(tmp_path, where):
    path = tmp_path / f"{NAME.decode()}.nii.gz"
    if where in FIELDS:
        return nifti_with_text(gray(), path, **{where: NAME})
    plain = gzip.decompress(written(gray(), path).read_bytes())
    if where == "gzip header":
        path.write_bytes(gzip_named(plain, NAME))
    elif where == "second gzip member":
        path.write_bytes(gzip.compress(plain[:400]) + gzip_named(plain[400:], NAME))
    elif where == "after the voxels":
        path.write_bytes(gzip.compress(plain + NAME))
    elif where == "before the voxels":
        moved = bytearray(plain[:352] + NAME.ljust(16) + plain[352:])
        moved[108:112] = struct.pack("<f", 368.0)
        path.write_bytes(gzip.compress(bytes(moved)))
    elif where == "uncompressed":
        path = nifti_with_text(gray(), tmp_path / f"{NAME.decode()}.nii", descrip=NAME)
    elif where in ("nrrd", "mha"):
        image = gray()
        image.SetMetaData("PatientName", NAME.decode())
        path = written(image, tmp_path / f"{NAME.decode()}.{where}")
    return path


PLACES = (
    *FIELDS,
    "gzip header",
    "second gzip member",
    "after the voxels",
    "before the voxels",
    "uncompressed",
    "nrrd",
    "mha",
    "its file name",
)


@pytest.mark.parametrize("where", PLACES)
def test_a_name_planted_in_a_file_is_nowhere_in_the_library_and_the_voxels_are(tmp_path, where):
    library = new_library(tmp_path)
    path = planted(tmp_path, where)
    raw = path.read_bytes()
    unpacked = gzip.decompress(raw) if path.suffix == ".gz" else raw
    assert NAME in raw + unpacked + path.name.encode()  # the test itself can fail
    stored = add(library, path)
    for content in everything_written(library):
        assert NAME.lower() not in content.lower()
    kept, original = sitk.ReadImage(str(stored)), gray()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(kept), sitk.GetArrayFromImage(original))
    assert kept.GetPixelID() == original.GetPixelID()
    np.testing.assert_allclose(kept.GetOrigin(), original.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(kept.GetDirection(), original.GetDirection(), atol=1e-6)
    assert check_library(library) == []


def test_metadata_of_images_in_memory_and_of_masks_is_left_behind_too(tmp_path):
    library = new_library(tmp_path)
    flair, mask, target = gray(), labels(), soft()
    for image in (flair, mask, target):
        image.SetMetaData("ITK_FileNotes", NAME.decode())
    path = nifti_with_text(mask, tmp_path / "m.nii.gz", descrip=NAME)
    add_case(
        library,
        patient="1",
        images={Modality.FLAIR: flair},
        raters={"A": mask, "B": path},
        soft_label=nifti_with_text(target, tmp_path / "s.nii.gz", aux_file=NAME),
        confidence=target,
    )
    for content in everything_written(library):
        assert NAME not in content


def test_a_file_without_text_is_copied_byte_for_byte(tmp_path):
    library = new_library(tmp_path)
    path = nifti_with_text(gray(), tmp_path / "clean.nii.gz", descrip=b"", aux_file=b"", intent_name=b"")
    assert compute_sha256(add(library, path)) == compute_sha256(path)


def test_scaling_and_voxel_type_of_a_rewritten_file_stay(tmp_path):
    library = new_library(tmp_path)
    path = nifti_with_text(gray(), tmp_path / "scaled.nii.gz", descrip=NAME)
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[112:120] = struct.pack("<ff", 0.5, 10.0)  # scl_slope, scl_inter
    path.write_bytes(gzip.compress(bytes(content)))
    stored = add(library, path)
    expected = sitk.GetArrayFromImage(gray()) * 0.5 + 10
    np.testing.assert_allclose(sitk.GetArrayFromImage(sitk.ReadImage(str(stored))), expected, rtol=1e-6)


def names_in(library):
    """Where the planted name is, by file; of files that are complete also unpacked."""
    found = []
    for name, content in all_files(library).items():
        parts = [name.encode(), content]
        # One that is still being written cannot be unpacked.
        with contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile):
            parts += [gzip.decompress(content)] if content[:2] == b"\x1f\x8b" else []
        found += [name for part in parts if NAME.lower() in part.lower()]
    return found


def planted_drawing(folder):
    """What the panel gives for a patient whose images, folders and results name her."""
    place = folder / f"{NAME.decode()}_19610203"
    place.mkdir()
    image = gray(1)
    image.SetMetaData("0010|0010", NAME.decode())
    result = result_folder(place / f"result of {NAME.decode()}")
    for path in result.iterdir():
        path.write_text(path.read_text().replace("f.nii.gz", f"{NAME.decode()}.nii.gz").replace("LPS", NAME.decode()))
    softened = written(soft(), place / f"{NAME.decode()}_soft.nii.gz")
    return {
        "images": {"flair": planted(place, "gzip header"), "t1": written(image, place / f"{NAME.decode()}_t1.nrrd")},
        "mask": nifti_with_text(labels(), place / f"{NAME.decode()}_m.nii.gz", extension=NAME),
        "edited_from": nifti_with_text(labels(1), place / f"{NAME.decode()}_start.nii.gz", descrip=NAME),
        "soft_label": softened,
        "result": result,
        "notes": "two pale ones",
    }


def test_at_no_moment_of_a_save_is_a_name_in_any_file_of_the_library(tmp_path):
    """All bytes are searched at every file operation: also locks, staged files, decisions and what a kill would leave."""
    library, drawing = tmp_path / "library", planted_drawing(tmp_path)
    assert NAME in drawing["mask"].parent.name.encode()  # the test itself can fail
    counting, told = multiprocessing.get_context("fork").Pipe(duplex=False)

    def saving():
        looks, found, busy = 0, [], False

        def look(event, arguments):
            nonlocal looks, busy
            if (
                busy
                or event not in ("open", "os.rename", "os.remove", "os.rmdir")
                or str(library) not in str(arguments[0])
            ):
                return
            busy = True
            looks += 1
            found.extend(names_in(library))
            busy = False

        sys.addaudithook(look)
        save(library, **drawing)
        save(
            library, **{**drawing, "mask": drawing["edited_from"]}, based_on=opened(library)["raters"]["anna"]["sha256"]
        )
        told.send((looks, found))
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=saving)
    process.start()
    assert counting.poll(120)
    looks, found = counting.recv()
    process.join(HANGING_S)
    assert looks > 50
    assert found == []
    assert names_in(library) == []
    assert len(all_files(library)) >= 10
    assert check_library(library) == []
    (library / "planted").write_bytes(b"of " + NAME)
    assert names_in(library) == ["planted"]
