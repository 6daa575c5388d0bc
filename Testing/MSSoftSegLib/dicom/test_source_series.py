"""Which series of a folder is taken, and which folder is refused, in words that a user can act on and that name nobody."""

from __future__ import annotations

import shutil

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.fileset import FileSet
from pydicom.uid import HTJ2KLossless, RLELossless, generate_uid

from MSSoftSegLib.dicom import packages
from MSSoftSegLib.dicom.source_series import find_source
from MSSoftSegLib.errors import MSSoftSegError, PackageMissing, RequestError
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, head, save, write_series

OBLIQUE = (0.3, -0.2, 0.5)


@pytest.fixture
def place(tmp_path):
    """A folder whose name says who the patient is."""
    return tmp_path / "DoeJane"


@pytest.fixture
def image():
    return head(turn=OBLIQUE)


def refusal(folder, image):
    """The words of the refusal; nothing of the identity is among them."""
    with pytest.raises(RequestError) as refused:
        find_source(folder, image)
    words = str(refused.value)
    for value in ("Müller", "Jürgen", "4711", "1980", "ACC-9", "Hospital", "DoeJane"):
        assert value not in words
    return words


def spoiled(folder, image, change):
    return write_series(image, folder / "source", change=change)


def test_a_good_series_is_taken_whatever_its_files_are_called_and_wherever_they_lie(place, image):
    write_series(image, place / "source" / "deep" / "er")
    (place / "source" / "readme.txt").write_text("no DICOM")
    (place / "source" / "damaged.dcm").write_bytes(bytes(128) + b"DICM" + b"\x08\x00\xff\xff" * 9)
    found = find_source(place / "source", image)
    assert len(found.headers) == image.GetSize()[2]
    heights = [plane.position_mm @ np.cross(plane.row, plane.column) for plane in found.stack.planes]
    assert heights == sorted(heights)


def test_a_second_copy_of_a_file_does_no_harm(place, image):
    folder = write_series(image, place / "source")
    shutil.copyfile(folder / "IM0003", folder / "copy of IM0003")
    assert len(find_source(folder, image).headers) == image.GetSize()[2]


def test_other_objects_of_the_visit_are_passed_over(place, image, caplog):
    folder = write_series(image, place / "source")
    for number, kind in enumerate(("1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.66.4")):
        other = Dataset()
        for key, value in IDENTITY.items():
            setattr(other, key, value)
        other.StudyInstanceUID, other.SOPClassUID = "1.2.3.4.5", kind
        other.SOPInstanceUID, other.SeriesInstanceUID = generate_uid(), generate_uid()
        save(other, folder / f"other{number}")
    caplog.set_level("INFO")
    find_source(folder, image)
    assert "2 DICOM objects of the source are no MR images" in caplog.text


def test_of_several_series_the_flair_is_taken(place, image):
    write_series(head(turn=OBLIQUE, seed=1), place / "s" / "t1", SeriesNumber=2, SeriesDescription="t1 mprage sag")
    write_series(image, place / "s" / "flair")
    write_series(head(turn=OBLIQUE, seed=2), place / "s" / "t2", SeriesNumber=9, SeriesDescription="t2 tse tra")
    found = find_source(place / "s", image)
    assert found.headers[0].SeriesNumber == 5


def test_a_flair_is_known_by_its_times_where_nothing_else_speaks(place, image):
    times = {"InversionTime": "2500", "EchoTime": "120", "RepetitionTime": "9000"}
    write_series(head(seed=1), place / "s" / "a", SeriesNumber=2, SeriesDescription="x")
    write_series(image, place / "s" / "b", SeriesDescription="", **times)
    assert find_source(place / "s", image).headers[0].SeriesNumber == 5


def test_of_two_flairs_the_one_that_lies_where_the_cases_does_is_taken(place, image):
    write_series(head(turn=(0, 0, 0)), place / "s" / "a", SeriesNumber=2)
    write_series(image, place / "s" / "b")
    assert find_source(place / "s", image).headers[0].SeriesNumber == 5


def test_two_flairs_at_one_place_are_ambiguous(place, image):
    write_series(image, place / "s" / "a", SeriesNumber=2)
    write_series(image, place / "s" / "b")
    assert "2 FLAIR series (series 2, series 5), and several of them lie" in refusal(place / "s", image)


