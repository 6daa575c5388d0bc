"""A seed makes one patient, and what is said about her is so: sides, transforms, contrasts, volumes, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, resample, voxels
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.phantom.digital_patient import (
    ISOTROPIC_SETTINGS,
    SMALL,
    SMALL_SETTINGS,
    DigitalPatient,
    DigitalPatientSettings,
    make_digital_patient,
)
from MSSoftSegLib.phantom.patient_files import write_digital_patient
from MSSoftSegLib.phantom.tissues import Tissue
from Testing.MSSoftSegLib.phantom.small_patients import SEED, left_sided_patient, small_patient

IMAGES = ("truth", "rater1", "rater2", "brain_mask", "patient_truth", "patient_negatives", "patient_tissues")


def arrays(patient: DigitalPatient) -> dict[str, np.ndarray]:
    """Every voxel array of a patient by name."""
    named = {name: voxels(getattr(patient, name)) for name in IMAGES}
    return named | {modality.value: voxels(patient.exam.image(modality)) for modality in patient.exam.modalities}


def test_the_same_seed_gives_the_same_patient_bit_by_bit_whatever_the_global_random_state(
    patient: DigitalPatient,
) -> None:
    np.random.seed(5)  # noqa: NPY002 -- the point is the legacy global state
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    again = arrays(make_digital_patient(seed=SEED, settings=SMALL_SETTINGS))
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before)  # noqa: NPY002
    for name, array in arrays(patient).items():
        assert np.array_equal(array, again[name]), name


def test_another_seed_gives_another_patient(patient: DigitalPatient) -> None:
    other = arrays(small_patient(0))
    for name, array in arrays(patient).items():
        assert not np.array_equal(array, other[name]), name


def test_another_scanner_sees_the_same_patient(patient: DigitalPatient) -> None:
    other = make_digital_patient(seed=SEED, settings=replace(SMALL_SETTINGS, scanner_seed=3))
    assert np.array_equal(voxels(other.patient_truth), voxels(patient.patient_truth))
    assert np.array_equal(voxels(other.rater1), voxels(patient.rater1))
    assert not np.array_equal(voxels(other.exam.image(Modality.T2)), voxels(patient.exam.image(Modality.T2)))


def on_native(patient: DigitalPatient, image: sitk.Image, modality: Modality) -> np.ndarray:
    """A map of the patient's frame on a contrast's native grid, nearest voxel, by the known transform."""
    back = patient.native_from_patient[modality].GetInverse()
    grid = Grid.of(patient.exam.image(modality))
    return voxels(resample(image, grid, source_from_grid=back, interpolator=sitk.sitkNearestNeighbor))


def median_by_tissue(patient: DigitalPatient, modality: Modality) -> tuple[dict[Tissue, float], float]:
    tissues, lesion = (
        on_native(patient, image, modality) for image in (patient.patient_tissues, patient.patient_truth)
    )
    negatives = on_native(patient, patient.patient_negatives, modality)
    values = voxels(patient.exam.image(modality))
    medians = {t: np.median(values[(tissues == t) & (lesion == 0) & (negatives < 0.2)]) for t in Tissue}
    return medians, np.median(values[lesion > 0.9])


def test_flair_is_bright_in_lesion_then_gray_then_white_then_fluid(patient: DigitalPatient) -> None:
    median, lesion = median_by_tissue(patient, Modality.FLAIR)
    assert lesion > 1.12 * median[Tissue.GRAY]
    assert median[Tissue.GRAY] > median[Tissue.WHITE] > median[Tissue.CSF] > median[Tissue.AIR]


def test_t1_is_bright_in_fat_then_white_then_gray_then_fluid_with_dark_lesions(patient: DigitalPatient) -> None:
    median, lesion = median_by_tissue(patient, Modality.T1)
    assert median[Tissue.FAT] > median[Tissue.WHITE] > median[Tissue.GRAY] > median[Tissue.CSF] > median[Tissue.AIR]
    assert lesion < 0.9 * median[Tissue.WHITE]


def test_t2_is_bright_in_fluid_then_lesion_then_gray_then_white(patient: DigitalPatient) -> None:
    median, lesion = median_by_tissue(patient, Modality.T2)
    assert median[Tissue.VITREOUS] > lesion > median[Tissue.GRAY] > median[Tissue.WHITE] > median[Tissue.AIR]
    assert median[Tissue.CSF] > median[Tissue.GRAY]


def test_hard_negatives_are_in_no_truth(patient: DigitalPatient) -> None:
    negatives = voxels(patient.patient_negatives)
    assert negatives[voxels(patient.patient_truth) > 0].max() == 0
    assert (negatives > 0.3).sum() > 500


def lesion_points_mm(truth: sitk.Image) -> np.ndarray:
    """LPS points (n, 3) of the voxels that are mostly lesion."""
    return np.array(
        [truth.TransformIndexToPhysicalPoint([int(i) for i in at[::-1]]) for at in np.argwhere(voxels(truth) > 0.5)]
    )


@pytest.mark.parametrize("orientation", ["LPS", "RPS", "LAS", "PIR"])
def test_left_lesions_are_left_on_every_grid_however_it_is_stored(orientation: str) -> None:
    stored = left_sided_patient(orientation)
    points = lesion_points_mm(stored.truth)
    # The head lies turned by up to 4 degrees and shifted by up to 5 mm: back in her own frame, left is beyond doubt.
    back = stored.native_from_patient[Modality.FLAIR].GetInverse()
    ras_x = -np.array([back.TransformPoint(point)[0] for point in points])
    assert len(ras_x) > 50
    assert ras_x.max() < 0
    assert points.mean(axis=0) == pytest.approx(lesion_points_mm(left_sided_patient("LPS").truth).mean(axis=0), abs=2.0)
    # And FLAIR itself is brighter there than in the rest of the brain.
    flair, truth, brain = (voxels(i) for i in (stored.exam.image(Modality.FLAIR), stored.truth, stored.brain_mask))
    assert flair[truth > 0.5].mean() > 1.15 * np.median(flair[brain > 0])


def test_differently_stored_arrays_do_differ() -> None:
    left_first, right_first = (voxels(left_sided_patient(letters).truth) for letters in ("LPS", "RPS"))
    assert left_first.shape == right_first.shape
    assert np.abs(left_first - right_first).mean() > 0.5 * left_first.mean()
    assert np.abs(left_first - right_first[:, :, ::-1]).max() < 1e-3


def mutual_information(first: np.ndarray, second: np.ndarray, mask: np.ndarray) -> float:
    """Mutual information (nats) of two images inside a mask, 32 × 32 bins."""
    joint = np.histogram2d(first[mask], second[mask], bins=32)[0]
    joint /= joint.sum()
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    occupied = joint > 0
    return float((joint[occupied] * np.log(joint[occupied] / independent[occupied])).sum())


@pytest.mark.parametrize("moved", [Modality.T1, Modality.T2])
def test_the_known_transform_brings_a_contrast_onto_flair(patient: DigitalPatient, moved: Modality) -> None:
    flair, source = patient.exam.image(Modality.FLAIR), patient.exam.image(moved)
    known = patient.source_from_target(moved, Modality.FLAIR)
    wrong_way = patient.source_from_target(Modality.FLAIR, moved)
    head = voxels(flair) > 30

    def agreement(transform: sitk.Transform) -> float:
        return mutual_information(
            voxels(flair), voxels(resample(source, Grid.of(flair), source_from_grid=transform)), head
        )

    identity = sitk.Euler3DTransform()
    assert agreement(known) > 1.15 * agreement(identity)
    assert agreement(identity) > agreement(wrong_way)


@pytest.mark.parametrize("moved", [Modality.T1, Modality.T2])
def test_a_landmark_is_the_same_anatomy_in_each_contrast(patient: DigitalPatient, moved: Modality) -> None:
    landmark = (20.0, -35.0, 25.0)
    in_flair = patient.native_from_patient[Modality.FLAIR].TransformPoint(landmark)
    in_moved = patient.native_from_patient[moved].TransformPoint(landmark)
    found = patient.source_from_target(moved, Modality.FLAIR).TransformPoint(in_flair)
    assert found == pytest.approx(in_moved, abs=1e-6)
    distance_mm = np.linalg.norm(np.subtract(in_moved, in_flair))
    assert 0.5 < distance_mm < 4 + np.linalg.norm(landmark) * np.deg2rad(4.2)


def test_the_truth_has_one_volume_on_both_grids(patient: DigitalPatient) -> None:
    def volume_mm3(image: sitk.Image) -> float:
        return voxels(image).sum(dtype=float) * Grid.of(image).voxel_volume_mm3

    assert volume_mm3(patient.truth) == pytest.approx(volume_mm3(patient.patient_truth), rel=0.03)
    for image in (patient.truth, patient.patient_truth):
        array = voxels(image)
        assert array.min() >= 0
        assert array.max() <= 1
    assert np.all(voxels(patient.brain_mask)[voxels(patient.truth) > 0.5] == 1)


def test_noise_is_in_the_air_and_shading_in_the_white_matter(patient: DigitalPatient) -> None:
    flair = voxels(patient.exam.image(Modality.FLAIR))
    scan = patient.settings.acquisition(Modality.FLAIR)
    corner = flair[-3:, :6, :6]
    assert corner.mean() == pytest.approx(scan.noise * scan.white_level * np.sqrt(np.pi / 2), rel=0.25)
    white = (on_native(patient, patient.patient_tissues, Modality.FLAIR) == Tissue.WHITE) & (voxels(patient.truth) == 0)
    at = np.argwhere(white)
    means = [flair[tuple(at[half].T)].mean() for axis in range(3) for half in halves(at[:, axis])]
    assert max(means) / min(means) > 1.02


def halves(coordinate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the lower and the upper quarter of voxels along an axis."""
    low, high = np.quantile(coordinate, [0.25, 0.75])
    return coordinate <= low, coordinate >= high


