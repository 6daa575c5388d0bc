"""Quality checks on the real exams: no false alarm on patient 26 and on the consensus masks, and swapped slots are told.

The raw exams, which take minutes to preprocess, are in Benchmarks/quality_checks.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.checks import exam_warnings, result_warnings
from MSSoftSegLib.quality.warning import Check
from Testing.real.data import DATA, needs_data

pytestmark = needs_data


@pytest.fixture(scope="module")
def patient26():
    folder = DATA / "mni" / "patient26"
    images = {m: ExamImage(m, read_image(folder / f"{m.upper()}.nii.gz"), "", None) for m in MODALITIES}
    return take_exam_as_given(Exam(images), working_spacing_mm=1.0)


def test_nothing_is_wrong_with_patient_26(patient26):
    assert exam_warnings(patient26) == ()


def test_swapped_slots_and_a_shifted_image_of_patient_26_are_named(patient26):
    flair, t1, t2 = (patient26.images[m] for m in MODALITIES)
    swapped = replace(patient26, images={Modality.FLAIR: t1, Modality.T1: flair, Modality.T2: t2})
    told = {(w.check, w.modality) for w in exam_warnings(swapped)}
    assert {(Check.CONTRAST, Modality.FLAIR), (Check.CONTRAST, Modality.T1)} <= told
    beside = image_like(t2, np.roll(voxels(t2), 8, axis=1))
    shifted = replace(patient26, images={**patient26.images, Modality.T2: sitk.Mask(beside, patient26.brain_mask)})
    assert {(w.check, w.modality) for w in exam_warnings(shifted)} >= {(Check.ALIGNMENT, Modality.T2)}


@pytest.mark.parametrize("name", ["patient01", "patient12", "patient18", "patient20"])
def test_the_largest_the_smallest_and_the_most_scattered_true_load_are_plausible(name):
    folder = DATA / "lesion_masks" / name
    brain = sitk.Cast(sitk.ReadImage(str(folder / "brainmask_1mm.nii.gz")) > 0.5, sitk.sitkUInt8)
    lesions = voxels(sitk.ReadImage(str(folder / "lesion_consensus_1mm.nii.gz"))).astype(np.float32)
    probability = image_like(brain, ndimage.gaussian_filter(lesions, 0.5))
    working = WorkingExam({}, brain, Modality.FLAIR, {}, {}, {})
    segmentation = segment_lesions(combine([probability]), threshold=0.5, min_lesion_mm3=3.0)
    assert result_warnings(working, probability, segmentation) == ()
