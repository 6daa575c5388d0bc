"""DICOM in: what comes out is the series' own voxels at their own places, whatever the files are like, and nobody is named."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.errors import BadExam, BadImage, RequestError
from MSSoftSegLib.exam.itk_file import quiet_itk
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.creation import create_library
from Testing.MSSoftSegLib.dicom.made_exams import write_visit
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, head, save, write_series

FLAIR = {"SeriesDescription": "t2 FLAIR", "RepetitionTime": 9000, "EchoTime": 100, "InversionTime": 2500}
# A head of a few voxels, of which no two sides or directions are alike.
SIZE, SPACING_MM = (12, 11, 10), (10.0, 11.0, 12.5)
OBLIQUE = (0.3, -0.2, 0.5)
NAMED = ("Müller", "Jürgen", "4711", "19800102", "1980-01-02", "ACC-9", "Referrer", "Hospital", "Berta")


def made(**more):
    return head(size=SIZE, spacing_mm=SPACING_MM, **more)


def flair_of(folder):
    return read_dicom_exam(folder).exam.image(Modality.FLAIR)


def values_at_places(image):
    """Every voxel's value by its place in the patient, independent of the order in which they are stored."""
    size = image.GetSize()
    index = np.stack(np.meshgrid(*map(range, size), indexing="ij"), -1).reshape(-1, 3)
    direction = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    points = index @ direction.T + image.GetOrigin()
    array = sitk.GetArrayFromImage(image)
    return points, array[index[:, 2], index[:, 1], index[:, 0]].astype(float)


def assert_same_place(read, original):
    """Each voxel of the original is the nearest one of what was read, with its value."""
    points, values = values_at_places(original)
    there = np.array([read.TransformPhysicalPointToContinuousIndex(point.tolist()) for point in points])
    assert np.abs(there - np.rint(there)).max() < 0.01
    x, y, z = np.rint(there).astype(int).T
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read)[z, y, x], values)
    assert read.GetNumberOfPixels() == len(points)


@settings(max_examples=12)
@given(
    turn=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    axes=st.permutations("LPS"),
    flips=st.tuples(*[st.booleans()] * 3),
    enhanced=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_voxel_lies_where_the_scanner_put_it(tmp_path_factory, turn, axes, flips, enhanced, seed):
    letters = "".join({"L": "LR", "P": "PA", "S": "SI"}[axis][flip] for axis, flip in zip(axes, flips, strict=True))
    image = sitk.DICOMOrient(made(turn=(0.0, 0.0, 0.0), seed=seed), letters)
    if np.linalg.det(np.reshape(image.GetDirection(), (3, 3))) < 0:
        # Planes have no handedness: a left-handed block is stored from its other end.
        image = sitk.Flip(image, (False, False, True))
    turned = sitk.Euler3DTransform((0, 0, 0), *turn)
    image.SetDirection(
        (np.reshape(turned.GetMatrix(), (3, 3)) @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist()
    )
    folder = write_series(image, tmp_path_factory.mktemp("series"), enhanced=enhanced, seed=seed, **times(enhanced))
    assert_same_place(flair_of(folder), image)


def times(enhanced):
    return {"SeriesDescription": "FLAIR"} if enhanced else FLAIR


def test_a_mark_on_the_patients_left_stays_on_the_left(tmp_path):
    image = made()
    array = np.full(SIZE[::-1], 200, np.int16)
    array[:, :, 8:] = 900  # x grows to the patient's left
    array[0] = 300
    marked = sitk.GetImageFromArray(array)
    marked.CopyInformation(image)
    read = flair_of(write_series(marked, tmp_path, **FLAIR))
    bright = np.argwhere(sitk.GetArrayFromImage(read) == 900)[:, ::-1]
    xs = [read.TransformIndexToPhysicalPoint([int(v) for v in index])[0] for index in bright]
    assert min(xs) > image.TransformIndexToPhysicalPoint((7, 0, 0))[0]


def test_a_messy_folder_is_sorted_out(tmp_path):
    """Nested, without extensions, a directory file, copies, reports and captures, files that are none."""
    folder = tmp_path / "Müller" / "DICOM"
    expected = write_visit(folder / "A" / "deep", "Siemens")
    (folder / "DICOMDIR").write_bytes(b"not one")
    (folder / "readme.txt").write_text("read me")
    (folder / "broken").write_bytes(bytes(128) + b"DICM" + b"\x08\x00\xff\xff" * 9)
    (folder / "empty").write_bytes(b"")
    shutil.copytree(folder / "A" / "deep", folder / "again")
    for number, kind in enumerate(("1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.7")):
        other = Dataset()
        for key, value in {**IDENTITY, "StudyInstanceUID": "1.2.3.4.5", "SOPClassUID": kind}.items():
            setattr(other, key, value)
        other.SOPInstanceUID, other.SeriesInstanceUID = generate_uid(), generate_uid()
        save(other, folder / f"OT{number}")
    choice = read_dicom_exam(folder).choice
    assert {modality.value: str(each.part.series.number) for modality, each in choice.chosen.items()} == expected
    assert read_dicom_exam(folder / "DICOMDIR").choice.chosen.keys() == choice.chosen.keys()


def rewritten(folder, syntax):
    """The files of a series in another transfer syntax."""
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        if syntax == RLELossless:
            dataset.compress(RLELossless)
        elif syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            little, implicit = syntax != ExplicitVRBigEndian, syntax == ImplicitVRLittleEndian
            if syntax == RLELossless:
                dataset.save_as(path)
            else:
                pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return folder


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
def test_every_plain_transfer_syntax_gives_the_same_voxels(tmp_path, syntax):
    image = made(turn=OBLIQUE)
    folder = rewritten(write_series(image, tmp_path / "s", **FLAIR), syntax)
    assert_same_place(flair_of(folder), image)


@pytest.mark.parametrize("compressor", ["JPEG", "JPEG2000"])
def test_jpeg_without_loss_gives_the_same_voxels(tmp_path, compressor):
    """Written by GDCM, as most archives store; the headers stay the series' own."""
    image = made(turn=OBLIQUE)
    folder = write_series(image, tmp_path / "s", RescaleSlope="2", RescaleIntercept="-10", **FLAIR)
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        pixels = sitk.GetImageFromArray(dataset.pixel_array[None].astype(np.uint16))
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(tmp_path / "one.dcm"))
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        with quiet_itk():
            writer.Execute(pixels)
        compressed = pydicom.dcmread(tmp_path / "one.dcm")
        dataset.PixelData = compressed.PixelData
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = compressed.file_meta.TransferSyntaxUID
        for key in ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
            setattr(dataset, key, compressed[key].value)
        dataset.save_as(path)
    assert_same_place(flair_of(folder), image * 2 - 10)


def test_files_without_preamble_are_read(tmp_path):
    image = made()
    folder = write_series(image, tmp_path, **FLAIR)
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        del dataset.file_meta
        dataset.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)
        raw = path.read_bytes()
        path.write_bytes(raw[132:] if raw[128:132] == b"DICM" else raw)
    assert_same_place(flair_of(folder), image)


