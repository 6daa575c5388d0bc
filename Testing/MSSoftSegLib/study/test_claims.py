"""Each claim of the publications, on measurements whose truth is known: what holds is said to hold, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from MSSoftSegLib.study.arms import ARMS
from MSSoftSegLib.study.claims import NOT_REPRODUCED, REPRODUCED, UNTESTABLE, judge
from MSSoftSegLib.study.published import PUBLISHED
from MSSoftSegLib.study.table import render_csv, render_markdown
from Testing.MSSoftSegLib.study.made_results import PATIENTS, made_results

# Effects under which every claim of the publications is true. Students: better in validation, not in the score.
AS_CLAIMED = {
    "kats2019": 0.06,
    "kats2019-binary": 0.0,
    **{f"kats2019-{size}": 0.02 for size in (110, 130, 140)},
    **{f"kats2019-gamma-{gamma}": 0.02 for gamma in (0.2, 0.4)},
    "softseg2020": 0.08,
    "softseg2020-binary": 0.0,
    "softseg2020-without-soft-labels": 0.03,
    "softseg2020-without-normalized-relu": 0.03,
    "softseg2020-without-adaptive-wing": 0.03,
    "groza2020": 0.05,
    "groza2020-binary": 0.0,
    "barilan-intersection-soft": 0.03,
    "barilan-union-soft": 0.0,
    "barilan-sl": 0.07,
    "barilan-2mm": 0.03,
    "barilan-3mm": 0.02,
    "barilan-ssl-binary": 0.05,
    "barilan-ssl": 0.09,
    "mssoftseg": 0.09,
}
# C8 asks three things of γ at once, C10 a gain that is none: neither can hold where every measure moves together.
MOVE_TOGETHER = {8, 10}


def verdicts(results) -> dict[int, str]:
    return {verdict.number: verdict.verdict for verdict in judge(results)}


def test_claims_that_are_true_of_the_measurements_are_reproduced():
    found = verdicts(made_results(AS_CLAIMED))
    assert set(found) == set(range(1, 13))
    for number, verdict in found.items():
        if number not in MOVE_TOGETHER:
            assert verdict == REPRODUCED, number


def test_where_all_arms_are_equal_nothing_is_reproduced_but_what_entropy_does():
    found = verdicts(made_results(dict.fromkeys(AS_CLAIMED, 0.0), noise=0.0))
    assert {number for number, verdict in found.items() if verdict == REPRODUCED} <= {12}
    assert found[1] == NOT_REPRODUCED


def test_the_opposite_of_a_claim_is_not_reproduced():
    reversed_effects = {arm: -effect for arm, effect in AS_CLAIMED.items()}
    found = verdicts(made_results(reversed_effects))
    assert not {number for number, verdict in found.items() if verdict == REPRODUCED} - {12}


def test_a_difference_within_the_noise_is_not_enough():
    assert verdicts(made_results({"kats2019": 0.001, "kats2019-binary": 0.0}, noise=0.05))[1] == NOT_REPRODUCED


def test_a_claim_about_arms_that_were_not_trained_cannot_be_tested():
    found = verdicts(made_results({"kats2019": 0.1, "kats2019-binary": 0.0}))
    assert found[1] == REPRODUCED
    assert {number for number, verdict in found.items() if verdict == UNTESTABLE} == {2, 4, 5, 6, 7, 8, 9, 10, 11}


def test_a_claim_about_a_second_rater_cannot_be_tested_with_one():
    results = made_results({"kats2019": 0.1, "kats2019-binary": 0.0})
    cases = tuple(replace(case, values={"anna": case.values["anna"]}) for case in results.cases)
    found = {verdict.number: verdict for verdict in judge(replace(results, cases=cases))}
    assert (found[1].verdict, found[3].verdict) == (REPRODUCED, UNTESTABLE)
    assert "against rater 2, kats2019 minus its binary twin: no held-out case" in found[3].sentence


@pytest.mark.parametrize(
    ("gammas", "holds"),
    [({0.1: 0.0, 0.3: 0.02, 0.5: 0.05, 0.7: 0.03}, False), ({0.1: 0.0, 0.3: 0.01, 0.5: 0.05, 0.7: 0.06}, False)],
)
def test_gamma_needs_the_best_value_and_the_course_of_precision_and_recall(gammas, holds):
    names = {0.1: "barilan-gamma-0.1", 0.3: "barilan-gamma-0.3", 0.5: "barilan-sl", 0.7: "barilan-gamma-0.7"}
    results = made_results({names[gamma]: effect for gamma, effect in gammas.items()})
    assert (verdicts(results)[8] == REPRODUCED) is holds


def test_published_rows_are_those_of_the_tables():
    rows = {row.arm: row for row in PUBLISHED}
    assert rows["kats2019"].dsc == pytest.approx((0.699, 0.620))
    assert rows["kats2019-binary"].tpr == pytest.approx((0.611, 0.469))
    assert rows["barilan-sl"].dsc == (0.771, 0.750)
    assert rows["barilan-ssl"].ppv == (0.825, 0.854)
    assert rows["groza2020"].dsc[0] - rows["groza2020-binary"].dsc[0] == pytest.approx(0.0054)
    assert set(rows) <= set(ARMS), "each published row belongs to an arm that can be trained"


def test_the_report_tells_ours_from_the_published_and_has_a_sentence_per_claim():
    results = made_results(AS_CLAIMED)
    text = render_markdown(results, judge(results))
    assert "arm (ours, measured here)" in text
    assert "*(thesis table 3)*" in text
    assert all(f"- C{number} (" in text for number in range(1, 13))
    rows = render_csv(results).splitlines()
    assert len(rows) == 1 + PATIENTS * len(AS_CLAIMED)


def test_the_report_pairs_soft_with_binary_where_both_were_trained():
    text = render_markdown(made_results({"barilan-sl": 0.04, "barilan-sl-binary": 0.0, "kats2019": 0.1}), [])
    (row,) = [line for line in text.splitlines() if line.startswith(f"| barilan-sl | {PATIENTS} | +")]
    assert row.split("|")[3].strip().startswith("+0.040 [")
    assert "| kats2019 | 9 | +" not in text
    assert "Soft minus binary" not in render_markdown(made_results({"kats2019": 0.1}), [])
