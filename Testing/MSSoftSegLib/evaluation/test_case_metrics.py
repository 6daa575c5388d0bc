"""One case in one call: the policy for empty cases, bounds, and independence of how the file is stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.metrics import brier_score_loss, roc_auc_score

from MSSoftSegLib.evaluation.case_metrics import MEASURES, measure_case
from MSSoftSegLib.evaluation.empty_cases import COMPUTED, EMPTY_CASE_POLICY, make_policy_document
from Testing.MSSoftSegLib.evaluation.made_up_cases import SPACING_MM, made_up_case, seen_from_elsewhere

EMPTY = {"both_empty": (False, False), "truth_empty": (False, True), "prediction_empty": (True, False)}


@pytest.fixture(scope="module")
def case():
    return made_up_case(11)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("which", EMPTY)
def test_an_empty_case_is_worth_what_the_policy_says(case, measure, which):
    truth_stays, prediction_stays = EMPTY[which]
    found = measure_case(
        case.truth * truth_stays,
        case.prediction * prediction_stays,
        # Soft Dice asks the map, so an empty prediction is an empty map here.
        case.probability * prediction_stays,
        case.entropy,
        case.brain,
        SPACING_MM,
    ).values[measure]
    rule = getattr(EMPTY_CASE_POLICY[measure], which)
    if rule == COMPUTED:
        assert found is not None
    else:
        assert found == rule


def test_the_policy_speaks_of_every_measure_and_of_no_other():
    assert set(EMPTY_CASE_POLICY) == set(MEASURES)
    assert make_policy_document()["hd95_mm"] == {"both_empty": None, "truth_empty": None, "prediction_empty": None}


def test_the_measures_stand_in_the_order_of_the_contract():
    first = "dsc ppv tpr soft_dice ndsc hd95_mm assd_mm volume_difference_ml ltpr lfpr lesion_f1 pq ece_brain ece_lesion brier"
    assert list(MEASURES[:15]) == first.split()


@settings(max_examples=12)
@given(
    seed=st.integers(0, 50),
    order=st.permutations([0, 1, 2]),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_every_measure_is_the_same_however_the_voxels_are_stored(seed, order, flips):
    case = made_up_case(seed)
    here = measure_case(*case.arrays, SPACING_MM).values
    turned = [seen_from_elsewhere(array, tuple(order), flips) for array in case.arrays]
    there = measure_case(*turned, [SPACING_MM[axis] for axis in order]).values
    for name in MEASURES:
        assert there[name] == (None if here[name] is None else pytest.approx(here[name], rel=1e-9, abs=1e-12)), name
        if not name.endswith(("_mm", "_ml", "_lesions")):
            assert here[name] is None or 0 <= here[name] <= 1, name


def test_a_perfect_result_is_perfect_in_every_measure(case):
    found = measure_case(case.truth, case.truth, case.truth.astype(np.float32), None, case.brain, SPACING_MM)
    best = {name: 1.0 for name in ("dsc", "ppv", "tpr", "soft_dice", "ndsc", "ltpr", "lesion_f1", "pq", "sq", "rq")}
    best |= {name: 0.0 for name in ("hd95_mm", "assd_mm", "volume_difference_ml", "lfpr", "ece_brain", "ece_lesion")}
    best |= {"brier": 0.0, "brier_lesion": 0.0, "r_aac": 0.0, "error_auroc": None, "error_auroc_lesion": None}
    for name, value in best.items():
        assert found.values[name] == (None if value is None else pytest.approx(value, abs=1e-12)), name


def test_more_false_voxels_never_improve_the_overlap(case):
    before = measure_case(*case.arrays, SPACING_MM).values
    worse = case.prediction.copy()
    worse[(case.truth == 0) & (case.prediction == 0) & (np.arange(worse.size).reshape(worse.shape) % 9 == 0)] = 1
    after = measure_case(case.truth, worse, *case.arrays[2:], SPACING_MM).values
    for name in ("dsc", "ppv", "ndsc"):
        assert after[name] < before[name], name
    assert after["tpr"] == before["tpr"]


def test_probability_is_judged_inside_the_brain_and_near_the_truths_lesions(case):
    found = measure_case(*case.arrays, SPACING_MM).values
    inside = case.brain | (case.truth > 0)
    near = inside & (ndimage.distance_transform_edt(case.truth == 0, sampling=SPACING_MM) <= 5.0)
    assert 0 < near.sum() < inside.sum()
    assert found["brier"] == pytest.approx(brier_score_loss(case.truth[inside], case.probability[inside]))
    assert found["brier_lesion"] == pytest.approx(brier_score_loss(case.truth[near], case.probability[near]))
    wrong = case.truth != case.prediction
    assert found["error_auroc"] == pytest.approx(roc_auc_score(wrong[inside], case.entropy[inside]))
    assert found["error_auroc_lesion"] == pytest.approx(roc_auc_score(wrong[near], case.entropy[near]))


def test_what_lies_outside_the_brain_does_not_touch_calibration(case):
    outside = np.where(case.brain, case.probability, np.float32(0.3))
    here, there = (
        measure_case(case.truth, case.prediction, p, None, case.brain, SPACING_MM) for p in (case.probability, outside)
    )
    for name in ("ece_brain", "ece_lesion", "brier", "r_aac", "error_auroc"):
        assert here.values[name] == there.values[name]
    assert here.soft_dice != there.soft_dice


def test_a_lesion_outside_the_brain_mask_is_judged_all_the_same(case):
    brain = case.brain & (case.truth == 0)
    found, whole = (measure_case(*case.arrays[:4], mask, SPACING_MM) for mask in (brain, case.brain))
    for name in ("brier", "ece_lesion", "r_aac", "error_auroc", "ndsc"):
        assert found.values[name] == pytest.approx(whole.values[name]), name


def test_calibration_asks_the_probability_and_not_where_it_was_cut(case):
    masks = [(case.probability >= threshold).astype(np.uint8) for threshold in (0.02, 0.9)]
    assert (masks[0][~case.brain] == 0).all()
    masks[0][0, 0, 0] = 1
    low, high = (measure_case(case.truth, mask, *case.arrays[2:], SPACING_MM) for mask in masks)
    assert low.dsc != high.dsc
    for name in ("ece_brain", "ece_lesion", "brier", "brier_lesion", "soft_dice"):
        assert low.values[name] == high.values[name], name


def test_without_an_entropy_map_that_of_the_probability_is_taken(case):
    p = case.probability.astype(np.float64).clip(1e-300, 1 - 1e-16)
    entropy = -p * np.log(p) - (1 - p) * np.log1p(-p)
    given_map = measure_case(case.truth, case.prediction, case.probability, entropy, case.brain, SPACING_MM)
    without = measure_case(case.truth, case.prediction, case.probability, None, case.brain, SPACING_MM)
    assert without.error_auroc == pytest.approx(given_map.error_auroc, abs=1e-4)
    assert without.r_aac == pytest.approx(given_map.r_aac, abs=1e-4)


def test_what_needs_a_map_that_was_not_given_is_undefined_and_the_rest_is_measured(case):
    masks_only = measure_case(case.truth, case.prediction, None, None, None, SPACING_MM)
    needing = {"soft_dice", "ndsc", "ece_brain", "ece_lesion", "brier", "brier_lesion", "r_aac"}
    needing |= {"error_auroc", "error_auroc_lesion"}
    assert {name for name, value in masks_only.values.items() if value is None} == needing
    assert masks_only.curves.retention is None
    with_entropy = measure_case(case.truth, case.prediction, None, case.entropy, case.brain, SPACING_MM)
    assert with_entropy.r_aac is not None
    assert with_entropy.brier is None


def test_a_soft_truth_is_cut_for_masks_and_kept_for_probabilities(case):
    soft = case.truth * 0.6 + 0.3 * (ndimage.binary_dilation(case.truth) & (case.truth == 0))
    found = measure_case(soft, *case.arrays[1:], SPACING_MM)
    binary = measure_case(case.truth, *case.arrays[1:], SPACING_MM)
    assert (found.dsc, found.hd95_mm, found.ltpr) == (binary.dsc, binary.hd95_mm, binary.ltpr)
    p = case.probability.astype(np.float64)
    assert found.soft_dice == pytest.approx(2 * (p * soft).sum() / (p.sum() + soft.sum()))
    assert found.brier != binary.brier


def test_arrays_of_different_shapes_are_refused(case):
    with pytest.raises(ValueError, match="shapes"):
        measure_case(case.truth, case.prediction[1:], None, None, None, SPACING_MM)
    with pytest.raises(ValueError, match="shapes"):
        measure_case(case.truth, case.prediction, None, None, case.brain[:, 1:], SPACING_MM)