def moved(amount, axis):
    def change(dataset, plane):
        position = [float(value) for value in dataset.ImagePositionPatient]
        position[axis] += amount * plane
        dataset.ImagePositionPatient = position

    return change


def test_gantry_tilt_is_refused_by_name(tmp_path):
    folder = write_series(made(), tmp_path, change=moved(3.0, 1), **FLAIR)
    with pytest.raises(BadImage, match=r"the planes of series 5 are shifted against each other \(sheared by") as caught:
        read_dicom_exam(folder)
    assert caught.value.remedy == "use a series without gantry tilt"


def test_unequal_distances_are_refused_by_name(tmp_path):
    def change(dataset, plane):
        if plane > 6:
            moved(4.0 / plane, 2)(dataset, plane)

    with pytest.raises(BadImage, match="the planes of series 5 lie at unequal distances"):
        read_dicom_exam(write_series(made(), tmp_path, change=change, **FLAIR))


def test_a_missing_plane_is_refused_by_name(tmp_path):
    folder = write_series(made(), tmp_path, change=lambda dataset, plane: plane != 4, **FLAIR)
    with pytest.raises(BadImage, match="series 5 is incomplete: a plane is missing after plane 4"):
        read_dicom_exam(folder)


def test_a_file_that_was_cut_short_is_refused_by_name(tmp_path):
    folder = write_series(made(), tmp_path, **FLAIR)
    path = sorted(folder.iterdir())[2]
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(BadImage, match="the pixels of an image of series 5 cannot be read"):
        read_dicom_exam(folder)


def test_two_files_that_claim_to_be_one_image_are_refused(tmp_path):
    folder = write_series(made(), tmp_path, **FLAIR)
    one, other = sorted(folder.iterdir())[:2]
    dataset = pydicom.dcmread(other)
    dataset.SOPInstanceUID = pydicom.dcmread(one).SOPInstanceUID
    dataset.save_as(folder / "third")
    with pytest.raises(BadImage, match="claim to be one image"):
        read_dicom_exam(folder)


def test_a_copy_in_another_syntax_does_no_harm(tmp_path):
    image = made()
    write_series(image, tmp_path / "a", **FLAIR)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for path in (tmp_path / "b").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        dataset.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=True)
    assert_same_place(flair_of(tmp_path), image)


def _refusal(folder):
    """What is said of a folder that is refused; nothing where it is taken."""
    try:
        read_dicom_exam(folder)
    except RequestError as problem:
        return str(problem)
    return ""


