"""The publications' claims C1–C12 (Docs/published.md section 6), each against what the study measured.

A difference is paired by held-out case and seed, its 95 % interval comes from resampling patients. "Reproduced here" needs the
claimed sign, an interval that leaves zero out, and a signed-rank test that agrees (p < 0.05, two-sided): with a dozen patients
the bootstrap alone is too sure. The claims are not corrected for being twelve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.evaluation.comparison import PairedDifference, paired_difference
from MSSoftSegLib.study.results import BOOTSTRAP_SEED, Measured, Results

REPRODUCED = "reproduced here"
NOT_REPRODUCED = "not reproduced"
UNTESTABLE = "cannot be tested with this data"
SIGNIFICANT_P = 0.05
SMALL_SIZES = 2  # the two smallest of evaluation.lesionwise.SIZE_BINS: below 100 mm³


@dataclass(frozen=True)
class Verdict:
    """One claim, what came of it, and the numbers that say so."""

    number: int
    claim: str
    verdict: str
    evidence: str

    @property
    def sentence(self) -> str:
        """For the table."""
        return f"C{self.number} ({self.claim}): {self.verdict}. {self.evidence}"


class Untestable(Exception):
    """What a study lacks to say anything of a claim, as a sentence."""


class MissingArms(Untestable):
    """The study did not train what a claim speaks of."""

    def __init__(self, missing: str) -> None:
        super().__init__(f"This study did not train {missing}.")


def judge(results: Results) -> list[Verdict]:
    """A verdict for every claim, in order."""
    return [_judged(number, claim, test, results) for number, (claim, test) in CLAIMS.items()]


def _judged(number: int, claim: str, test: Callable[[Results], tuple[bool, str]], results: Results) -> Verdict:
    try:
        holds, evidence = test(results)
    except Untestable as reason:
        return Verdict(number, claim, UNTESTABLE, str(reason))
    return Verdict(number, claim, REPRODUCED if holds else NOT_REPRODUCED, evidence)


def difference(
    results: Results, first: str, second: str, measure: str = "dsc", *, rater: int | None = None
) -> PairedDifference:
    """Second minus first, case by case; MissingArms where one was not trained."""
    return _paired(results, first, second, lambda case: case.mean(measure, rater=rater))


def _paired(results: Results, first: str, second: str, value: Callable[[Measured], float | None]) -> PairedDifference:
    _need(results, first, second)
    by_case = {_key(case): case for case in results.of(first)}
    pairs = [(by_case[_key(case)], case) for case in results.of(second) if _key(case) in by_case]
    return paired_difference(
        [value(before) for before, _ in pairs],
        [value(after) for _, after in pairs],
        patients=[after.patient for _, after in pairs],
        rng=np.random.default_rng(BOOTSTRAP_SEED),
    )


def _key(case: Measured) -> tuple[int, int, str]:
    return case.seed, case.fold, case.case


def _need(results: Results, *arms: str) -> None:
    missing = [arm for arm in arms if arm not in results.arms]
    if missing:
        raise MissingArms(", ".join(missing))


def _rises(found: PairedDifference) -> bool:
    low, p = found.difference.low, found.wilcoxon_p
    return low is not None and low > 0 and p is not None and p < SIGNIFICANT_P


def _in_words(name: str, found: PairedDifference) -> str:
    mean, low, high = found.difference.mean, found.difference.low, found.difference.high
    if mean is None or low is None or high is None:
        raise Untestable(f"{name} no held-out case could be measured so.")
    p = "" if found.wilcoxon_p is None else f", p = {found.wilcoxon_p:.3f}"
    return f"{name} {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f}{p}, n = {found.n})"


def _soft_beats_binary(results: Results) -> tuple[bool, str]:
    found = difference(results, "kats2019-binary", "kats2019")
    return _rises(found), _in_words("DSC, kats2019 minus its binary twin:", found) + "."


def _second_rater(results: Results) -> tuple[bool, str]:
    found = difference(results, "kats2019-binary", "kats2019", rater=1)
    return _rises(found), _in_words("DSC against rater 2, kats2019 minus its binary twin:", found) + "."


def _best_of(results: Results, best: str, others: Sequence[str]) -> tuple[bool, str]:
    """Whether an arm has the highest mean DSC of all, and is surely better than the runner-up."""
    _need(results, best, *others)
    means = {arm: results.summary(arm, "dsc").mean or 0.0 for arm in (best, *others)}
    runner_up = max(others, key=lambda arm: means[arm])
    found = difference(results, runner_up, best)
    listed = ", ".join(f"{arm} {mean:.3f}" for arm, mean in sorted(means.items(), key=lambda item: -item[1]))
    return _rises(found), f"Mean DSC: {listed}. " + _in_words(f"{best} minus {runner_up}:", found) + "."


def _kats_best(results: Results) -> tuple[bool, str]:
    others = ("kats2019-110", "kats2019-130", "kats2019-140", "kats2019-gamma-0.2", "kats2019-gamma-0.4")
    return _best_of(results, "kats2019", ("kats2019-binary", *others))


SOFTSEG_PARTS = ("soft-labels", "normalized-relu", "adaptive-wing")


def _softseg_parts(results: Results) -> tuple[bool, str]:
    single = {part: difference(results, f"softseg2020-without-{part}", "softseg2020") for part in SOFTSEG_PARTS}
    together = difference(results, "softseg2020-binary", "softseg2020")
    said = [_in_words(f"with {part}:", found) for part, found in single.items()]
    holds = all(_rises(found) for found in (*single.values(), together))
    return holds, f"DSC of softseg2020 {'; '.join(said)}; {_in_words('against its conventional twin:', together)}."


def _small_lesions(results: Results) -> tuple[bool, str]:
    found = _paired(results, "softseg2020-binary", "softseg2020", small_lesion_recall)
    return _rises(found), _in_words("Share of lesions below 100 mm³ found, softseg2020 minus its twin:", found) + "."


def small_lesion_recall(case: Measured) -> float | None:
    """Truth lesions below 100 mm³ touched, of all such; mean over raters; None without any."""
    shares = []
    for sizes in case.by_size.values():
        truth = sum(size["truth_lesions"] for size in sizes[:SMALL_SIZES])
        if truth:
            shares.append(sum(size["touched"] for size in sizes[:SMALL_SIZES]) / truth)
    return float(np.mean(shares)) if shares else None


def _every_fold(results: Results) -> tuple[bool, str]:
    arms = ("groza2020-binary", "groza2020")
    _need(results, *arms)
    means: dict[int, list[float]] = {}
    for fold in sorted({case.fold for case in results.of(arms[1])}):
        for arm in arms:
            values = [
                value for case in results.of(arm) if case.fold == fold and (value := case.mean("dsc")) is not None
            ]
            if not values:
                raise MissingArms(f"{arm} on fold {fold}")
            means.setdefault(fold, []).append(float(np.mean(values)))
    recall = difference(results, *arms, measure="tpr")
    listed = "; ".join(f"fold {fold} {before:.3f} to {after:.3f}" for fold, (before, after) in means.items())
    holds = all(after > before for before, after in means.values()) and _rises(recall)
    return holds, f"DSC without and with smoothing: {listed}. {_in_words('Recall:', recall)}."


def _merge_order(results: Results) -> tuple[bool, str]:
    first = difference(results, "barilan-intersection-soft", "barilan-sl")
    second = difference(results, "barilan-union-soft", "barilan-intersection-soft")
    said = (
        f"{_in_words('soft union minus intersection + soft:', first)}; {_in_words('that minus union + soft:', second)}"
    )
    return _rises(first) and _rises(second), f"DSC, {said}."


GAMMAS = {0.1: "barilan-gamma-0.1", 0.3: "barilan-gamma-0.3", 0.5: "barilan-sl", 0.7: "barilan-gamma-0.7"}


def _gamma(results: Results) -> tuple[bool, str]:
    best, said = _best_of(results, GAMMAS[0.5], [arm for gamma, arm in GAMMAS.items() if gamma != 0.5])
    ppv = [results.summary(arm, "ppv").mean or 0.0 for arm in GAMMAS.values()]
    tpr = [results.summary(arm, "tpr").mean or 0.0 for arm in GAMMAS.values()]
    monotone = ppv == sorted(ppv, reverse=True) and tpr == sorted(tpr)
    listed = ", ".join(f"γ {g}: {p:.3f} and {t:.3f}" for g, p, t in zip(GAMMAS, ppv, tpr, strict=True))
    return best and monotone, f"{said} Precision and recall: {listed}."


def _radius(results: Results) -> tuple[bool, str]:
    return _best_of(results, "barilan-sl", ("barilan-2mm", "barilan-3mm"))


def _students(results: Results) -> tuple[bool, str]:
    _need(results, "barilan-sl", "barilan-ssl")
    validation = [results.model_mean(arm, "validation_dsc") for arm in ("barilan-sl", "barilan-ssl")]
    scores = [results.isbi(arm) for arm in ("barilan-sl", "barilan-ssl")]
    found = difference(results, "barilan-sl", "barilan-ssl")
    listed = f"{_pair('validation DSC', validation)}; {_pair('ISBI-equivalent on held-out patients', scores)}"
    known = None not in validation and None not in scores
    holds = known and validation[1] > validation[0] and scores[1] <= scores[0]  # type: ignore[operator]
    return bool(holds), f"Teacher and student: {listed}; {_in_words('held-out DSC:', found)}."


def _pair(name: str, values: Sequence[float | None]) -> str:
    return f"{name} {' and '.join('undefined' if value is None else f'{value:.3f}' for value in values)}"


def _soft_pseudo(results: Results) -> tuple[bool, str]:
    found = difference(results, "barilan-ssl-binary", "barilan-ssl")
    return _rises(found), _in_words("DSC, dilated minus plain pseudo-labels:", found) + "."


def _entropy(results: Results) -> tuple[bool, str]:
    arms = [arm for arm in results.arms if arm in results.plan.size.tta]
    if not arms:
        raise MissingArms("any arm with test-time augmentation")
    said, holds = [], True
    for arm in arms:
        found = results.summary(arm, "error_auroc_lesion")
        if found.mean is None or found.low is None:
            raise MissingArms(f"{arm} with wrong voxels to find")
        holds = holds and found.low > 0.5
        said.append(f"{arm} {found.mean:.3f} ({found.low:.3f} to {found.high:.3f}, n = {found.n})")
    return holds, f"AUROC of entropy for wrong voxels within 5 mm of lesions (0.5 = chance): {'; '.join(said)}."


CLAIMS: dict[int, tuple[str, Callable[[Results], tuple[bool, str]]]] = {
    1: ("a soft mask beats the binary one, Kats", _soft_beats_binary),
    2: ("120 % and γ 0.3 are best, Kats", _kats_best),
    3: ("soft training helps against a second rater, Kats", _second_rater),
    4: ("each of SoftSeg's three changes helps, together most", _softseg_parts),
    5: ("SoftSeg finds more small lesions", _small_lesions),
    6: ("border smoothing lifts every fold and lowers false negatives, Groza", _every_fold),
    7: ("soft union > intersection + soft > union + soft, thesis", _merge_order),
    8: ("γ 0.5 is best; precision falls and recall rises with γ, thesis", _gamma),
    9: ("1 mm is best, thesis", _radius),
    10: ("semi-supervised learning improves validation but not the test score, thesis", _students),
    11: ("dilating pseudo-labels helps, thesis", _soft_pseudo),
    12: ("test-time-augmentation entropy marks errors", _entropy),
}
