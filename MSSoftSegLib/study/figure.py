"""The study in one picture: DSC of every arm with its interval, and the published value beside it."""

from __future__ import annotations

import io

from MSSoftSegLib.study.published import find_published_row
from MSSoftSegLib.study.results import Results

OURS, PUBLISHED = "#0072b2", "#d55e00"


def draw_study(results: Results) -> bytes:
    """PNG: one line per arm; dots are means over held-out cases and their raters, bars 95 % intervals."""
    from matplotlib.figure import Figure

    arms = results.arms
    figure = Figure(figsize=(8.5, 1.7 + 0.33 * len(arms)), layout="constrained")
    axes = figure.subplots()
    for place, arm in enumerate(arms):
        mean = results.summary(arm, "dsc")
        if mean.mean is None:
            continue
        low, high = mean.low if mean.low is not None else mean.mean, mean.high if mean.high is not None else mean.mean
        axes.plot([low, high], [place, place], color=OURS, lw=2, solid_capstyle="butt")
        axes.plot(mean.mean, place, "o", color=OURS, ms=6)
        values = [value for case in results.of(arm) if (value := case.mean("dsc")) is not None]
        axes.plot(values, [place] * len(values), "|", color=OURS, ms=8, alpha=0.45)
        row = find_published_row(arm)
        if row is not None:
            printed = [value for value in row.dsc if value is not None]
            axes.plot(sum(printed) / len(printed), place, "D", mfc="none", color=PUBLISHED, ms=6)
    axes.plot([], [], "o-", color=OURS, label="measured here: mean, 95 % interval, cases as strokes")
    axes.plot([], [], "D", mfc="none", color=PUBLISHED, label="published, on other data (mean over its raters)")
    axes.set_yticks(range(len(arms)), arms)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("DSC, mean over a case's raters")
    patients = len({case.patient for case in results.cases})
    axes.set_title(
        f'Study "{results.plan.size.name}": {patients} held-out patients, {results.plan.size.seeds} seeds', fontsize=10
    )
    # Below the axis and its label, whatever the number of arms.
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=1)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=130)
    return picture.getvalue()