def test_two_flairs_elsewhere_are_refused(place, image):
    write_series(head(turn=(0, 0, 0)), place / "s" / "a", SeriesNumber=2)
    write_series(head(turn=(0, 1, 0)), place / "s" / "b")
    assert "none of them lies where the case's FLAIR does" in refusal(place / "s", image)


def test_without_a_flair_among_several_nothing_is_guessed(place, image):
    write_series(image, place / "s" / "a", SeriesNumber=2, SeriesDescription="t1 mprage")
    write_series(image, place / "s" / "b", SeriesDescription="t2 tse")
    assert "none of the 2 MR series is recognized as FLAIR" in refusal(place / "s", image)


@pytest.mark.parametrize(
    ("key", "what"), [("PatientID", "patients"), ("PatientName", "patients"), ("StudyInstanceUID", "visits")]
)
def test_a_folder_of_two_patients_or_visits_is_refused(place, image, key, what):
    write_series(image, place / "s" / "a")
    write_series(image, place / "s" / "b", identity={**IDENTITY, key: "1.9.8"}, SeriesDescription="t1 mprage")
    assert f"images of different {what}" in refusal(place / "s", image)


def test_a_folder_without_mr_images_is_refused(place, image):
    (place / "source").mkdir(parents=True)
    (place / "source" / "x.dcm").write_text("nothing")
    assert "holds no MR images" in refusal(place / "source", image)
    assert "is not a folder" in refusal(place / "absent-folder", image)
    write_series(image, place / "ct", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    assert "only 9 other DICOM objects" in refusal(place / "ct", image)


def without(*planes):
    return lambda dataset, plane: plane not in planes


def changed(plane, **fields):
    def change(dataset, number):
        for key, value in fields.items() if number == plane else ():
            setattr(dataset, key, value)

    return change


def moved(plane, mm):
    """One plane is moved."""

    def change(dataset, number):
        if number == plane:
            position = np.array(dataset.ImagePositionPatient, float) + mm
            dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]

    return change


def removed(keyword):
    return lambda dataset, plane: delattr(dataset, keyword) if plane == 4 else None


def sheared(dataset, plane):
    row = np.array(dataset.ImageOrientationPatient[:3], float)
    dataset.ImagePositionPatient = [
        f"{v:.6f}" for v in np.array(dataset.ImagePositionPatient, float) + 0.5 * plane * row
    ]


