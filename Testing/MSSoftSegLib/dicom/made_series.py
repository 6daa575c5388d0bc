"""DICOM series of made-up people, written with pydicom alone: classic single-frame MR, and enhanced multi-frame MR."""

from __future__ import annotations

import copy

import numpy as np
import SimpleITK as sitk
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from MSSoftSegLib.exam.placement import nearest_orthonormal

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
IDENTITY = {
    "PatientName": "Müller^Jürgen",
    "PatientID": "PID-4711",
    "PatientBirthDate": "19800102",
    "PatientSex": "M",
    "StudyID": "S77",
    "AccessionNumber": "ACC-9",
    "StudyDate": "20250304",
    "StudyTime": "101112",
    "ReferringPhysicianName": "Referrer^R",
}


def head(*, size=(14, 12, 9), spacing_mm=(0.8, 1.1, 3.0), origin_mm=(-31.0, 12.5, -7.0), turn=(0.0, 0.0, 0.0), seed=0):
    """A textured grey image without any symmetry, whole numbers, on an oblique anisotropic grid."""
    noise = np.random.default_rng(seed).normal(size=size[::-1]).astype(np.float32)
    image = sitk.GetImageFromArray(noise)
    image = sitk.SmoothingRecursiveGaussian(image, 0.8)
    values = sitk.GetArrayFromImage(image)
    values = 200 + 700 * (values - values.min()) / (values.max() - values.min())
    made = sitk.GetImageFromArray(np.rint(values).astype(np.int16))
    made.SetSpacing(spacing_mm)
    made.SetOrigin(origin_mm)
    turned = np.reshape(sitk.Euler3DTransform((0, 0, 0), *turn).GetMatrix(), (3, 3))
    # As every image of ours leaves its reader: ITK cannot invert a direction that holds numbers like 1e-308.
    made.SetDirection(nearest_orthonormal(turned).ravel().tolist())
    return made


def label_map(image, *, seed=0, highest=2):
    """Sparse labels 0 to highest on the image's grid, as asymmetric as chance makes them, some planes empty."""
    rng = np.random.default_rng(1000 + seed)
    shape = image.GetSize()[::-1]
    values = (rng.random(shape) < 0.12) * rng.integers(1, highest + 1, shape)
    values[0] = 0
    values[2].ravel()[: highest + 1] = range(highest + 1)
    made = sitk.GetImageFromArray(values.astype(np.uint8))
    made.CopyInformation(image)
    return made


def soft_map(image, *, seed=0):
    rng = np.random.default_rng(2000 + seed)
    shape = image.GetSize()[::-1]
    values = np.where(rng.random(shape) < 0.2, rng.random(shape), 0).astype(np.float32)
    values[1, 0, :3] = 0.5, 1, 0.001
    made = sitk.GetImageFromArray(values)
    made.CopyInformation(image)
    return made


def write_series(image, folder, *, identity=IDENTITY, enhanced=False, shuffled=True, seed=0, change=None, **fields):
    """Write an image (x, y in the planes, z through them) as a series; change(dataset, plane) may spoil each file.

    fields: further attributes of every file. Returns the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    common = _common(image, identity, enhanced)
    for key, value in fields.items():
        setattr(common, key, value)
    write = _write_enhanced if enhanced else _write_classic
    write(image, folder, common, np.random.default_rng(seed), shuffled, change)
    return folder


def _common(image, identity, enhanced):
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for key, value in identity.items():
        setattr(dataset, key, value)
    dataset.SOPClassUID = ENHANCED_MR if enhanced else MR
    dataset.StudyInstanceUID = identity.get("StudyInstanceUID", "1.2.3.4.5")
    dataset.SeriesInstanceUID = generate_uid()
    dataset.FrameOfReferenceUID = generate_uid()
    dataset.Modality = "MR"
    dataset.Manufacturer = "Scanner"
    dataset.SeriesNumber = 5
    dataset.SeriesDescription = "t2 FLAIR sag 3D"
    dataset.InstitutionName = "Hospital of the source"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.ScanningSequence, dataset.SequenceVariant = "SE", "SK"
    dataset.ScanOptions, dataset.MRAcquisitionType = "", "3D"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.Columns, dataset.Rows = image.GetSize()[:2]
    dataset.PositionReferenceIndicator = ""
    dataset.ContentDate, dataset.ContentTime = "20250304", "101500"
    return dataset


def _geometry(image, plane):
    direction = np.reshape(image.GetDirection(), (3, 3))
    position = np.asarray(image.TransformIndexToPhysicalPoint((0, 0, plane)))
    orientation = [*direction[:, 0], *direction[:, 1]]
    x_mm, y_mm, _ = image.GetSpacing()
    return [_ds(v) for v in position], [_ds(v) for v in orientation], [_ds(y_mm), _ds(x_mm)]


def _ds(value):
    """A decimal string of at most 16 characters."""
    return f"{value:.8f}"[:16]


def _write_classic(image, folder, common, rng, shuffled, change):
    array = sitk.GetArrayFromImage(image)
    numbers = rng.permutation(len(array)) if shuffled else range(len(array))
    for number, plane in zip(numbers, range(len(array)), strict=True):
        dataset = copy.deepcopy(common)
        dataset.SOPInstanceUID = generate_uid()
        dataset.InstanceNumber = int(number) + 1
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient, dataset.PixelSpacing = _geometry(image, plane)
        dataset.SliceThickness = f"{image.GetSpacing()[2]:.4f}"
        dataset.PixelData = array[plane].astype(np.uint16).tobytes()
        dataset["PixelData"].VR = "OW"
        if change is None or change(dataset, plane) is not False:
            save(dataset, folder / f"IM{int(number):04d}")


def _write_enhanced(image, folder, common, rng, shuffled, change):
    array = sitk.GetArrayFromImage(image)
    order = rng.permutation(len(array)) if shuffled else np.arange(len(array))
    dataset = copy.deepcopy(common)
    dataset.SOPInstanceUID = generate_uid()
    dataset.InstanceNumber = 1
    dataset.NumberOfFrames = len(array)
    shared, frames = Dataset(), []
    _, orientation, spacing = _geometry(image, 0)
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=orientation)]
    thickness = f"{image.GetSpacing()[2]:.4f}"
    shared.PixelMeasuresSequence = [_item(PixelSpacing=spacing, SliceThickness=thickness)]
    dataset.SharedFunctionalGroupsSequence = [shared]
    for frame, plane in enumerate(order):
        item = Dataset()
        item.PlanePositionSequence = [_item(ImagePositionPatient=_geometry(image, int(plane))[0])]
        item.FrameContentSequence = [
            _item(StackID="1", InStackPositionNumber=frame + 1, DimensionIndexValues=[frame + 1])
        ]
        frames.append(item)
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.PixelData = array[order].astype(np.uint16).tobytes()
    dataset["PixelData"].VR = "OW"
    if change is None or change(dataset, 0) is not False:
        save(dataset, folder / "ENHANCED.dcm")


def _item(**fields):
    item = Dataset()
    for key, value in fields.items():
        setattr(item, key, value)
    return item


def save(dataset, path):
    """Write with a proper preamble and meta header."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    return path
