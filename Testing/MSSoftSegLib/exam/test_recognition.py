"""Modalities by name and sidecar: right when they say so, and left out with the reason when they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition import CONTRAST_ENHANCED_T1, NOT_RECOGNIZED, recognize

FLAIR_NAMES = [
    "FLAIR", "flair", "T2_FLAIR", "T2FLAIR", "t2-flair", "3D_FLAIR", "3DFLAIR", "Sag 3D T2 FLAIR", "FLAIR3D",
    "t2_tirm_tra_dark-fluid", "t2_space_dark-fluid_sag", "T2 Dark Fluid", "tirm_tra", "sub-T1000_FLAIR",
    "sub-01_FLAIR", "sub-01_ses-T1_acq-T1_FLAIR", "sub-01_space-T1w_FLAIR", "FLAIR_reg_to_T1", "FLAIR_to_T1",
    "FLAIR2T1", "FLAIR_regT2T1_FLAIR", "3_flair", "2_t2_flair_sag", "sT2W_FLAIR", "patient07_study1_FLAIR",
    "FLAIR_Gd", "FLAIR_post", "brain_FLAIR", "Sag_CUBE_FLAIR", "study1_FLAIR_N4", "sub-mask01_FLAIR",
    "FLAIR_space_sag", "SPACE FLAIR",
]  # fmt: skip
T1_NAMES = [
    "T1", "t1", "T1w", "T1W", "T1-weighted", "T1_weighted", "T1W_SE", "t1_mprage_sag", "MPRAGE", "MP-RAGE",
    "t1mprage", "T1MPRAGE", "Ax_BRAVO", "SPGR", "FSPGR_3D", "IR-FSPGR", "sT1W_3D_TFE", "3D_TFE", "3DT1", "Ax3DT1",
    "T1 FLAIR", "Ax_T1_FLAIR", "T1FLAIR", "t1_tirm_dark-fluid", "sub-02_T1w", "sub-02_ses-2_acq-mprage_run-1_T1w",
    "sub-02_T1", "sub-02_UNIT1", "t1_mp2rage_UNI_Images", "mp2rage_UNI-DEN", "T1_GRE", "T1_FFE", "T1_to_FLAIR",
    "T1_regtoFLAIR", "T1_2_FLAIR", "2_T1_MPRAGE", "T1_pre", "T1_pre_contrast", "T1_non-contrast", "T1_without_gad",
    "sub-T2_T1w", "coronal_T1", "corT1", "sub-FLAIR_T1w",
]  # fmt: skip
T2_NAMES = [
    "T2", "t2", "T2w", "T2W", "T2-weighted", "T2_TSE", "t2_tse_tra", "T2W_TSE", "AxT2", "T2_FSE", "t2_space_sag",
    "sub-03_T2w", "sub-03_acq-highres_T2w", "T2_to_T1", "T2_Gd", "4_t2_tse", "t2_blade", "sT2W_TSE", "T2_reg2FLAIR",
]  # fmt: skip
CONTRAST_NAMES = [
    "T1c", "T1C", "T1ce", "T1_CE", "T1CE", "T1Gd", "T1_Gd", "T1-gd", "T1post", "T1_post", "T1_KM", "T1KM", "T1_post_gad",
    "T1 post Gadolinium", "T1+C", "T1_+C", "T1 C+", "MPRAGE_post", "Ax_T1_FLAIR_+C", "mprage_gd", "T1_contrast",
    "T1_enhanced", "sub-01_ce-gadolinium_T1w", "sub-01_acq-postgad_T1w", "t1w_ce", "T1Wce", "FSPGR_+C",
]  # fmt: skip


# With agent: in other languages and scripts, by substance and by trade name, by sign.
AGENT_WORDS = [
    "KM", "mit_KM", "nach_Kontrastmittelgabe", "avec_gado", "apres_injection", "Après_Injection", "produit_de_contraste_injecté",
    "con_contrasto", "dopo_mdc", "con_CIV", "con_contraste", "poscontraste_c/c", "com_contraste", "pós-contraste", "met_contrast",
    "po_kontraście", "z_kontrastem", "po_KL", "s_kontrastnim_sredstvom_kontrast", "med_kontrast", "etter_kontrast", "kontrastlı",
    "varjoaine", "kontrasztos", "με_σκιαγραφικό", "с_контрастом", "КУ", "增强", "造影", "조영증강", "IV+", "+", "C+",
    "gadoterate", "Gadavist", "Magnevist", "Clariscan", "Vueway", "Gd-DTPA", "Omniscan", "enh", "pre_and_post_contrast",
]  # fmt: skip
WITHOUT_AGENT_WORDS = [
    "nativ", "ohne_KM", "sans_gado", "sans_injection_de_gadolinium", "avant_injection", "senza_mdc", "sin_contraste", "s/c",
    "sem_contraste", "zonder_contrast", "bez_kontrastu", "uten_kontrast", "utan_kontrast", "kontrastsız", "без_контраста", "平扫",
    "非造影", "unenhanced", "noncontrast", "precontrast", "before_contrast", "C-", "KM-", "3_cm", "3cm",
]  # fmt: skip


@pytest.mark.parametrize("word", AGENT_WORDS)
def test_a_t1_with_agent_is_told_by_the_word_for_it(word: str) -> None:
    for name in (f"T1_{word}.nii.gz", f"T1W_{word}.nii"):
        assert recognize(name).modality is None, name
    assert recognize("image.nii", {"SeriesDescription": f"t1 {word}"}).modality is None


@pytest.mark.parametrize("word", WITHOUT_AGENT_WORDS)
def test_a_t1_without_agent_is_a_plain_one(word: str) -> None:
    assert recognize(f"T1_{word}.nii.gz").modality is Modality.T1


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("T2_HWS", "an image of the spine"),
        ("C-Spine_T2", "an image of the spine"),
        ("T2_rachis_cervical", "an image of the spine"),
        ("T1_SUB", "a subtraction image"),
        ("T1_soustraction", "a subtraction image"),
        ("SUB_T1", "a subtraction image"),
        ("T1_orbit", "an image of another part of the body"),
        ("synthetic_T2", "a synthetic image"),
        ("MAGiC_FLAIR", "a synthetic image"),
        ("FLAIR_WMH", "a lesion mask"),
        ("FLAIR_les", "a lesion mask"),
        ("ples_lpa_mFLAIR", "a lesion mask"),
        ("FLAIR_Läsionen", "a lesion mask"),
        ("FLAIR_manual", "a mask or label map"),
        ("T2_dixon_F", "a fat, in-phase or opposed-phase image"),
        ("T2_CISS_3D", "a cisternogram"),
        ("sub-01_part-phase_T2w", "a phase or complex part"),
    ],
)
def test_what_reads_like_an_image_and_is_none_of_a_brain_is_left_out(stem: str, reason: str) -> None:
    found = recognize(f"{stem}.nii.gz")
    assert (found.modality, found.reason) == (None, reason)


@pytest.mark.parametrize("name", ["sub01_T1", "sub_01_T1", "T1_spin_echo", "Subject7_T1", "MS_T1"])
def test_a_subject_is_no_subtraction_and_a_spin_echo_no_spine(name: str) -> None:
    assert recognize(f"{name}.nii.gz").modality is Modality.T1


@pytest.mark.parametrize(
    "sidecar",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]},
        {"ImageType": ["DERIVED", "SECONDARY", "SUBTRACTION"]},
        {"ImageType": "DERIVED\\SECONDARY\\MIP"},
        {"ContrastBolusVolume": 7.5},
    ],
)
def test_the_type_of_an_image_and_the_amount_of_agent_are_looked_at(sidecar: dict[str, object]) -> None:
    assert recognize("T1.nii.gz", sidecar).modality is None


@pytest.mark.parametrize("nothing", ["None", "kein", "sans", "n/a", "NO", "нет", "", None])
def test_a_field_that_says_there_was_no_agent_leaves_a_plain_t1(nothing: str | None) -> None:
    assert recognize("T1.nii.gz", {"ContrastBolusAgent": nothing, "ContrastBolusVolume": 0}).modality is Modality.T1


@pytest.mark.parametrize("extension", [".nii.gz", ".nrrd", ".MHA"])
@pytest.mark.parametrize(
    ("stem", "modality"),
    [(stem, Modality.FLAIR) for stem in FLAIR_NAMES]
    + [(stem, Modality.T1) for stem in T1_NAMES]
    + [(stem, Modality.T2) for stem in T2_NAMES],
)
def test_a_name_that_says_its_contrast_is_recognized(stem: str, modality: Modality, extension: str) -> None:
    assert recognize(stem + extension).modality is modality


@pytest.mark.parametrize("stem", CONTRAST_NAMES)
def test_a_contrast_enhanced_t1_is_told_apart(stem: str) -> None:
    found = recognize(stem + ".nii.gz")
    assert (found.modality, found.reason) == (None, CONTRAST_ENHANCED_T1)


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("lesion_consensus", "a lesion mask"),
        ("FLAIR_lesions", "a lesion mask"),
        ("lesion_change_common", "a lesion mask"),
        ("gt", "a lesion mask"),
        ("T1_GOLD_STANDARD", "a lesion mask"),
        ("brainmask_common", "a mask or label map"),
        ("T1_mask", "a mask or label map"),
        ("FLAIR_bet_mask", "a mask or label map"),
        ("FLAIR-label", "a mask or label map"),
        ("Segmentation.seg", "a mask or label map"),
        ("T1_aseg", "a mask or label map"),
        ("sub-01_space-FLAIR_desc-manual_dseg", "a mask or label map"),
        ("sub-01_label-WM_T1w", "a mask or label map"),
        ("sub-01_probseg", "a probability map"),
        ("FLAIR_probability", "a probability map"),
        ("T1_pve_0", "a probability map"),
        ("FLAIR_to_T1_warp", "a transform"),
        ("T1_brain", "a brain-extracted derivative"),
        ("FLAIR_bet", "a brain-extracted derivative"),
        ("sub-01_desc-brain_T1w", "a brain-extracted derivative"),
        ("T1_skullstripped", "a brain-extracted derivative"),
        ("sub-01_part-phase_T1w", "a phase or complex part"),
        ("T2star", "T2*-weighted, not T2"),
        ("T2_star", "T2*-weighted, not T2"),
        ("T2s", "T2*-weighted, not T2"),
        ("T2*", "T2*-weighted, not T2"),
        ("t2_swi", "T2*-weighted, not T2"),
        ("SWI", "T2*-weighted, not T2"),
        ("T2_GRE", "T2*-weighted, not T2"),
        ("T2_FFE", "T2*-weighted, not T2"),
        ("sub-01_T2starw", "T2*-weighted, not T2"),
        ("sub-01_T1map", "a parameter map"),
        ("T2_map", "a parameter map"),
        ("sub-01_inv-1_MP2RAGE", "an MP2RAGE image other than UNI"),
        ("t1_mp2rage_INV2", "an MP2RAGE image other than UNI"),
        ("DWI_b1000", "a diffusion image"),
        ("ep2d_diff_ADC", "a diffusion image"),
        ("localizer_T1", "a localizer"),
        ("TOF_MIP", "an angiogram, projection or phase image"),
        ("t2_stir_cor", "an inversion-recovery contrast other than FLAIR"),
        ("PD_T2_TSE", "a proton-density image"),
        ("T1_T2", "its name speaks of both T1 and T2"),
        ("FLAIR_T1", "its name speaks of both FLAIR and T1"),
        ("sub-T1000_bold", "a functional or perfusion image"),
        ("sub-T1000_notes", NOT_RECOGNIZED),
        ("image001", NOT_RECOGNIZED),
        ("T1000", NOT_RECOGNIZED),
        ("RT2_plan", NOT_RECOGNIZED),
        ("TSE_tra", NOT_RECOGNIZED),
        ("sub-01_inplaneT1", NOT_RECOGNIZED),
    ],
)
def test_what_is_no_plain_image_is_left_out_with_the_reason(stem: str, reason: str) -> None:
    found = recognize(stem + ".nii.gz")
    assert (found.modality, found.reason) == (None, reason)


@pytest.mark.parametrize(
    "name", ["T1_to_FLAIR.txt", "FLAIR.tfm", "T1.mat", "FLAIR.json", "FLAIR", "T2.dcm", "FLAIR.raw"]
)
def test_other_files_are_no_images(name: str) -> None:
    found = recognize(name)
    assert (found.modality, found.reason) == (None, "not an image file")


def test_a_hidden_file_is_left_out() -> None:
    assert recognize("._FLAIR.nii.gz").reason == "a hidden file"


@given(st.text(max_size=30))
def test_any_name_gets_a_reason(name: str) -> None:
    found = recognize(name + ".nii.gz")
    assert found.reason != ""


@given(
    subject=st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), session=st.sampled_from(["T1", "T2", "FLAIR", "mask"])
)
def test_subject_and_session_labels_never_decide(subject: str, session: str) -> None:
    assert recognize(f"sub-{subject}_ses-{session}_T2w.nii.gz").modality is Modality.T2
    assert recognize(f"sub-{subject}_ses-{session}_FLAIR.nii.gz").modality is Modality.FLAIR


# --- sidecars


@pytest.mark.parametrize(
    ("sidecar", "modality"),
    [
        ({"SeriesDescription": "t2_tirm_tra_dark-fluid"}, Modality.FLAIR),
        ({"SeriesDescription": "Ax T2 FLAIR BRAIN"}, Modality.FLAIR),
        ({"SeriesDescription": "Sag MPRAGE"}, Modality.T1),
        ({"SeriesDescription": "AX T2 TSE"}, Modality.T2),
        ({"ProtocolName": "t1_mprage_sag_p2_iso"}, Modality.T1),
        ({"SeriesDescription": "series 5", "ProtocolName": "T2W_TSE"}, Modality.T2),
        ({"SeriesDescription": "AX T2", "ProtocolName": "MS BRAIN T1 T2 FLAIR"}, Modality.T2),
        ({"SeriesDescription": "AX T1", "ContrastBolusAgent": "none", "Modality": "MR"}, Modality.T1),
        ({"SeriesDescription": "3D FLAIR", "ContrastBolusAgent": "Gadovist"}, Modality.FLAIR),
        ({"SeriesDescription": "lesion protocol T2"}, Modality.T2),
    ],
)
def test_the_sidecar_speaks_where_the_name_is_silent(sidecar: dict[str, object], modality: Modality) -> None:
    assert recognize("image001.nii.gz", sidecar).modality is modality


@pytest.mark.parametrize(
    ("name", "sidecar", "reason"),
    [
        ("T1.nii", {"ContrastBolusAgent": "Dotarem"}, CONTRAST_ENHANCED_T1),
        ("T1.nii", {"ContrastBolusIngredient": "GADOLINIUM"}, CONTRAST_ENHANCED_T1),
        ("sub-01_T1w.nii", {"SeriesDescription": "AX T1 POST GAD"}, CONTRAST_ENHANCED_T1),
        ("T1.nii", {"ProtocolName": "t1_mprage_post_gad"}, CONTRAST_ENHANCED_T1),
        ("image.nii", {"SeriesDescription": "AX T1 +C"}, CONTRAST_ENHANCED_T1),
        ("T1.nii", {"SeriesDescription": "t2_tse_tra"}, "its name says t1, its sidecar t2"),
        ("T2.nii", {"SeriesDescription": "T2* GRE"}, "T2*-weighted, not T2"),
        ("T2.nii", {"InversionTime": 2.5}, "an inversion time of 2.5 s: not a plain T2"),
        (
            "FLAIR.nii",
            {"InversionTime": 0.86},
            "an inversion time of 0.86 s does not null fluid: not a FLAIR",
        ),
        ("FLAIR.nii", {"Modality": "CT"}, "not an MR image"),
        ("image.nii", {"ProtocolName": "MS BRAIN T1 T2 FLAIR"}, NOT_RECOGNIZED),
    ],
)
def test_a_sidecar_that_contradicts_leaves_the_file_out(name: str, sidecar: dict[str, object], reason: str) -> None:
    found = recognize(name, sidecar)
    assert (found.modality, found.reason) == (None, reason)


def test_a_flair_with_its_usual_inversion_time_is_one() -> None:
    assert recognize("FLAIR.nii", {"InversionTime": 2.5, "EchoTime": 0.12}).modality is Modality.FLAIR


@pytest.mark.parametrize("protocol", ["MS BRAIN T1 T2 FLAIR", "MS BRAIN T1 POST", "survey"])
def test_a_protocol_of_the_whole_visit_does_not_hide_a_clear_file_name(protocol: str) -> None:
    assert recognize("FLAIR.nii", {"ProtocolName": protocol}).modality is Modality.FLAIR


def test_an_empty_field_of_a_sidecar_says_nothing() -> None:
    empty = {"Modality": None, "SeriesDescription": "", "ContrastBolusAgent": None, "InversionTime": None}
    assert recognize("T1.nii", empty).modality is Modality.T1


def test_a_scanner_description_makes_a_name_with_brain_a_raw_image() -> None:
    assert recognize("5_Ax_T1_Brain.nii.gz").modality is None
    assert recognize("5_Ax_T1_Brain.nii.gz", {"SeriesDescription": "Ax T1 Brain"}).modality is Modality.T1


@pytest.mark.parametrize(
    ("timing", "modality"),
    [
        ({"InversionTime": 1.8, "EchoTime": 0.388, "RepetitionTime": 5.0, "ScanningSequence": "SE_IR"}, Modality.FLAIR),
        ({"InversionTime": 2.5, "EchoTime": 0.12, "RepetitionTime": 9.0}, Modality.FLAIR),
        ({"InversionTime": 0.9, "EchoTime": 0.003, "RepetitionTime": 2.3, "ScanningSequence": "GR_IR"}, Modality.T1),
        ({"EchoTime": 0.012, "RepetitionTime": 0.6, "ScanningSequence": "SE"}, Modality.T1),
        ({"EchoTime": 0.1, "RepetitionTime": 5.0, "ScanningSequence": "SE"}, Modality.T2),
        ({"InversionTime": 0, "EchoTime": 0.1, "RepetitionTime": 5.0, "ScanningSequence": "SE"}, Modality.T2),
        ({"EchoTime": 0.1, "RepetitionTime": 5.0, "ScanningSequence": "EP_SE"}, None),
        ({"EchoTime": 0.1, "RepetitionTime": 5.0}, None),
        ({"EchoTime": 0.03, "RepetitionTime": 3.0, "ScanningSequence": "SE"}, None),
        ({"EchoTime": 0.02, "RepetitionTime": 0.6, "ScanningSequence": "GR"}, None),
        ({"InversionTime": 0.16, "EchoTime": 0.1, "RepetitionTime": 5.0, "ScanningSequence": "SE_IR"}, None),
        ({"EchoTime": "long", "RepetitionTime": None, "ScanningSequence": "SE"}, None),
    ],
)
def test_acquisition_times_decide_where_no_words_do(timing: dict[str, object], modality: Modality | None) -> None:
    assert recognize("image001.nii.gz", timing).modality is modality


def test_acquisition_times_do_not_overrule_words() -> None:
    t2_times = {"EchoTime": 0.1, "RepetitionTime": 5.0, "ScanningSequence": "SE"}
    assert recognize("T1.nii.gz", t2_times).modality is Modality.T1
    assert recognize("DWI.nii.gz", t2_times).modality is None


def test_a_contrast_agent_counts_for_a_t1_known_by_its_times() -> None:
    t1_times = {"EchoTime": 0.012, "RepetitionTime": 0.6, "ScanningSequence": "SE", "ContrastBolusAgent": "Gadovist"}
    assert recognize("image001.nii.gz", t1_times).reason == CONTRAST_ENHANCED_T1