SPOILED = {
    "a missing plane": (without(4), "a plane is missing after plane 4"),
    "several missing planes": (without(2, 5, 6), "3 planes are missing, the first after plane 2"),
    "a missing last plane": (without(8), "1 of its 9 planes are missing"),
    "a plane slightly off": (moved(4, np.array([0.5, 0.6, 0.5])), "unequal distances"),
    "gantry tilt": (sheared, "shifted against each other"),
    "a plane turned": (changed(4, ImageOrientationPatient=["1", "0", "0", "0", "1", "0"]), "not parallel"),
    "another pixel spacing": (changed(4, PixelSpacing=["1.3", "1.3"]), "differ in size or pixel spacing"),
    "another frame of reference": (changed(4, FrameOfReferenceUID="1.2.9"), "different frames of reference"),
    "no position": (removed("ImagePositionPatient"), "does not say where it lies"),
    "no orientation": (removed("ImageOrientationPatient"), "does not say where it lies"),
    "no pixel spacing": (removed("PixelSpacing"), "does not say where it lies"),
    "a position that is no number": (changed(4, ImagePositionPatient=["", "", ""]), "does not say where it lies"),
    "fewer pixels than rows": (changed(4, PixelData=b"\0" * 10), "cannot be read"),
    "in color": (changed(0, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0), "is in color"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_series_that_is_not_one_whole_block_is_refused(place, image, how):
    change, words = SPOILED[how]
    assert words in refusal(spoiled(place, image, change), image)


def test_echoes_and_repetitions_at_one_place_are_refused(place, image):
    series = {"SeriesInstanceUID": "1.2.3.9", "FrameOfReferenceUID": "1.2.3.8"}
    write_series(image, place / "s" / "a", **series)
    write_series(image, place / "s" / "b", **series)
    assert "several images at one place (9 too many)" in refusal(place / "s", image)


@pytest.mark.parametrize("other", ["thickness", "voxels"])
def test_two_files_that_claim_to_be_one_image_are_refused(place, image, other):
    folder = write_series(image, place / "source")
    dataset = pydicom.dcmread(folder / "IM0003")
    if other == "thickness":
        dataset.SliceThickness = "9"
    else:
        dataset.PixelData = bytes(reversed(dataset.PixelData))
    dataset.save_as(folder / "again")
    assert "claim to be one image" in refusal(folder, image)


def test_a_series_without_a_frame_of_reference_or_of_one_plane_is_refused(place, image):
    assert "no frame of reference" in refusal(write_series(image, place / "a", FrameOfReferenceUID=""), image)
    assert "single plane" in refusal(write_series(image, place / "b", change=without(*range(1, 9))), image)


def test_a_multi_frame_object_is_refused_for_the_same_reasons(place, image):
    def twice(dataset, plane):
        frames = dataset.PerFrameFunctionalGroupsSequence
        frames[3].PlanePositionSequence = frames[5].PlanePositionSequence

    folder = write_series(image, place / "a", enhanced=True, change=twice)
    assert "several images at one place" in refusal(folder, image)

    def lost(dataset, plane):
        del dataset.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence

    folder = write_series(image, place / "b", enhanced=True, change=lost)
    assert "does not say where it lies" in refusal(folder, image)
    series = {"SeriesInstanceUID": "1.2.3.9", "FrameOfReferenceUID": "1.2.3.8"}
    write_series(image, place / "c" / "1", enhanced=True, **series)
    write_series(image, place / "c" / "2", enhanced=True, **series)
    assert "several multi-frame images" in refusal(place / "c", image)
    write_series(image, place / "d" / "1", **series)
    write_series(image, place / "d" / "2", enhanced=True, **series)
    assert "mixes single- and multi-frame" in refusal(place / "d", image)


def test_rescaled_values_are_compared_as_shown(place, image):
    """Per-plane slopes, as some scanners store them, change the stored numbers of each plane differently."""

    def scaled(dataset, plane):
        slope = 0.25 * (1 + plane)
        stored = np.frombuffer(dataset.PixelData, np.uint16) / slope
        dataset.RescaleSlope, dataset.RescaleIntercept = f"{slope}", "0"
        dataset.PixelData = np.rint(stored).astype(np.uint16).tobytes()

    assert find_source(write_series(image, place / "source", change=scaled), image).lattice is not None


def test_without_pydicom_the_user_is_told_what_to_install(place, image, monkeypatch):
    monkeypatch.setitem(packages.importlib.sys.modules, "highdicom", None)
    with pytest.raises(PackageMissing, match="pip install pydicom highdicom") as missing:
        find_source(place, image)
    assert missing.value.exit_code == 3
    assert isinstance(missing.value, MSSoftSegError)


def test_a_losslessly_compressed_series_is_read(place, image):
    folder = write_series(image, place / "source")
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    assert find_source(folder, image).lattice is not None


def test_a_compression_that_cannot_be_read_is_named_with_its_remedy(place, image):
    folder = write_series(image, place / "source")
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PixelData = encapsulate([b"no such stream"])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
        dataset.save_as(path)
    words = refusal(folder, image)
    assert "is compressed in a way that cannot be read here (High-Throughput JPEG 2000" in words
    assert "— install pylibjpeg" in words


def test_what_may_not_be_read_is_passed_over_and_counted(place, image, caplog):
    folder = write_series(image, place / "source")
    (folder / "damaged").write_bytes(bytes(128) + b"DICM" + b"\x08\x00\x05\x00CS\xff\xff")
    (folder / "dangling").symlink_to(place / "nowhere")
    (folder / "round").symlink_to(folder, target_is_directory=True)
    find_source(folder, image)
    assert "1 files of the DICOM source cannot be read" in caplog.text


def test_a_disc_with_its_directory_is_read(place, image):
    disc = FileSet()
    for path in write_series(image, place / "source").iterdir():
        disc.add(path)
    disc.write(place / "disc")
    assert (place / "disc" / "DICOMDIR").exists()
    assert len(find_source(place / "disc", image).headers) == image.GetSize()[2]


@pytest.mark.parametrize("tiny", ["1e-308", "-1e-200"])
def test_an_orientation_that_itk_cannot_invert_is_cleaned_as_it_is_read(place, tiny):
    def spoil(dataset, plane):
        dataset.ImageOrientationPatient = ["1", tiny, "0", tiny, "1", "0"]

    image = head()
    found = find_source(spoiled(place, image, spoil), image)
    assert set(map(abs, found.stack.grid.direction)) == {0, 1}
