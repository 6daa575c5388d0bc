"""BIDS data sets as people keep them: no mask of theirs stays behind without a line, and none means something else."""

from __future__ import annotations

import pytest

from MSSoftSegLib.library.importing.run import import_cases
from MSSoftSegLib.library.reading import read_library
from MSSoftSegLib.library.visits import find_names_told_apart
from Testing.MSSoftSegLib.library.made_cases import gray, labels, new_library, written


@pytest.fixture
def library(tmp_path):
    return new_library(tmp_path)


def bids(folder, *masks, beside=()):
    """One visit; masks: their names below derivatives; beside: beside its image."""
    written(gray(1), folder / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz")
    for number, name in enumerate(masks):
        written(labels(number), folder / "derivatives" / name)
    for name in beside:
        written(labels(1), folder / "sub-01" / "anat" / name)
    return folder


def raters(library):
    (record,) = read_library(library)
    return sorted(record.raters)


@pytest.mark.parametrize(
    "name",
    [
        "labels/sub-01/anat/sub-01_FLAIR_lesion-manual.nii.gz",
        "labels/sub-01/anat/sub-01_desc-lesion_seg.nii.gz",
        "labels/sub-01/anat/sub-01_label-lesion_mask.nrrd",
        "labels/sub-01/anat/sub-01_desc-nonlesion_mask.nii.gz",
        "labels/sub-01/anat/sub-01_desc-lesionfilled_mask.nii.gz",
        "labels/sub-01/anat/sub-01_desc-lesionfree_mask.nii.gz",
    ],
)
def test_a_mask_that_is_not_taken_has_a_line(library, tmp_path, name):
    notes = import_cases(library, bids(tmp_path / "bids", name), "bids").notes
    assert [note for note in notes if note.startswith(f"{name.rpartition('/')[2]} is not taken: ")]
    assert raters(library) == []


@pytest.mark.parametrize("name", ["sub-01_label-lesion_mask.nii.gz", "sub-01_FLAIR_lesions.nii.gz"])
def test_a_mask_beside_its_image_has_a_line(library, tmp_path, name):
    notes = import_cases(library, bids(tmp_path / "bids", beside=(name,)), "bids").notes
    assert f"{name} is not taken: it lies beside images, not in derivatives" in notes


def test_a_mask_with_a_name_in_capitals_is_taken(library, tmp_path):
    source = bids(tmp_path / "bids", "manual/sub-01/anat/sub-01_label-lesion_mask.nii.gz")
    (path,) = source.rglob("*_mask.nii.gz")
    path.rename(path.with_name("sub-01_label-lesion_mask.NII.GZ"))
    assert import_cases(library, source, "bids").notes == ()
    assert raters(library) == ["manual"]


def test_a_tools_answer_that_counts_as_a_rater_is_told(library, tmp_path):
    names = (f"{each}/sub-01/anat/sub-01_label-lesion_mask.nii.gz" for each in ("manual", "lstai"))
    notes = import_cases(library, bids(tmp_path / "bids", *names), "bids").notes
    assert notes == ("sub-01 has masks by lstai and manual: each counts as a rater",)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("index;name\n1;cortex\n", "'cortex'"),
        ("index,name\n1,cortex\n", "'cortex'"),
        ("a\tb\n1\tcortex\n", "no columns index"),
    ],
)
def test_a_table_of_labels_is_heard_whatever_parts_its_columns(library, tmp_path, table, said):
    source = bids(tmp_path / "bids", "manual/sub-01/anat/sub-01_label-lesion_dseg.nii.gz")
    (source / "derivatives" / "manual" / "dseg.tsv").write_text(table)
    assert said in import_cases(library, source, "bids").problems["sub-01"]


def test_ids_that_differ_in_zeros_read_like_one_patient():
    assert find_names_told_apart(["sub-007", "sub-7", "sub-70"]) == [("sub-007", "sub-7")]
