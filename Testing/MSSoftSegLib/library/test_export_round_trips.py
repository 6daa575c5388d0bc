"""Every export format through a reader that is not ours: nibabel, BIDS' own schema, nnU-Net's own check, MONAI's loaders."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from bidsschematools.schema import load_schema
from monai.data import load_decathlon_datalist
from monai.transforms import LoadImaged

from MSSoftSegLib.errors import OutputExists
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.exporting.bids import export_bids
from MSSoftSegLib.library.exporting.case_labels import LabelChoice, merge_labels
from MSSoftSegLib.library.exporting.monai_datalist import export_datalist
from MSSoftSegLib.library.exporting.nifti import export_nifti
from MSSoftSegLib.library.exporting.nnunet import export_nnunet
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import (
    SIZE,
    array,
    flair_only,
    gray,
    labels,
    new_library,
    nifti_with_text,
    soft,
)
from Testing.MSSoftSegLib.preprocessing.test_hd_bet_real import interpreter  # noqa: F401  a fixture
from Testing.patience import HANGING_S

APPROVED = ("approved",)
SOFTENING = SoftLabelSettings(merge="soft-union", method="ramp", radius_mm=2)
FORMATS = {"nifti": export_nifti, "bids": export_bids, "nnunet": export_nnunet, "monai-datalist": export_datalist}


@pytest.fixture
def library(tmp_path):
    """Two raters with a visit id and a soft label; one rater without; a pseudo-label alone; nothing at all."""
    made = new_library(tmp_path)
    images = {Modality.FLAIR: gray(1), Modality.T1: gray(2), Modality.T2: gray(3)}
    raters = {"B": labels(0), "A": labels(1)}
    add_case(made, patient="1", session="x", images=images, raters=raters, soft_label=soft(), status="approved")
    images = {Modality.FLAIR: gray(4), Modality.T1: gray(5, turn=0.28)}
    add_case(made, patient="2", images=images, raters={"A": labels(2, highest=1)}, status="approved")
    confidence = soft(9)
    add_case(made, patient="3", images=flair_only(6), soft_label=soft(7), confidence=confidence, status="approved")
    add_case(made, patient="4", images=flair_only(8))
    return made


def nifti(path):
    """Voxels (x, y, z) and affine, by nibabel."""
    image = nibabel.load(path)
    return np.asarray(image.dataobj), image.affine


def same_place(first, second):
    np.testing.assert_allclose(first, second, atol=1e-4)


def expected(image):
    """What nibabel should read of an image that was put into the library: (x, y, z), and RAS in place of LPS."""
    direction = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction, image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, np.diag([-1, -1, 1, 1]) @ affine


def test_nifti_pairs_are_the_cases_voxels_at_the_cases_place(library, tmp_path):
    done = export_nifti(library, tmp_path / "out", statuses=APPROVED)
    assert done.cases == ("sub-1_ses-x", "sub-2", "sub-3")
    pairs = {
        "sub-1_ses-x_FLAIR": gray(1),
        "sub-1_ses-x_T2w": gray(3),
        "sub-1_ses-x_mask-A": labels(1),
        "sub-1_ses-x_mask-B": labels(0),
        "sub-1_ses-x_soft": soft(),
        "sub-2_T1w": gray(5, turn=0.28),
        "sub-2_mask": labels(2, highest=1),
        "sub-3_soft": soft(7),
    }
    for name, image in pairs.items():
        voxels, affine = nifti(tmp_path / "out" / f"{name}.nii.gz")
        there, place = expected(image)
        np.testing.assert_array_equal(voxels, there)
        same_place(affine, place)
    with (tmp_path / "out" / "cases.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["masks"] for row in rows] == [
        "sub-1_ses-x_mask-A.nii.gz sub-1_ses-x_mask-B.nii.gz",
        "sub-2_mask.nii.gz",
        "",
    ]
    named = {name for row in rows for key in ("flair", "t1", "t2", "masks", "soft_mask") for name in row[key].split()}
    assert {*named, "cases.csv"} == set(done.files)


def test_raters_are_merged_and_softened_for_an_export_as_soft_masks_are(library, tmp_path):
    choice = LabelChoice(merge="soft-union", soft_label=SOFTENING)
    export_nifti(library, tmp_path / "out", statuses=APPROVED, labels=choice)
    a, b = (sitk.GetArrayFromImage(labels(seed)) for seed in (1, 0))
    merged = array(tmp_path / "out" / "sub-1_ses-x_mask.nii.gz")
    np.testing.assert_array_equal(merged == 1, (a == 1) & (b == 1))
    disputed = ((a == 1) ^ (b == 1)) | (a == 2) | (b == 2)
    np.testing.assert_array_equal(merged == 2, disputed & (merged != 1))
    # A stored soft label is taken as it is; where none is, it is made.
    np.testing.assert_array_equal(array(tmp_path / "out" / "sub-1_ses-x_soft.nii.gz"), sitk.GetArrayFromImage(soft()))
    made = sitk.GetArrayFromImage(make_soft_mask([labels(2, highest=1)], gray(4), SOFTENING).image)
    np.testing.assert_allclose(array(tmp_path / "out" / "sub-2_soft.nii.gz"), made)


def test_merging_as_one_mask_by_hand():
    a, b, c = (np.array(values, np.uint8) for values in ([1, 1, 1, 0, 2], [1, 1, 0, 0, 0], [1, 0, 0, 0, 1]))
    assert merge_labels([a, b, c], "intersection").tolist() == [1, 0, 0, 0, 2]
    assert merge_labels([a, b, c], "union").tolist() == [1, 1, 1, 0, 1]
    assert merge_labels([a, b, c], "soft-union").tolist() == [1, 2, 2, 0, 2]
    assert merge_labels([a, b, c], "mean").tolist() == [1, 1, 0, 0, 2]
    assert merge_labels([a[1:3], c[1:3]], "mean").tolist() == [1, 1]


SCHEMA = load_schema()
SHORT = {key: entity.name for key, entity in SCHEMA.objects.entities.items()}
ORDER = [SHORT[key] for key in SCHEMA.rules.entities]
AROUND = {"dataset_description.json", "participants.tsv", "README", ".bidsignore", "export.json", "seg-lesion_dseg.tsv"}


def unknown_to_bids(folder, rules):
    """The files whose suffix, entities, their order or extension no rule of BIDS' schema for anatomy allows."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and "derivatives" not in path.relative_to(folder).parts
    ]
    return sorted(path.name for path in files if path.name not in AROUND and not known(path, folder, rules))


