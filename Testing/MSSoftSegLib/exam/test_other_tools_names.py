"""Names that sister tools, converters and scanners give to files: what is no plain FLAIR, T1 or T2 is never taken for one."""

from __future__ import annotations

import pytest

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition import CONTRAST_ENHANCED_T1, recognize


@pytest.mark.parametrize(
    "stem",
    ["t2_space_da-fl_sag_p2_iso", "t2_spc_da-fl_tra", "T2 Fluid-Attenuated Inversion Recovery", "T2W_IR_FLAIR"],
)
def test_a_flair_by_its_scanners_other_words_is_no_t2(stem: str) -> None:
    assert recognize(f"{stem}.nii.gz").modality is Modality.FLAIR
    assert recognize("image001.nii.gz", {"SeriesDescription": stem}).modality is Modality.FLAIR


@pytest.mark.parametrize("stem", ["T2_IR", "t2_spc_ir_sag_p2_iso", "T2 SPACE IR", "IR_T2_TSE"])
def test_a_t2_after_an_inversion_is_no_plain_t2(stem: str) -> None:
    assert recognize(f"{stem}.nii.gz").modality is None
    assert recognize("image001.nii.gz", {"SeriesDescription": stem}).modality is None


@pytest.mark.parametrize(
    "label",
    [
        *("acq-STIR_T2w", "acq-DIR_T2w", "acq-PSIR_T1w", "acq-spine_T2w", "acq-cervical_T2w", "bp-cspine_T2w"),
        *("acq-swi_T2w", "acq-FLAIR_T2w", "acq-T2FLAIR_T2w", "rec-synthetic_T1w", "acq-subtraction_T1w", "acq-WMn_T1w"),
    ],
)
def test_the_label_of_a_bids_acquisition_may_say_that_it_is_no_plain_image(label: str) -> None:
    assert recognize(f"sub-01_ses-2_{label}.nii.gz").modality is None


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("sub-01_ce-none_T1w", Modality.T1),
        ("sub-01_ce-pre_run-1_T1w", Modality.T1),
        ("sub-01_acq-mp2rage_T1w", Modality.T1),
        ("sub-01_acq-pd_T2w", Modality.T2),
        ("sub-01_dir-AP_T2w", Modality.T2),
        ("sub-01_acq-T1_FLAIR", Modality.FLAIR),
    ],
)
def test_labels_that_say_nothing_against_it_leave_a_bids_image(name: str, modality: Modality) -> None:
    assert recognize(f"{name}.nii.gz").modality is modality


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("FLAIR_star", "a FLAIR* image"),
        ("FLAIRstar", "a FLAIR* image"),
        ("FLAIR*", "a FLAIR* image"),
        ("T2star_FLAIR", "a FLAIR* image"),
        ("synthFLAIR", "a synthetic image"),
        ("FLAIR_synth", "a synthetic image"),
        ("T1_lesion_filled", "an image with its lesions filled in"),
        ("T1_inpainted", "an image with its lesions filled in"),
        ("y_T1", "a transform"),
        ("T1_0GenericAffine", "a transform"),
        ("T1_1InverseWarp", "a transform"),
        ("FLAIR_MNI152", "an image in a template's space"),
        ("T1_in_MNI", "an image in a template's space"),
        ("wFLAIR", "an image in a template's space"),
        ("sub-01_space-MNI152NLin2009cAsym_FLAIR", "an image in a template's space"),
        ("FLAIR_uncertainty", "a map that was computed from an image"),
        ("FLAIR_softseg", "a map that was computed from an image"),
        ("FLAIR_plaques", "a lesion mask"),
        ("FLAIR_hyperintensities", "a lesion mask"),
        ("T1_black_holes", "a lesion mask"),
        ("FLAIR_wm", "a mask or label map"),
        ("T1_GM", "a mask or label map"),
        ("T1_5tt", "a mask or label map"),
        ("FLAIR_ROI2", "a mask or label map"),
        ("FLAIR_binary", "a mask or label map"),
        ("FLAIR_ph", "a phase or complex part"),
        ("FLAIR_e2_pha", "a phase or complex part"),
        ("FLAIR_real", "a phase or complex part"),
        ("FLAIR_imaginary", "a phase or complex part"),
        ("FLAIR_flipped", "a mirrored image"),
        ("T1_inverted", "an image of inverted gray values"),
        ("WMn_MPRAGE", "an image that nulls white matter"),
        ("T2_space_Felsenbein", "an image of another part of the body"),
        ("T2_cord", "an image of the spine"),
        ("T1_delayed", CONTRAST_ENHANCED_T1),
        ("mprage_late", CONTRAST_ENHANCED_T1),
    ],
)
def test_what_other_programs_compute_and_name_like_an_image_is_left_out(stem: str, reason: str) -> None:
    found = recognize(f"{stem}.nii.gz")
    assert (found.modality, found.reason) == (None, reason)
