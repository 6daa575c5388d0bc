"""What is exported as DICOM Segmentation is, read by others, voxel for voxel what the library holds, at the same place."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.exporting.dicom_seg import SOFT_MASK_FILE, export_dicom_seg
from MSSoftSegLib.result_files import DICOM_MASK_FILE
from Testing.MSSoftSegLib.dicom.independent_reader import array, on_grid_of, points_and_values
from Testing.MSSoftSegLib.dicom.made_series import head, label_map, soft_map, write_series
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.patience import HANGING_S

SAGITTAL = (1.5708, 0.0, 1.5708)
# How the scanner lay (turns in radians), and how the library's NIfTI is stored: None = as the scanner, else reoriented.
SITUATIONS = {
    "axial": ((0, 0, 0), None),
    "oblique": ((0.3, -0.2, 0.5), None),
    "oblique, stored right to left": ((0.3, -0.2, 0.5), "RAS"),
    "oblique, mirrored": ((0.1, 0.4, -0.3), "LAS"),
    "sagittal": (SAGITTAL, None),
    "sagittal, stored axially": (SAGITTAL, "RAI"),
    "sagittal and oblique, stored coronally": ((1.4, 0.2, 1.2), "LIP"),
}


def exported(folder, image, stored, *, enhanced=False, labels=None, soft=True, **series):
    """A library with one case, its source series, and the export's folder; the case's label map and soft mask."""
    reordered = image if stored is None else sitk.DICOMOrient(image, stored)
    mask = label_map(reordered) if labels is None else labels(reordered)
    probability = soft_map(reordered) if soft else None
    library = create_library(folder / "library")
    add_case(
        library,
        patient="1",
        images={Modality.FLAIR: reordered},
        raters={"A": mask},
        soft_label=probability,
        status="approved",
    )
    write_series(image, folder / "source", enhanced=enhanced, **series)
    export_dicom_seg(library, folder / "out", source=folder / "source", statuses=["approved"])
    return folder / "out", mask, probability


@pytest.mark.parametrize(
    ("situation", "enhanced"),
    [
        *((situation, False) for situation in SITUATIONS),
        ("oblique, mirrored", True),
        ("sagittal, stored axially", True),
    ],
)
def test_every_frames_own_position_puts_every_voxel_where_the_case_has_it(tmp_path, situation, enhanced):
    turn, stored = SITUATIONS[situation]
    out, mask, probability = exported(tmp_path, head(turn=turn), stored, enhanced=enhanced)
    segments = points_and_values(out / DICOM_MASK_FILE)
    assert sorted(segments) == [1, 2]
    for number, (points, values) in segments.items():
        np.testing.assert_array_equal(on_grid_of(mask, points, values), array(mask) == number)
    points, values = points_and_values(out / SOFT_MASK_FILE)[1]
    read = on_grid_of(probability, points, values)
    assert np.abs(read - array(probability)).max() <= 0.5 / 255 + 1e-9
    assert len(np.unique(values)) > 50


def test_a_lesion_on_the_patients_left_is_on_the_patients_left(tmp_path):
    """LPS: x grows towards the patient's left. The library's image is stored mirrored."""

    def only_left(image):
        values = np.zeros(image.GetSize()[::-1], np.uint8)
        index = image.TransformPhysicalPointToIndex((25.0, 2.0, 3.0))
        values[index[::-1]] = 1
        made = sitk.GetImageFromArray(values)
        made.CopyInformation(image)
        return made

    image = head(size=(60, 50, 6), spacing_mm=(1, 1, 4), origin_mm=(-29.5, -25, 0))
    out, _, _ = exported(tmp_path, image, "RAS", labels=only_left, soft=False)
    ((points, values),) = points_and_values(out / DICOM_MASK_FILE).values()
    assert values.tolist() == [1]
    np.testing.assert_allclose(points, [[25, 2, 3]], atol=2)
    assert points[0, 0] > 0


@pytest.mark.parametrize("enhanced", [False, True], ids=["single-frame", "multi-frame"])
def test_highdicom_reads_the_same_voxels_and_the_same_place(tmp_path, enhanced):
    out, mask, probability = exported(tmp_path, head(turn=(0.3, -0.2, 0.5)), "RAS", enhanced=enhanced)
    binary = highdicom.seg.segread(out / DICOM_MASK_FILE)
    assert binary.segmentation_type == highdicom.seg.SegmentationTypeValues.BINARY
    assert [segment.segment_label for segment in binary.SegmentSequence] == ["MS lesion", "Possible MS lesion"]
    for number in (1, 2):
        volume = binary.get_volume(combine_segments=False, segment_numbers=[number])
        _same_as(volume, array(mask) == number, mask, tolerance=0)
    fractional = highdicom.seg.segread(out / SOFT_MASK_FILE)
    assert fractional.segmentation_fractional_type == highdicom.seg.SegmentationFractionalTypeValues.PROBABILITY
    _same_as(fractional.get_volume(), array(probability), probability, tolerance=0.5 / 255 + 1e-6)


def _same_as(volume, expected, image, *, tolerance):
    """The volume's voxels, by its own affine, against the case's."""
    voxels = volume.array[..., 0]
    index = np.argwhere(voxels > 0)
    points = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    read = on_grid_of(image, points, voxels[tuple(index.T)])
    assert np.abs(read - expected).max() <= tolerance


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="dcmqi is a test dependency on Linux x86-64 only"
)
@pytest.mark.parametrize("enhanced", [False, True], ids=["single-frame", "multi-frame"])
def test_dcmqi_converts_it_back_to_the_case(tmp_path, enhanced):
    out, mask, probability = exported(tmp_path, head(turn=(0.3, -0.2, 0.5)), "RAS", enhanced=enhanced)
    for name, expected, full in ((DICOM_MASK_FILE, array(mask), 1), (SOFT_MASK_FILE, array(probability), 255)):
        folder = tmp_path / "dcmqi" / name
        folder.mkdir(parents=True)
        tool = Path(sys.executable).parent / "segimage2itkimage"
        command = [str(tool), "--inputDICOM", str(out / name), "--outputDirectory", str(folder), "-t", "nii"]
        subprocess.run([*command, "--prefix", "s"], check=True, capture_output=True, timeout=HANGING_S)
        files = sorted(folder.glob("s-*.nii.gz"))
        assert len(files) == (2 if name == DICOM_MASK_FILE else 1)
        total = sum(array(_brought_to(mask, sitk.ReadImage(str(file)))) for file in files) / full
        # Of a mask dcmqi gives each segment its number.
        assert np.abs(total - expected).max() <= (0 if name == DICOM_MASK_FILE else 0.5 / 255 + 1e-6)


def _brought_to(image, other):
    """dcmqi crops to the frames that are there."""
    return sitk.Resample(sitk.Cast(other, sitk.sitkFloat64), image, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)


def test_the_segments_are_coded_and_refer_to_every_plane_they_lie_in(tmp_path):
    out, _, _ = exported(tmp_path, head(), None)
    dataset = pydicom.dcmread(out / DICOM_MASK_FILE)
    lesion, possible = dataset.SegmentSequence
    for segment in (lesion, possible):
        assert _code(segment.SegmentedPropertyCategoryCodeSequence[0]) == ("49755003", "SCT")
        assert _code(segment.SegmentedPropertyTypeCodeSequence[0]) == ("52988006", "SCT")
        assert _code(segment.AnatomicRegionSequence[0]) == ("12738006", "SCT")
        assert segment.SegmentAlgorithmType == "MANUAL"
    modifiers = [
        [_code(code) for code in s.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence]
        for s in (lesion, possible)
    ]
    assert modifiers == [[("24700007", "SCT")], [("24700007", "SCT"), ("415684004", "SCT")]]
    sources = {
        str(header.SOPInstanceUID): float(header.ImagePositionPatient[2])
        for header in map(pydicom.dcmread, (tmp_path / "source").iterdir())
    }
    referenced = [
        str(item.ReferencedSOPInstanceUID)
        for series in dataset.ReferencedSeriesSequence
        for item in series.ReferencedInstanceSequence
    ]
    assert sorted(referenced) == sorted(sources)
    for item in dataset.PerFrameFunctionalGroupsSequence:
        (image,) = item.DerivationImageSequence[0].SourceImageSequence
        height_mm = float(item.PlanePositionSequence[0].ImagePositionPatient[2])
        assert sources[str(image.ReferencedSOPInstanceUID)] == pytest.approx(height_mm)


def _code(item):
    return item.CodeValue, item.CodingSchemeDesignator


def test_a_case_without_any_lesion_is_a_segmentation_of_nothing(tmp_path):
    out, _, _ = exported(tmp_path, head(), None, labels=lambda image: image * 0, soft=False)
    ((points, values),) = points_and_values(out / DICOM_MASK_FILE).values()
    assert len(points) == len(values) == 0
    assert not (out / SOFT_MASK_FILE).exists()
    assert highdicom.seg.segread(out / DICOM_MASK_FILE).get_volume().array.max() == 0


def test_what_a_model_drew_and_a_person_corrected_is_semiautomatic(tmp_path):
    library = create_library(tmp_path / "library")
    image = head()
    images, raters = {Modality.FLAIR: image}, {"A": label_map(image)}
    add_case(library, patient="1", images=images, raters=raters, status="approved", source_model="starter 0.2.0")
    write_series(image, tmp_path / "source")
    export_dicom_seg(library, tmp_path / "out", source=tmp_path / "source", statuses=["approved"])
    segment = pydicom.dcmread(tmp_path / "out" / DICOM_MASK_FILE).SegmentSequence[0]
    assert (segment.SegmentAlgorithmType, segment.SegmentAlgorithmName) == ("SEMIAUTOMATIC", "MSSoftSeg starter 0.2.0")


ORIENTATIONS = [a + b + c for a in "LR" for b in "AP" for c in "SI"]
ORIENTATIONS += [o[1] + o[2] + o[0] for o in ORIENTATIONS]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turn=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    spacing=st.tuples(*[st.floats(0.4, 4.0)] * 3),
    size=st.tuples(*[st.integers(6, 11)] * 3),
    origin=st.tuples(*[st.floats(-200, 200)] * 3),
    stored=st.sampled_from(ORIENTATIONS),
    enhanced=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_grid_comes_back(tmp_path_factory, turn, spacing, size, origin, stored, enhanced, seed):
    image = head(size=size, spacing_mm=spacing, origin_mm=origin, turn=turn, seed=seed)
    folder = tmp_path_factory.mktemp("any")
    out, mask, _ = exported(folder, image, stored, enhanced=enhanced, soft=False, seed=seed)
    for number, (points, values) in points_and_values(out / DICOM_MASK_FILE).items():
        np.testing.assert_array_equal(on_grid_of(mask, points, values), array(mask) == number)