def known(path, folder, rules):
    *pairs, rest = path.name.split("_")
    suffix, _, extension = rest.partition(".")
    entities = [pair.split("-") for pair in pairs]
    if any(len(pair) != 2 or not pair[1].isalnum() for pair in entities):
        return False
    names = [name for name, _ in entities]
    home = [f"{name}-{value}" for name, value in entities if name in ("sub", "ses")]
    if names != sorted(names, key=ORDER.index) or list(path.relative_to(folder).parts[:-1]) != [*home, "anat"]:
        return False
    return any(
        suffix in rule.suffixes
        and "." + extension in rule.extensions
        and set(names) <= {SHORT[key] for key in rule.entities}
        for name, rule in rules.items()
        if "anat" in rule.get("datatypes", ())
    )


def test_bids_own_schema_knows_every_name(library, tmp_path):
    done = export_bids(
        library, tmp_path / "out", statuses=("approved", "unlabelled"), labels=LabelChoice(soft_label=SOFTENING)
    )
    assert len(done.cases) == 4
    derived = tmp_path / "out" / "derivatives" / "mssoftseg"
    assert unknown_to_bids(derived, SCHEMA.rules.files.deriv.imaging) == []
    assert unknown_to_bids(tmp_path / "out", SCHEMA.rules.files.raw.anat) == []
    masks = sorted(path.name for path in derived.rglob("*_dseg.nii.gz"))
    assert masks == [
        "sub-1_ses-x_space-FLAIR_seg-lesion_desc-A_dseg.nii.gz",
        "sub-1_ses-x_space-FLAIR_seg-lesion_desc-B_dseg.nii.gz",
        "sub-2_space-FLAIR_seg-lesion_desc-A_dseg.nii.gz",
    ]
    assert len(list(derived.rglob("*_probseg.nii.gz"))) == 4
    for path in derived.rglob("sub-*.nii.gz"):
        facts = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
        reference = tmp_path / "out" / facts["SpatialReference"].removeprefix("bids:raw:")
        same_place(nifti(path)[1], nifti(reference)[1])


