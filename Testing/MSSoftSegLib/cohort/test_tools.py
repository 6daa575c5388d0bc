"""Other tools' files are found under the names that they give them, land on FLAIR's grid, and fuse as the definitions say."""

from __future__ import annotations

import csv

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.tools.comparing import compare_tools
from MSSoftSegLib.cohort.tools.fusing import fuse
from MSSoftSegLib.cohort.tools.layouts import LAYOUTS, find_result, parse_source
from MSSoftSegLib.cohort.tools.reading import ToolLesions
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.image_file import read_image

# Anisotropic, flipped, off center; nibabel's order x, y, z.
AFFINE = np.array([[-0.9, 0, 0, 50], [0, 1.1, 0, -60], [0, 0, 3.0, 7], [0, 0, 0, 1]])
SIZE = (7, 8, 5)


def lesion():
    """One lesion of 2 × 2 × 1 voxels, lopsided in the grid."""
    mask = np.zeros(SIZE, np.uint8)
    mask[1:3, 5:7, 3] = 1
    return mask


def save(array, path, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = nibabel.MGHImage if path.suffix == ".mgz" else nibabel.Nifti1Image
    nibabel.save(kind(array, affine), path)
    return path


@pytest.fixture
def cohort(tmp_path):
    """One exam with our result of it."""
    flair = np.random.default_rng(1).normal(100, 9, SIZE).astype(np.float32)
    save(flair, tmp_path / "bids" / "sub-1" / "ses-a" / "anat" / "sub-1_ses-a_FLAIR.nii.gz")
    save(lesion(), tmp_path / "out" / "sub-1" / "ses-a" / "result" / "lesion_mask.nii.gz")
    save(lesion() * np.float32(0.8), tmp_path / "out" / "sub-1" / "ses-a" / "result" / "lesion_probability.nii.gz")
    return find_exams(tmp_path / "bids")


def table(out):
    with (out / "group_tools.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


FILES = {
    "lst-ai": ("sub-1_ses-a/space-flair_seg-lst.nii.gz", 1),
    "mindglide": ("sub-1_ses-a_FLAIR_seg.nii.gz", 18),
    "samseg": ("sub-1/ses-a/seg.mgz", 99),
    "flames": ("sub-1_ses-a.nii.gz", 1),
    "nicMSlesions": ("sub-1/ses-a/anat/sub-1_ses-a_mask.nii.gz", 1),
}


@pytest.mark.parametrize("tool", FILES)
def test_each_tools_file_is_found_and_its_lesion_lies_where_ours_does(cohort, tmp_path, tool):
    name, label = FILES[tool]
    # Other structures have other numbers, larger than a mask's in FreeSurfer's case.
    labels = lesion().astype(np.int32) * label
    if tool in ("samseg", "mindglide"):
        labels[5, 1, 1] = 258 if tool == "samseg" else 13
    save(labels, tmp_path / "theirs" / name)
    assert compare_tools(cohort, tmp_path / "out", [parse_source(f"{tool}={tmp_path / 'theirs'}")]) == 0
    ours, theirs = table(tmp_path / "out")
    assert (theirs["lesions"], float(theirs["volume_ml"])) == ("1", pytest.approx(4 * 0.9 * 1.1 * 3 / 1000))
    assert (float(theirs["dsc_with_ours"]), theirs["resampled"]) == (1.0, "no")
    assert (ours["tool"], ours["dsc_with_ours"]) == ("mssoftseg", "n/a")
    written = tmp_path / "out" / "tools" / "sub-1" / "ses-a" / "anat"
    name = f"sub-1_ses-a_space-FLAIR_desc-{tool.replace('-', '')}_dseg.nii.gz"
    np.testing.assert_array_equal(nibabel.load(written / name).get_fdata(), lesion())


def test_every_layout_that_is_known_is_tested():
    assert set(LAYOUTS) < set(FILES)


def test_a_map_on_another_grid_is_brought_here_as_it_lies_in_space_and_said_so(cohort, tmp_path):
    mirrored, affine = lesion()[::-1].copy(), AFFINE.copy()
    affine[0, 0], affine[0, 3] = 0.9, 50 - 0.9 * 6
    save(mirrored, tmp_path / "theirs" / "sub-1_ses-a.nii.gz", affine)
    compare_tools(cohort, tmp_path / "out", [parse_source(f"flames={tmp_path / 'theirs'}")])
    _, theirs = table(tmp_path / "out")
    assert (float(theirs["dsc_with_ours"]), theirs["resampled"]) == (1.0, "yes")


def test_an_answer_that_is_missing_or_broken_is_a_row_with_its_reason(cohort, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sub-1_ses-a.nii.gz").write_bytes(b"no image")
    sources = [parse_source(f"lst-ai={tmp_path / 'none'}"), parse_source(f"flames={tmp_path / 'broken'}")]
    assert compare_tools(cohort, tmp_path / "out", sources, fusion="staple") == 2
    rows = {row["tool"]: row for row in table(tmp_path / "out")}
    assert "lstai has no result of sub-1_ses-a" in rows["lstai"]["problem"]
    assert "sub-1_ses-a.nii.gz could not be read" in rows["flames"]["problem"]
    assert rows["mssoftseg"]["lesions"] == "1"
    assert "consensus" not in rows, "one answer is no consensus"


@pytest.mark.parametrize(
    ("text", "said"), [("lst-ai", "not a tool's name"), ("a b=.", "not a tool's name"), ("x=gone", "no folder gone")]
)
def test_a_source_that_does_not_hold_is_refused(text, said):
    with pytest.raises(RequestError, match=said):
        parse_source(text)


def answers(*arrays):
    images = [sitk.GetImageFromArray(np.asarray(array, np.float32).reshape(1, 2, 2)) for array in arrays]
    return [ToolLesions(sitk.Cast(each >= 0.5, sitk.sitkUInt8), each, False) for each in images]


def test_a_soft_vote_is_the_mean_of_the_probabilities():
    fused = fuse(answers([0.9, 0.2, 0, 1], [0.3, 0.4, 0, 1], [0.6, 0.6, 0, 1]), "soft-vote")
    np.testing.assert_allclose(sitk.GetArrayFromImage(fused.probability).ravel(), [0.6, 0.4, 0, 1], atol=1e-6)
    assert sitk.GetArrayFromImage(fused.mask).ravel().tolist() == [1, 0, 0, 1]


def test_staple_trusts_whoever_agrees_with_the_others():
    rng = np.random.default_rng(3)
    truth = np.zeros((6, 20, 20), bool)
    truth[2:4, 5:15, 5:12] = True
    good = [np.where(rng.random(truth.shape) < 0.02, ~truth, truth) for _ in range(3)]
    bad = rng.random(truth.shape) < 0.3
    images = [sitk.GetImageFromArray(each.astype(np.float32)) for each in (*good, bad)]
    fused = fuse([ToolLesions(sitk.Cast(each, sitk.sitkUInt8), each, False) for each in images], "staple")
    assert np.mean(sitk.GetArrayFromImage(fused.mask).astype(bool) == truth) > 0.995


def test_without_any_lesion_a_consensus_is_empty_and_of_one_there_is_none():
    for how in ("soft-vote", "staple"):
        assert sitk.GetArrayFromImage(fuse(answers([0] * 4, [0] * 4), how).mask).sum() == 0
        with pytest.raises(ValueError, match="two answers"):
            fuse(answers([0] * 4), how)


def test_the_consensus_is_written_on_flairs_grid(cohort, tmp_path):
    save(lesion(), tmp_path / "theirs" / "sub-1_ses-a.nii.gz")
    compare_tools(cohort, tmp_path / "out", [parse_source(f"flames={tmp_path / 'theirs'}")], fusion="soft-vote")
    path = (
        tmp_path
        / "out"
        / "tools"
        / "sub-1"
        / "ses-a"
        / "anat"
        / "sub-1_ses-a_space-FLAIR_desc-consensus_probseg.nii.gz"
    )
    assert read_image(path).GetOrigin() == pytest.approx(
        read_image(cohort[0].folder / "sub-1_ses-a_FLAIR.nii.gz").GetOrigin()
    )
    assert nibabel.load(path).get_fdata().max() == pytest.approx(0.9, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.where(lesion(), 1, 0.01), "0.01"),
        (np.where(lesion(), 1, np.nan), "nan"),
        (-lesion().astype(np.int16), "-1"),
    ],
)
def test_what_is_no_label_map_is_no_mask_of_any_tool(cohort, tmp_path, values, said):
    save(values.astype(np.float32), tmp_path / "theirs" / "sub-1_ses-a_lesions.nii.gz")
    assert compare_tools(cohort, tmp_path / "out", [parse_source(f"other={tmp_path / 'theirs'}")]) == 1
    _, theirs = sorted(table(tmp_path / "out"), key=lambda row: row["tool"])
    assert f"no label map: it holds the value {said}" in theirs["problem"]


def test_a_probability_is_known_by_its_own_word_and_not_by_the_participants(tmp_path):
    save(
        np.ones(SIZE, np.float32) + np.arange(SIZE[2]), tmp_path / "b" / "sub-prob1" / "anat" / "sub-prob1_FLAIR.nii.gz"
    )
    save(lesion(), tmp_path / "theirs" / "sub-prob1_lesions.nii.gz")
    (exam,) = find_exams(tmp_path / "b")
    found = find_result(parse_source(f"other={tmp_path / 'theirs'}"), exam.case, tmp_path / "FLAIR.nii.gz")
    assert (found.mask.name, found.probability) == ("sub-prob1_lesions.nii.gz", None)


def test_an_answer_in_another_space_is_refused(cohort, tmp_path):
    away = AFFINE.copy()
    away[:3, 3] += 40
    save(lesion(), tmp_path / "theirs" / "sub-1_ses-a.nii.gz", away)
    assert compare_tools(cohort, tmp_path / "out", [parse_source(f"flames={tmp_path / 'theirs'}")]) == 1
    assert "outside the FLAIR image" in table(tmp_path / "out")[0]["problem"]
