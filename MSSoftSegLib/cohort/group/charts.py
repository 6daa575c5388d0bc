"""How the measures of a cohort are distributed; outliers are drawn apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from MSSoftSegLib.cohort.group.exam_rows import MEASURES, ExamRow
from MSSoftSegLib.cohort.group.suspicion import IN_WORDS, OUTLIER_FROM, modified_z
from MSSoftSegLib.report.chart import BLUE, VERMILION, format_count, make_chart
from MSSoftSegLib.report.panel import render_png

UNITS = {"lesions": "", "volume_ml": " (ml)", "mean_entropy_nats": " (nats)", "psu": " (0–1)"}
MOST_BINS = 30


def draw_distributions(rows: Sequence[ExamRow]) -> dict[str, bytes]:
    """A histogram of each measure that any exam has, by measure."""
    found = {}
    for name in MEASURES:
        values = {str(row.case): value for row in rows if (value := row.measure(name)) is not None}
        if values:
            far = modified_z(rows, name)
            outliers = [value for case, value in values.items() if abs(far.get(case, 0.0)) > OUTLIER_FROM]
            found[name] = _histogram(name, np.array(list(values.values())), outliers)
    return found


def _histogram(name: str, values: np.ndarray, outliers: Sequence[float]) -> bytes:
    title = f"{IN_WORDS[name].capitalize()}, {format_count(len(values), 'exam', 'exams')}"
    figure, axes = make_chart(title, x=f"{IN_WORDS[name]}{UNITS[name]}", y="exams")
    axes.hist(values, bins=min(MOST_BINS, max(5, int(np.sqrt(len(values)) * 2))), color=BLUE, edgecolor="white")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if outliers:
        axes.plot(outliers, np.zeros(len(outliers)), "v", color=VERMILION, clip_on=False, zorder=5, label="outlier")
        axes.legend(frameon=False, fontsize=9)
    return render_png(figure)
