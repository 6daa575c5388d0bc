"""``mss.segment`` in a notebook and ``mssoftseg segment`` in a shell: one computation."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

import MSSoftSegLib as mss
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.report.result import Result
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

THRESHOLD = 0.58


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a small exam, its brain mask and a random model."""
    folder = tmp_path_factory.mktemp("front-door")
    write_small_exam(folder)
    write_random_bundle(folder / "little")
    return folder


@pytest.fixture(scope="module")
def result(place):
    exam = mss.read_exam(place / "exam")
    chosen = {"device": "cpu", "tta": "none", "threshold": THRESHOLD}
    return mss.segment(exam, model=place / "little", brain=place / "brain.nii.gz", **chosen)


@pytest.fixture(scope="module")
def folder(place):
    """The same exam through the job."""
    spec = {
        "exam": {"folder": place / "exam"},
        "out": place / "out",
        "model": str(place / "little"),
        "device": "cpu",
        "tta": "none",
        "preprocessing": {"brain": str(place / "brain.nii.gz")},
        "threshold": THRESHOLD,
    }
    outcome = run(parse_job({"job": "j", "kind": "segment", "spec": spec}), lambda event: None)
    assert outcome.error is None
    return outcome.path


def array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_every_image_is_the_jobs_file_voxel_for_voxel(result, folder):
    images = {
        "lesion_probability": result.probability,
        "lesion_entropy": result.entropy,
        "lesion_mutual_information": result.mutual_information,
        "lesion_mask": result.mask,
        "lesion_instances": result.instances,
    }
    assert array(folder / "lesion_mask.nii.gz").any()
    for name, image in images.items():
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array(folder / f"{name}.nii.gz"))


def test_the_working_grid_is_the_jobs_too(result, folder):
    again = result.on_working_grid()
    for name, image in {"lesion_probability": again.maps.probability, "lesion_mask": again.mask}.items():
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array(folder / "working" / f"{name}.nii.gz"))


def test_the_numbers_are_those_of_the_jobs_facts(result, folder):
    facts = Result.model_validate_json((folder / "result.json").read_text(encoding="utf-8"))
    assert (len(result.lesions), result.volume_ml) == (facts.lesions.count, facts.lesions.volume_ml)
    assert (result.soft_volume_ml, result.volume_interval_ml) == (
        facts.lesions.soft_volume_ml,
        facts.lesions.volume_interval_ml,
    )
    assert (result.threshold, result.tta, result.device) == (facts.threshold, facts.tta, facts.device)
    assert (result.brain, result.warnings) == (facts.brain_extraction, facts.warnings)


def test_the_images_lie_on_the_flairs_own_grid_and_hold_what_their_names_say(result):
    flair = result.exam.image(mss.Modality.FLAIR)
    probability, entropy = map(sitk.GetArrayFromImage, (result.probability, result.entropy))
    for image in (result.probability, result.entropy, result.mask, result.instances):
        assert (image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()) == (
            flair.GetSize(),
            flair.GetSpacing(),
            flair.GetOrigin(),
            flair.GetDirection(),
        )
    p = probability.astype(float)
    by_hand = -sum(q * np.log(np.where(q > 0, q, 1)) for q in (p, 1 - p))
    np.testing.assert_allclose(entropy, by_hand, atol=1e-6)
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(result.instances) > 0, sitk.GetArrayFromImage(result.mask) == 1
    )


def test_another_threshold_needs_no_second_prediction(result):
    fewer = segment_lesions(result.segmentation.maps, threshold=0.6, min_lesion_mm3=3.0)
    assert fewer.volume_ml < result.volume_ml


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"threshold": 1.5}, "threshold: must be less than 1"),
        ({"tta": "flips9"}, "tta: must be 'flips8' or 'none'"),
        ({"reference": "t7"}, "reference: must be"),
        ({"align_to": "t2"}, "align_to: must be"),
        ({"preprocessed": True, "brain": "atlas"}, "taken as they are"),
        ({"device": "toaster"}, "names no device"),
        ({"model": "nobody"}, "no model is called"),
    ],
)
def test_a_choice_that_does_not_hold_is_named_before_anything_is_computed(place, choice, said):
    exam = mss.read_exam(flair=place / "exam" / "FLAIR.nii.gz")
    asked = {"model": place / "little", "device": "cpu", **choice}
    with pytest.raises(mss.MSSoftSegError, match=said) as refused:
        mss.segment(exam, **asked)
    assert refused.value.remedy


def test_a_reference_that_the_exam_does_not_hold_is_refused(place):
    exam = mss.read_exam(flair=place / "exam" / "FLAIR.nii.gz")
    with pytest.raises(mss.MSSoftSegError, match="no T2 image to lay the result on"):
        mss.segment(exam, model=place / "little", device="cpu", reference="t2")


def test_progress_is_told_in_the_order_of_the_work(place):
    told, threads = [], torch.get_num_threads()
    exam = mss.read_exam(flair=place / "exam" / "FLAIR.nii.gz", t1=place / "exam" / "T1.nii.gz")
    mss.segment(
        exam,
        model=place / "little",
        device="cpu",
        tta="flips8",
        brain=place / "brain.nii.gz",
        progress=lambda stage, fraction: told.append((stage, fraction)),
    )
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == [
        "alignment",
        "bias-correction",
        "brain-extraction",
        "working-grid",
        "inference",
        "lesions",
        "regions",
    ]
    assert all(0 <= fraction <= 1 for _, fraction in told)
    assert [fraction for stage, fraction in told if stage == "inference"] == [each / 8 for each in range(9)]
    assert torch.get_num_threads() == threads