SPOILERS = {
    "number": lambda dataset: dataset.add_new("SeriesNumber", "IS", 7),
    "text as a time": lambda dataset: setattr(dataset, "EchoTime", None),
    "no position": lambda dataset: delattr(dataset, "ImagePositionPatient"),
    "no rows": lambda dataset: delattr(dataset, "Rows"),
    "no spacing": lambda dataset: delattr(dataset, "PixelSpacing"),
    "no class": lambda dataset: delattr(dataset, "SOPClassUID"),
    "no series": lambda dataset: delattr(dataset, "SeriesInstanceUID"),
    "no study": lambda dataset: delattr(dataset, "StudyInstanceUID"),
    "zero spacing": lambda dataset: setattr(dataset, "PixelSpacing", [0, 0]),
    "zero normal": lambda dataset: setattr(dataset, "ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
    "no pixels": lambda dataset: delattr(dataset, "PixelData"),
    "color": lambda dataset: setattr(dataset, "SamplesPerPixel", 3),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_spoiled_headers_end_in_our_words_and_name_nobody(tmp_path, spoiler, caplog, capfd):
    folder = tmp_path / "Berta Müller"
    write_series(made(), folder, **FLAIR)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        SPOILERS[spoiler](dataset)
        dataset.save_as(path, enforce_file_format=False)
    caplog.set_level("INFO")
    said = _refusal(folder)
    captured = capfd.readouterr()
    for value in NAMED:
        assert value not in said + caplog.text + captured.out + captured.err


def test_nothing_that_is_told_or_kept_names_anybody(tmp_path, caplog, capfd):
    from MSSoftSegLib.cli.main import run_command

    folder = tmp_path / "Berta Müller"
    planted = {"PatientComments": "Berta", "StudyDescription": "Berta", "ImageComments": "Jürgen"}
    write_visit(folder, "Siemens", **planted, InstitutionName="Hospital")
    caplog.set_level("INFO")
    library = create_library(tmp_path / "library")
    assert run_command(["library", "add", str(library), "--id", "7", "--dicom", str(folder)]) == 0
    assert run_command(["dicom", str(folder)]) == 0
    write_visit(folder / "other", "GE", identity={**IDENTITY, "PatientName": "Berta^Second"})
    assert run_command(["library", "add", str(library), "--id", "8", "--dicom", str(folder)]) == 2
    captured = capfd.readouterr()
    kept = b"".join(path.read_bytes() for path in library.rglob("*") if path.is_file())
    unpacked = b"".join(sitk.GetArrayFromImage(sitk.ReadImage(str(p))).tobytes() for p in library.rglob("*.nii.gz"))
    for value in NAMED:
        assert value not in caplog.text + captured.out + captured.err, value
        assert value.encode() not in kept + unpacked, value
    assert "FLAIR is series 4" in captured.out
    names = [path.name for path in library.rglob("*.nii.gz")]
    assert sorted(names) == ["sub-7_FLAIR.nii.gz", "sub-7_T1w.nii.gz", "sub-7_T2w.nii.gz"]


def test_what_the_library_keeps_is_the_series_grid_and_voxels(tmp_path):
    from MSSoftSegLib.cli.main import run_command

    image = made(turn=OBLIQUE)
    write_series(image, tmp_path / "s", **FLAIR)
    library = create_library(tmp_path / "library")
    assert run_command(["library", "add", str(library), "--id", "7", "--dicom", str(tmp_path / "s")]) == 0
    (stored,) = library.rglob("*_FLAIR.nii.gz")
    assert_same_place(sitk.ReadImage(str(stored)), image)
    assert json.loads(next(library.rglob("*_case.json")).read_text())["images"] == ["flair"]


@pytest.mark.parametrize("words", [["--exam", "x"], ["--flair", "x"]])
def test_a_dicom_folder_goes_with_no_other_images(tmp_path, words, capsys):
    from MSSoftSegLib.cli.main import run_command

    out = ["--out", str(tmp_path / "out")]
    assert run_command(["segment", "--dicom", str(tmp_path), *words, *out]) == 2
    assert run_command(["segment", "--exam", str(tmp_path), "--series", "flair=2", *out]) == 2
    assert run_command(["segment", "--exam", str(tmp_path), "--dicom-seg", *out]) == 2
    assert run_command(["segment", "--dicom", str(tmp_path), "--series", "flare=2", *out]) == 2
    said = capsys.readouterr().err
    assert "--series chooses among the series of --dicom FOLDER" in said
    assert "--dicom-seg needs the exam as DICOM: give --dicom FOLDER" in said
    assert "--series 'flare=2' is not understood" in said


def test_an_override_of_a_damaged_series_says_what_is_wrong(tmp_path):
    write_series(made(), tmp_path / "a", change=lambda dataset, plane: plane != 4, **FLAIR)
    with pytest.raises(BadImage, match="a plane is missing"):
        read_dicom_exam(tmp_path, {Modality.FLAIR: "5"})
    with pytest.raises(BadExam, match="there is no series 6"):
        read_dicom_exam(tmp_path, {Modality.FLAIR: "6"})