@pytest.mark.parametrize(
    "name",
    [
        "sub-2_space-FLAIR_label-lesion_desc-A_dseg.nii.gz",
        "sub-2_desc-A_space-FLAIR_seg-lesion_dseg.nii.gz",
        "sub-2_space-FLAIR_seg-lesion_desc-A-B_dseg.nii.gz",
        "sub-3_space-FLAIR_seg-lesion_desc-A_dseg.nii.gz",
        "sub-2_case.json",
    ],
    ids=["an entity that dseg has not", "order", "dash in a value", "another patient's folder", "suffix"],
)
def test_the_check_of_names_can_fail(tmp_path, name):
    (tmp_path / "sub-2" / "anat").mkdir(parents=True)
    (tmp_path / "sub-2" / "anat" / name).write_text("")
    (tmp_path / "sub-2" / "anat" / "sub-2_space-FLAIR_seg-lesion_desc-A_dseg.nii.gz").write_text("")
    assert unknown_to_bids(tmp_path, SCHEMA.rules.files.deriv.imaging) == [name]


def test_bids_labels_are_the_cases_voxels_at_the_cases_place(library, tmp_path):
    export_bids(library, tmp_path / "out", statuses=APPROVED)
    folder = tmp_path / "out" / "derivatives" / "mssoftseg" / "sub-1" / "ses-x" / "anat"
    for name, image in (("seg-lesion_desc-B_dseg", labels(0)), ("label-lesion_desc-soft_probseg", soft())):
        voxels, affine = nifti(folder / f"sub-1_ses-x_space-FLAIR_{name}.nii.gz")
        np.testing.assert_array_equal(voxels, expected(image)[0])
        same_place(affine, expected(image)[1])


VERIFY = """
import sys
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
if __name__ == "__main__":
    for folder in sys.argv[1:]:
        try:
            verify_dataset_integrity(folder, num_processes=1)
            print("VERDICT sound")
        except Exception as problem:
            print("VERDICT", type(problem).__name__)
"""


def nnunet_verdicts(python, folders, place):
    """What nnU-Net's own verification says of each, in its own environment and one process: its import takes long."""
    nowhere = {f"nnUNet_{name}": str(place / name) for name in ("raw", "preprocessed", "results")}
    (place / "verify.py").write_text(VERIFY)
    command = [str(python), str(place / "verify.py"), *map(str, folders)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=HANGING_S, env={**os.environ, **nowhere}
    )
    assert done.returncode == 0, done.stderr[-1500:]
    assert "Warning" not in done.stdout.partition("VERDICT")[0]
    return [line.removeprefix("VERDICT ") for line in done.stdout.splitlines() if line.startswith("VERDICT")]


def test_nnunet_itself_verifies_the_raw_data_set(library, tmp_path, interpreter):  # noqa: F811
    folders = []
    for name, merge in (("first", None), ("merged", "soft-union"), ("broken", None)):
        done = export_nnunet(library, tmp_path / name, statuses=APPROVED, labels=LabelChoice(merge=merge))
        assert [skipped.case for skipped in done.skipped] == ["sub-3"]
        folders.append(tmp_path / name / "Dataset501_MSLesion")
    longer = labels(2, size=(SIZE[0], SIZE[1], SIZE[2] + 1))
    sitk.WriteImage(longer, str(folders[2] / "labelsTr" / "sub-2.nii.gz"))
    sound, merged, broken = nnunet_verdicts(interpreter, folders, tmp_path)
    assert (sound, merged) == ("sound", "sound")
    assert broken != "sound"