def test_files_hold_the_exam_and_keep_the_truth_apart(patient: DigitalPatient, tmp_path: Path) -> None:
    folder = write_digital_patient(patient, tmp_path / "demo")
    assert sorted(path.name for path in folder.iterdir()) == ["FLAIR.nii.gz", "T1.nii.gz", "T2.nii.gz", "truth"]
    for modality in MODALITIES:
        read = sitk.ReadImage(str(folder / f"{modality.name}.nii.gz"))
        made = patient.exam.image(modality)
        assert np.array_equal(voxels(read), voxels(made))
        assert have_same_grid(read, made)
        assert patient.exam.images[modality].file_name == f"{modality.name}.nii.gz"
    pairs = {
        "truth_probability": patient.truth,
        "rater1": patient.rater1,
        "rater2": patient.rater2,
        "brain_mask": patient.brain_mask,
    }
    for name, made in pairs.items():
        read = sitk.ReadImage(str(folder / "truth" / f"{name}.nii.gz"))
        assert np.array_equal(voxels(read), voxels(made))
        assert have_same_grid(read, made)
    transform = sitk.ReadTransform(str(folder / "truth" / "T1_from_FLAIR.tfm"))
    known = patient.source_from_target(Modality.T1, Modality.FLAIR)
    assert transform.TransformPoint((10.0, 20.0, 30.0)) == pytest.approx(
        known.TransformPoint((10.0, 20.0, 30.0)), abs=1e-6
    )
    description = json.loads((folder / "truth" / "patient.json").read_text())
    assert description["seed"] == SEED
    assert len(description["lesions"]) == len(patient.lesions)
    assert description["settings"]["acquisitions"][0]["modality"] == "flair"


def test_a_folder_that_holds_something_is_refused(patient: DigitalPatient, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExists, match="not empty"):
        write_digital_patient(patient, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_exam_without_flair_or_with_one_contrast_twice_is_refused() -> None:
    flair, t1, _ = SMALL
    for acquisitions in ((t1,), (flair, flair), ()):
        with pytest.raises(RequestError, match="make no exam"):
            DigitalPatientSettings(acquisitions=acquisitions)
    with pytest.raises(RequestError, match="out of range"):
        DigitalPatientSettings(patient_spacing_mm=10)


def test_the_default_exam_is_clinical_and_the_isotropic_one_is_not() -> None:
    slices = {a.modality: a.spacing_mm for a in DigitalPatientSettings().acquisitions}
    assert slices == {Modality.FLAIR: (0.9, 0.9, 3.0), Modality.T1: (1.0, 1.0, 1.0), Modality.T2: (0.7, 0.7, 3.0)}
    assert {a.spacing_mm for a in ISOTROPIC_SETTINGS.acquisitions} == {(1.0, 1.0, 1.0)}
