"""Other people's data sets, on trees with their names and headers: every case arrives, what is missing is named."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.importing.choices import Choices
from MSSoftSegLib.library.importing.run import import_cases
from MSSoftSegLib.library.reading import read_labeled_cases, read_library
from Testing.MSSoftSegLib.library.made_cases import array, case_files, gray, labels, new_library, soft, written


@pytest.fixture
def library(tmp_path):
    return new_library(tmp_path)


def cases(library):
    return {case.case: case for case in read_labeled_cases(library, verify=True)}


# ISBI 2015


VISITS = (("01", 1), ("02", 2))


def isbi_tree(folder, *, test=False):
    """Two patients with one and two visits, as training.zip unpacks."""
    for patient, visits in VISITS:
        for number in range(1, visits + 1):
            name = f"training{patient}_{number:02d}"
            seed = 10 * int(patient) + number
            base = folder / "training" / f"training{patient}"
            # What was measured is there too, on another grid.
            for offset, kind in enumerate(("flair", "mprage", "pd", "t2")):
                written(gray(seed + 100 * offset), base / "preprocessed" / f"{name}_{kind}_pp.nii")
                written(gray(seed, size=(9, 9, 4)), base / "orig" / f"{name}_{kind}.nii.gz")
            for rater in (1, 2):
                written(labels(seed + rater, highest=1), base / "masks" / f"{name}_mask{rater}.nii")
    if test:
        for kind in ("flair", "mprage", "pd", "t2"):
            base = folder / "testdata_website" / "test01"
            written(gray(7), base / "preprocessed" / f"test01_04_{kind}_pp.nii")
    return folder


def test_isbi_2015_visits_arrive_with_four_contrasts_and_both_raters(library, tmp_path):
    source = isbi_tree(tmp_path / "isbi", test=True)
    imported = import_cases(library, source, "isbi2015")
    assert imported.problems == {}
    assert len(imported.cases) == 4
    found = cases(library)
    assert set(found) == {f"sub-{p}_ses-{s:02d}" for p, n in VISITS for s in range(1, n + 1)}
    case = found["sub-02_ses-02"]
    assert case.patient == "02"
    assert case.preprocessed
    base = source / "training" / "training02"
    kinds = {Modality.FLAIR: "flair", Modality.T1: "mprage", Modality.T2: "t2", Modality.PD: "pd"}
    for modality, kind in kinds.items():
        original = base / "preprocessed" / f"training02_02_{kind}_pp.nii"
        np.testing.assert_array_equal(array(case.images[modality]), array(original))
    for rater in ("1", "2"):
        original = base / "masks" / f"training02_02_mask{rater}.nii"
        np.testing.assert_array_equal(array(case.raters[rater]), array(original))
    statuses = {str(record.case_id): record.status for record in read_library(library)}
    assert statuses["sub-test01_ses-04"] == "unlabelled"
    assert check_library(library) == []


@pytest.mark.parametrize("inside", ["training", "training/training01"])
def test_isbi_2015_is_found_from_any_folder_of_it(library, tmp_path, inside):
    source = isbi_tree(tmp_path / "isbi") / inside
    assert len(import_cases(library, source, "isbi2015").cases) == (3 if inside == "training" else 1)


@pytest.mark.parametrize("lost", ["masks/training01_01_mask2", "preprocessed/training01_01_pd_pp"])
def test_what_an_isbi_2015_visit_lacks_is_named_and_the_others_arrive(library, tmp_path, lost):
    source = isbi_tree(tmp_path / "isbi")
    (source / "training" / "training01" / f"{lost}.nii").unlink()
    imported = import_cases(library, source, "isbi2015")
    assert set(imported.problems) == {"training01_01"}
    assert lost.rpartition("/")[2] in imported.problems["training01_01"]
    assert len(imported.cases) == 2


def test_importing_twice_changes_nothing(library, tmp_path):
    source = isbi_tree(tmp_path / "isbi")
    import_cases(library, source, "isbi2015")
    before = case_files(library)
    assert len(import_cases(library, source, "isbi2015").cases) == 3
    assert case_files(library) == before


def test_a_case_that_cannot_be_read_is_named_and_the_others_arrive(library, tmp_path):
    source = isbi_tree(tmp_path / "isbi")
    bad = source / "training" / "training02" / "masks" / "training02_01_mask1.nii"
    bad.write_bytes(bad.read_bytes()[:-7])
    imported = import_cases(library, source, "isbi2015")
    assert len(imported.cases) == 2
    assert set(imported.problems) == {"training02_01"}
    assert bad.name in imported.problems["training02_01"]
    assert check_library(library) == []


# Medical Segmentation Decathlon


def msd_tree(folder, *, modality, count=2):
    names = []
    for number in range(1, count + 1):
        name = f"task_{number}.nii.gz"
        channels = [sitk.GetArrayFromImage(gray(10 * number + c)).astype(np.float32) for c in range(len(modality))]
        values = np.stack(channels, -1).T if len(channels) > 1 else channels[0].T
        values = np.moveaxis(values, 0, -1) if len(channels) > 1 else values
        affine = np.array([[-0.8, 0, 0, 12], [0, 0.8, 0, -7], [0, 0, 5, 3], [0, 0, 0, 1.0]])
        for part, voxels in (("imagesTr", values), ("labelsTr", sitk.GetArrayFromImage(labels(number, highest=3)).T)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            image = nibabel.Nifti1Image(voxels, affine)
            image.set_qform(affine, code=1)
            nibabel.save(image, folder / part / name)
            (folder / part / f"._{name}").write_bytes(b"what a Mac leaves in archives")
        names.append(name)
    description = {
        "name": "made up",
        "tensorImageSize": "4D" if len(modality) > 1 else "3D",
        "modality": {str(n): name for n, name in enumerate(modality)},
        "labels": {"0": "background", "1": "edema", "2": "core", "3": "enhancing"},
        "numTraining": count,
        "training": [{"image": f"./imagesTr/{n}", "label": f"./labelsTr/{n}"} for n in names],
        "test": ["./imagesTs/task_9.nii.gz"],
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def test_decathlon_channels_are_told_apart_by_the_description(library, tmp_path):
    source = msd_tree(tmp_path / "Task01_BrainTumour", modality=["FLAIR", "T1w", "t1gd", "T2w"])
    import_cases(library, source, "msd", choices=Choices(labels=(2,)))
    found = cases(library)
    assert set(found) == {"sub-task1", "sub-task2"}
    case = found["sub-task2"]
    assert case.preprocessed
    for modality, channel in ((Modality.FLAIR, 0), (Modality.T1, 1), (Modality.T2, 3)):
        stored = nibabel.load(case.images[modality])
        original = nibabel.load(source / "imagesTr" / "task_2.nii.gz")
        np.testing.assert_array_equal(np.asarray(stored.dataobj), np.asarray(original.dataobj)[..., channel])
        np.testing.assert_allclose(stored.affine, original.affine, atol=1e-5)
    assert set(case.images) == {Modality.FLAIR, Modality.T1, Modality.T2}
    drawn = np.asarray(nibabel.load(source / "labelsTr" / "task_2.nii.gz").dataobj)
    np.testing.assert_array_equal(np.asarray(nibabel.load(case.raters["msd"]).dataobj), drawn == 2)


def test_a_decathlon_task_without_flair_needs_a_word_on_what_plays_its_part(library, tmp_path):
    source = msd_tree(tmp_path / "Task02_Heart", modality=["MRI"])
    with pytest.raises(RequestError) as caught:
        import_cases(library, source, "msd")
    assert "--as-flair" in caught.value.remedy
    assert "MRI" in caught.value.message
    for channel in ("0", "MRI"):
        import_cases(library, source, "msd", choices=Choices(as_flair=channel))
    case = cases(library)["sub-task1"]
    assert list(case.images) == [Modality.FLAIR]
    original = sitk.ReadImage(str(source / "imagesTr" / "task_1.nii.gz"))
    np.testing.assert_array_equal(array(case.images[Modality.FLAIR]), sitk.GetArrayFromImage(original))
    drawn = np.asarray(nibabel.load(source / "labelsTr" / "task_1.nii.gz").dataobj)
    np.testing.assert_array_equal(np.asarray(nibabel.load(case.raters["msd"]).dataobj), drawn > 0)
    with pytest.raises(RequestError, match="CT"):
        import_cases(library, source, "msd", choices=Choices(as_flair="CT"))
    with pytest.raises(RequestError, match="label 4") as wrong:
        import_cases(library, source, "msd", choices=Choices(as_flair="0", labels=(4,)))
    assert "core" in wrong.value.remedy


@pytest.mark.parametrize("lost", ["imagesTr/task_2.nii.gz", "labelsTr/task_1.nii.gz"])
def test_what_a_decathlon_case_lacks_is_named_and_the_others_arrive(library, tmp_path, lost):
    source = msd_tree(tmp_path / "Task", modality=["FLAIR"])
    (source / lost).unlink()
    imported = import_cases(library, source, "msd")
    case = lost.rpartition("/")[2].removesuffix(".nii.gz")
    assert lost in imported.problems[case]
    assert len(imported.cases) == 1


def test_a_decathlon_task_without_its_description_is_refused(library, tmp_path):
    source = msd_tree(tmp_path / "Task", modality=["FLAIR"])
    (source / "dataset.json").unlink()
    with pytest.raises(BadLibrary, match=r"dataset\.json"):
        import_cases(library, source, "msd")


# nnU-Net


def nnunet_tree(folder, *, version=2, ending=".nii.gz"):
    for number, name in enumerate(("MSL-001", "MSL-002")):
        for channel in range(2):
            written(gray(10 * number + channel), folder / "imagesTr" / f"{name}_{channel:04d}{ending}")
        written(labels(number, highest=3), folder / "labelsTr" / f"{name}{ending}")
    described = {"channel_names": {"0": "T1", "1": "FLAIR"}, "file_ending": ending, "numTraining": 2}
    described["labels"] = {"background": 0, "lesion": 1, "black hole": 2, "ignore": 3}
    if version == 1:
        described["modality"] = described.pop("channel_names")
        del described["file_ending"]
        described["labels"] = {"0": "background", "1": "lesion", "2": "black hole", "3": "ignore"}
    (folder / "dataset.json").write_text(json.dumps(described))
    return folder


@pytest.mark.parametrize(("version", "ending"), [(1, ".nii.gz"), (2, ".nii.gz"), (2, ".nrrd")])
def test_nnunet_channels_and_chosen_labels_arrive_and_the_others_are_noted(library, tmp_path, version, ending):
    source = nnunet_tree(tmp_path / "Dataset501_MS", version=version, ending=ending)
    imported = import_cases(library, source, "nnunet", choices=Choices(labels=(1, 2)))
    assert "label 3 (ignore) is not taken for lesion" in imported.notes
    found = cases(library)
    assert set(found) == {"sub-MSL001", "sub-MSL002"}
    case = found["sub-MSL002"]
    np.testing.assert_array_equal(
        array(case.images[Modality.FLAIR]), array(source / "imagesTr" / f"MSL-002_0001{ending}")
    )
    np.testing.assert_array_equal(array(case.images[Modality.T1]), array(source / "imagesTr" / f"MSL-002_0000{ending}"))
    drawn = array(source / "labelsTr" / f"MSL-002{ending}")
    np.testing.assert_array_equal(array(case.raters["nnunet"]), (drawn == 1) | (drawn == 2))


def test_two_nnunet_names_that_would_be_one_id_are_both_named(library, tmp_path):
    source = nnunet_tree(tmp_path / "Dataset501_MS")
    for path in [*source.rglob("MSL-002*")]:
        path.rename(path.with_name(path.name.replace("MSL-002", "MSL_001")))
    imported = import_cases(library, source, "nnunet", choices=Choices(labels=(1, 2)))
    assert imported.cases == ("sub-MSL001",)
    assert "MSL-001 and MSL_001" in imported.problems["MSL_001"]


@pytest.mark.parametrize("lost", ["labelsTr/MSL-001.nii.gz", "imagesTr/MSL-002_0000.nii.gz"])
def test_what_an_nnunet_case_lacks_is_named_and_the_others_arrive(library, tmp_path, lost):
    source = nnunet_tree(tmp_path / "Dataset501_MS")
    (source / lost).unlink()
    imported = import_cases(library, source, "nnunet", choices=Choices(labels=(1, 2)))
    (problem,) = imported.problems.values()
    assert lost in problem
    assert len(imported.cases) == 1


# BIDS


def bids_tree(folder):
    anat = folder / "sub-A" / "ses-1" / "anat"
    written(gray(1), anat / "sub-A_ses-1_FLAIR.nii.gz")
    written(gray(2, turn=0.1), anat / "sub-A_ses-1_acq-mprage_T1w.nii.gz")
    written(gray(3), anat / "sub-A_ses-1_ce-gadolinium_T1w.nii.gz")
    written(gray(4), folder / "sub-B" / "anat" / "sub-B_FLAIR.nii.gz")
    written(gray(5), folder / "sub-C" / "anat" / "sub-C_T1w.nii.gz")
    masks = folder / "derivatives" / "manual_masks" / "sub-A" / "ses-1" / "anat"
    written(labels(1), masks / "sub-A_ses-1_label-lesion_desc-ann_mask.nii.gz")
    written(labels(2), masks / "sub-A_ses-1_label-lesion_dseg.nii.gz")
    written(labels(3), masks / "sub-A_ses-1_label-brain_mask.nii.gz")
    written(soft(3), masks / "sub-A_ses-1_label-lesion_desc-unet_probseg.nii.gz")
    (folder / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    return folder


def test_bids_images_masks_and_raters_arrive(library, tmp_path):
    import_cases(library, bids_tree(tmp_path / "bids"), "bids")
    found = cases(library)
    assert set(found) == {"sub-A_ses-1"}
    case = found["sub-A_ses-1"]
    assert not case.preprocessed
    assert set(case.raters) == {"ann", "manualmasks"}
    np.testing.assert_array_equal(array(case.raters["ann"]), sitk.GetArrayFromImage(labels(1)))
    np.testing.assert_array_equal(array(case.images[Modality.T1]), sitk.GetArrayFromImage(gray(2)))
    np.testing.assert_array_equal(array(case.soft_label), sitk.GetArrayFromImage(soft(3)))
    assert {str(r.case_id): r.status for r in read_library(library)} == {
        "sub-A_ses-1": "approved",
        "sub-B": "unlabelled",
    }


def test_two_bids_images_for_one_part_are_both_named(library, tmp_path):
    source = bids_tree(tmp_path / "bids")
    written(gray(9), source / "sub-B" / "anat" / "sub-B_run-2_FLAIR.nii.gz")
    imported = import_cases(library, source, "bids")
    assert imported.cases == ("sub-A_ses-1",)
    assert "sub-B_FLAIR" in imported.problems["sub-B"]
    assert "sub-B_run-2_FLAIR" in imported.problems["sub-B"]


def test_a_bids_mask_on_another_images_grid_is_a_problem_of_its_case_alone(library, tmp_path):
    source = bids_tree(tmp_path / "bids")
    written(labels(1, turn=0.1), source / "derivatives" / "x" / "sub-B_label-lesion_mask.nii.gz")
    imported = import_cases(library, source, "bids")
    assert set(imported.problems) == {"sub-B"}
    assert imported.cases == ("sub-A_ses-1",)


@pytest.mark.parametrize("format", ["isbi2015", "msd", "bids", "nnunet"])
def test_an_archive_or_an_empty_or_absent_folder_is_refused_with_what_to_do(library, tmp_path, format):
    (tmp_path / "training.zip").write_bytes(b"PK")
    with pytest.raises(RequestError) as caught:
        import_cases(library, tmp_path / "training.zip", format)
    assert "unpack" in caught.value.remedy
    (tmp_path / "empty").mkdir()
    for name in ("empty", "nowhere"):
        with pytest.raises(RequestError, match=name):
            import_cases(library, tmp_path / name, format)