def test_monais_loaders_read_the_data_list(library, tmp_path):
    choice = LabelChoice(merge="union", soft_label=SOFTENING)
    done = export_datalist(library, tmp_path / "all.json", statuses=APPROVED, labels=choice)
    # The list, a mask for each case, a soft label, and images that lie on other grids than FLAIR brought to it.
    assert len(done.files) == 6
    entries = load_decathlon_datalist(str(tmp_path / "all.json"), True, "training", base_dir=str(tmp_path))
    load = LoadImaged(keys=("flair", "label", "soft"), ensure_channel_first=True)
    sources = {"sub-1_ses-x": (gray(1), None), "sub-2": (gray(4), labels(2, highest=1))}
    for entry in entries[:2]:
        loaded = load(
            {"flair": entry["image"][0], "label": entry["label"], "soft": str(tmp_path / entry["soft_label"])}
        )
        flair, mask = sources[entry["case"]]
        np.testing.assert_array_equal(loaded["flair"][0], expected(flair)[0])
        same_place(np.asarray(loaded["flair"].affine), expected(flair)[1])
        same_place(np.asarray(loaded["label"].affine), expected(flair)[1])
        assert loaded["soft"].shape == loaded["label"].shape == loaded["flair"].shape
        if mask is not None:
            np.testing.assert_array_equal(loaded["label"][0], expected(mask)[0])


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_replaces_its_own_untouched_result_only(library, tmp_path, name):
    out = tmp_path / ("list.json" if name == "monai-datalist" else "out")
    extra = {"labels": LabelChoice(merge="union")}
    first = FORMATS[name](library, out, statuses=APPROVED, **extra)
    with pytest.raises(OutputExists):
        FORMATS[name](library, out, statuses=APPROVED, **extra)
    assert FORMATS[name](library, out, statuses=APPROVED, overwrite=True, **extra) == first
    folder = tmp_path / "list_labels" if name == "monai-datalist" else out
    (folder / "notes of mine.txt").write_text("precious")
    with pytest.raises(OutputExists, match="was changed since it was exported"):
        FORMATS[name](library, out, statuses=APPROVED, overwrite=True, **extra)
    assert (folder / "notes of mine.txt").read_text() == "precious"


def test_a_folder_of_labels_whose_list_was_never_written_is_made_again(library, tmp_path):
    out, extra = tmp_path / "list.json", {"labels": LabelChoice(merge="union")}
    first = FORMATS["monai-datalist"](library, out, statuses=APPROVED, **extra)
    written = out.read_bytes()
    # Killed in between.
    out.unlink()
    assert FORMATS["monai-datalist"](library, out, statuses=APPROVED, **extra) == first
    assert out.read_bytes() == written


def test_labels_that_a_renamed_list_names_are_not_replaced(library, tmp_path):
    out, extra = tmp_path / "list.json", {"labels": LabelChoice(merge="union")}
    FORMATS["monai-datalist"](library, out, statuses=APPROVED, **extra)
    out.rename(tmp_path / "first.json")
    with pytest.raises(OutputExists, match="not empty"):
        FORMATS["monai-datalist"](library, out, statuses=APPROVED, **extra)


NAME = b"DoeJane"


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_that_was_in_the_images_is_in_no_byte_of_an_export(tmp_path, name):
    library = new_library(tmp_path)
    fields = {field: NAME for field in ("descrip", "aux_file", "intent_name", "db_name", "extension")}
    flair = nifti_with_text(gray(), tmp_path / f"{NAME.decode()}.nii.gz", **fields)
    mask = nifti_with_text(labels(), tmp_path / f"{NAME.decode()}_mask.nii.gz", **fields)
    assert NAME in gzip.decompress(mask.read_bytes())
    add_case(library, patient="1", images={Modality.FLAIR: flair}, raters={"A": mask}, status="approved")
    place = tmp_path / "exports"
    place.mkdir()
    FORMATS[name](library, place / "out", statuses=APPROVED)
    files = [path for path in place.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        assert NAME.lower() not in (content + str(path.relative_to(place)).encode()).lower()
