"""The study's table as Markdown and CSV: our rows with intervals, the published rows beside them, clearly told apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from MSSoftSegLib.evaluation.bootstrap import MeanWithInterval
from MSSoftSegLib.study.arms import SOFT_AND_BINARY
from MSSoftSegLib.study.claims import Verdict, difference, small_lesion_recall
from MSSoftSegLib.study.published import PublishedRow, find_published_row
from MSSoftSegLib.study.results import Results

COLUMNS = {
    "dsc": "DSC",
    "ppv": "PPV",
    "tpr": "TPR",
    "ltpr": "LTPR",
    "lfpr": "LFPR",
    "lesion_f1": "lesion F1",
    "ece_brain": "ECE",
}
PAIRED_COLUMNS = {name: COLUMNS[name] for name in ("dsc", "lesion_f1", "ece_brain")} | {
    "predicted_volume_ml": "volume, ml"
}


def render_markdown(results: Results, verdicts: Sequence[Verdict]) -> str:
    """The whole report: what was done, the table, the claims."""
    parts = [_what_was_done(results), _our_table(results), _soft_minus_binary(results), _by_rater(results)]
    parts += [_claims(verdicts), _published_table()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what_was_done(results: Results) -> str:
    size = results.plan.size
    patients = len({case.patient for case in results.cases})
    raters = max((len(case.values) for case in results.cases), default=0)
    whose = (
        "digital patients (phantom; nobody's data)"
        if results.plan.library is None
        else "the patients of a case library"
    )
    split = (
        f"every seed on all {len(results.plan.folds)} folds"
        if size.every_fold
        else f"seed s holds out fold s of {len(results.plan.folds)}, so that the seeds together test every patient once"
    )
    scaled = "" if size.networks is None else _scaled(results)
    contrasts = " Every contrast but FLAIR may be missing, in every arm." if size.only_flair_required else ""
    return f"""# Study of the recipes, size "{size.name}"

{len(results.models)} models of {len(results.arms)} arms, {size.seeds} seeds; {split}. {patients} held-out patients with
{"one rater" if raters == 1 else f"{raters} raters"}: {whose}.{contrasts}

{scaled}Means over held-out cases and seeds; in brackets 95 % intervals from resampling patients (bootstrap). A case's value
is the mean over its raters; ISBI-equivalent = 100 − 28.35 (1 − S). LTPR, LFPR and F1 count lesions (26-connected, no size
limit). Threshold and smallest lesion were chosen on the cases trained on, weights on validation patients among them, nothing
on the held-out ones. Overlap of two rows' intervals says little: the claims below are judged by paired differences."""


def _scaled(results: Results) -> str:
    size = results.plan.size
    networks = ", ".join(f"{kind} {_short(changed)}" for kind, changed in (size.networks or {}).items())
    steps = ", ".join(f"{kind} {count}" for kind, count in (size.steps or {}).items())
    samples = ", ".join(f"{kind} {_short(changed)}" for kind, changed in (size.sampling or {}).items())
    return f"""**Scaled down.** Networks: {networks}. Samples: {samples}. Optimizer steps: {steps}, at rates raised to match
({", ".join(f"{kind} {rate:g}" for kind, rate in size.rates.items())}, falling to 0). Everything that the recipes are about —
labels, loss, activation, augmentation, post-processing — is as published. Such short trainings rank recipes under this budget;
they do not say what the full ones would reach.

"""


def _short(changed: dict[str, object]) -> str:
    return " ".join(str(value).replace(" ", "") for key, value in changed.items() if key != "mode")


def _our_table(results: Results) -> str:
    head = [
        "arm (ours, measured here)",
        "n",
        *COLUMNS.values(),
        "LTPR <100 mm³",
        "ISBI-eq.",
        "soft volume, ml",
        "threshold",
    ]
    lines = [_row(head), _row(["---"] * len(head))]
    for arm in results.arms:
        means = {name: results.summary(arm, name) for name in COLUMNS}
        small = [value for case in results.of(arm) if (value := small_lesion_recall(case)) is not None]
        cells = [arm, str(means["dsc"].n), *(_cell(mean) for mean in means.values())]
        cells += [f"{sum(small) / len(small):.3f}" if small else "–", _number(results.isbi(arm), 2)]
        cells += [_number(results.model_mean(arm, "mean_soft_volume_ml"), 2)]
        lines.append(_row([*cells, _number(results.model_mean(arm, "threshold"), 2)]))
    return "## Measured here\n\n" + "\n".join(lines)


def _soft_minus_binary(results: Results) -> str:
    """What softness is worth: the same recipe with soft and with binary labels, case by case; empty where no pair was trained."""
    lines = []
    for soft, binary in SOFT_AND_BINARY:
        if soft in results.arms and binary in results.arms:
            found = [difference(results, binary, soft, name) for name in PAIRED_COLUMNS]
            lines.append(_row([soft, str(found[0].n), *(_cell(each.difference, sign="+") for each in found)]))
    if not lines:
        return ""
    head = ["soft minus binary", "n", *PAIRED_COLUMNS.values()]
    title = "## Soft minus binary labels, the same case and seed (above 0: soft is higher; a lower ECE is better)"
    return "\n".join([title, "", _row(head), _row(["---"] * len(head)), *lines])


def _by_rater(results: Results) -> str:
    if all(len(case.values) < 2 for case in results.cases):
        return ""
    head = ["arm (ours)", "DSC, PPV, TPR against rater 1", "against rater 2", "published R1", "published R2"]
    lines = [_row(head), _row(["---"] * len(head))]
    for arm in results.arms:
        cells = [arm]
        for rater in (0, 1):
            means = [results.summary(arm, name, rater=rater).mean for name in ("dsc", "ppv", "tpr")]
            cells.append(" ".join(_number(mean, 3) for mean in means))
        row = find_published_row(arm)
        cells += ["–", "–"] if row is None else [_published_cell(row, rater) for rater in (0, 1)]
        lines.append(_row(cells))
    title = "## By rater, with the published row that the arm imitates (other patients, other scanners, full training)"
    return title + "\n\n" + "\n".join(lines)


def _published_cell(row: PublishedRow, rater: int) -> str:
    values = [part[rater] if part is not None else None for part in (row.dsc, row.ppv, row.tpr)]
    return " ".join(_number(value, 3) for value in values) + f" *({row.source})*"


def _claims(verdicts: Sequence[Verdict]) -> str:
    return "## Claims\n\n" + "\n".join(f"- {verdict.sentence}" for verdict in verdicts)


def _published_table() -> str:
    return (
        "## Where the published rows come from\n\nKats 2019: ISBI 2015, 5 patients, leave one out. Groza 2020: spleen in CT, no "
        "MS at all. Thesis: ISBI 2015, 21 visits of 5 patients, 5 folds by patient. None of these data were used here."
    )


def render_csv(results: Results) -> str:
    """One row per arm and held-out case: every measure, mean over raters."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    measures = list(next(iter(results.cases[0].values.values()))) if results.cases else []
    writer.writerow(["arm", "seed", "fold", "case", *measures])
    for arm in results.arms:
        for case in results.of(arm):
            values = [case.mean(name) for name in measures]
            writer.writerow([arm, case.seed, case.fold, case.case, *("" if v is None else f"{v:.5g}" for v in values)])
    return text.getvalue()


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(mean: MeanWithInterval, *, sign: str = "") -> str:
    if mean.mean is None:
        return "–"
    if mean.low is None or mean.high is None:
        return f"{mean.mean:{sign}.3f}"
    return f"{mean.mean:{sign}.3f} [{mean.low:{sign}.3f}, {mean.high:{sign}.3f}]"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
