"""The figures of an evaluation as PNG bytes: calibration, precision and recall, volumes, lesion load, retention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from MSSoftSegLib.evaluation.calibration import Reliability, pool_reliability
from MSSoftSegLib.evaluation.precision_recall import THRESHOLDS, PrecisionRecall, pool_precision_recall
from MSSoftSegLib.evaluation.retention import RetentionCurve
from MSSoftSegLib.evaluation.summary import MeasuredCase
from MSSoftSegLib.evaluation.volume import bland_altman
from MSSoftSegLib.report.chart import BLUE, GRAY, GREEN, INK, VERMILION, format_count, make_chart
from MSSoftSegLib.report.panel import render_png

# Thresholds that are named beside the precision–recall curve.
NAMED_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
# A frequency from fewer voxels than this is drawn hollow: it is mostly chance.
FEW_VOXELS = 100
# The first is drawn larger: far from lesions there is little probability, and the two curves often lie on one another.
PLACE_MARKS = ((BLUE, "o", 8), (VERMILION, "s", 4.5))
# Below it the axis of the retention figure is linear, so that nothing replaced is on it.
FINEST_REPLACED_PERCENT = 0.1


def draw_figures(cases: Sequence[MeasuredCase]) -> dict[str, bytes]:
    """PNG bytes by file stem; a figure whose maps were not given, or that would be empty, is left out."""
    curves = [rater.curves for case in cases for rater in case.raters]
    values = [case.values for case in cases]
    truth_ml = [value for case in values if (value := case["truth_volume_ml"]) is not None]
    predicted_ml = [value for case in values if (value := case["predicted_volume_ml"]) is not None]
    figures = {
        "bland_altman": draw_bland_altman(truth_ml, predicted_ml),
        "reliability": draw_reliability(
            {
                "inside the brain": [curve.reliability_brain for curve in curves],
                "within 5 mm of lesions": [curve.reliability_lesion for curve in curves],
            },
            cases=len(cases),
        ),
        "precision_recall": draw_precision_recall([curve.precision_recall for curve in curves], cases=len(cases)),
        "dice_by_lesion_load": draw_dice_by_load(truth_ml, [case["dsc"] for case in values]),
        "retention": draw_retention([curve.retention for curve in curves], cases=len(cases)),
    }
    return {name: png for name, png in figures.items() if png is not None}


def draw_reliability(places: Mapping[str, Sequence[Reliability | None]], *, cases: int) -> bytes | None:
    """Observed against predicted frequency by place (at most two), voxels of all cases together; None without voxels."""
    pooled = {}
    for place, curves in places.items():
        present = [curve for curve in curves if curve is not None and curve.count.sum()]
        if present:
            pooled[place] = pool_reliability(present)
    if not pooled:
        return None
    title = f"Reliability, {format_count(cases, 'case', 'cases')}"
    figure, axes = make_chart(title, x="predicted lesion probability", y="observed share of lesion")
    axes.plot([0, 1], [0, 1], color=GRAY, linewidth=1, linestyle="--", zorder=1)
    for (place, curve), (color, marker, size) in zip(pooled.items(), PLACE_MARKS, strict=False):
        full = curve.count >= FEW_VOXELS
        label = f"{place} (ECE {curve.error:.3f}, {_count(curve.count.sum())} voxels)"
        some = curve.count > 0
        x, y = curve.mean_probability, curve.mean_truth
        axes.plot(x[some], y[some], color=color, linewidth=1.4, marker=marker, markersize=size, markerfacecolor="white")
        axes.plot(x[full], y[full], color=color, linestyle="none", marker=marker, markersize=size)
        axes.plot([], [], color=color, marker=marker, markersize=size, label=label)
    axes.plot([], [], color=GRAY, linewidth=1, linestyle="--", label="perfect calibration")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(fontsize=8.5, frameon=False, loc="upper left")
    if any(((curve.count > 0) & (curve.count < FEW_VOXELS)).any() for curve in pooled.values()):
        axes.text(0.98, 0.03, f"hollow: fewer than {FEW_VOXELS} voxels", fontsize=8.5, color=INK, ha="right")
    return render_png(figure)


def draw_precision_recall(curves: Sequence[PrecisionRecall | None], *, cases: int) -> bytes | None:
    """Precision over recall, voxels of all cases together, with some thresholds named; None without a lesion voxel."""
    present = [curve for curve in curves if curve is not None]
    if not present:
        return None
    pooled = pool_precision_recall(present)
    precision, recall = pooled.precision, pooled.recall
    drawn = np.isfinite(precision) & np.isfinite(recall)
    if not drawn.any():
        return None
    title = f"Precision and recall over thresholds, {format_count(cases, 'case', 'cases')}"
    figure, axes = make_chart(title, x="recall (TPR)", y="precision (PPV)")
    _draw_equal_dice(axes)
    axes.plot(recall[drawn], precision[drawn], color=BLUE, linewidth=1.8)
    for threshold in NAMED_THRESHOLDS:
        place = int(np.argmin(np.abs(THRESHOLDS - threshold)))
        if drawn[place]:
            axes.plot(recall[place], precision[place], color=BLUE, marker="o", markersize=5)
            # Below the curve: above it are the title and the names of the equal-DSC lines.
            axes.annotate(
                f"{threshold:g}",
                (recall[place], precision[place]),
                (-6, -10),
                textcoords="offset points",
                fontsize=8.5,
                ha="right",
            )
    best = int(np.nanargmax(pooled.dsc))
    axes.plot(recall[best], precision[best], color=VERMILION, marker="D", markersize=6, linestyle="none")
    label = f"largest DSC {pooled.dsc[best]:.3f}, threshold {THRESHOLDS[best]:g}"
    axes.plot([], [], color=VERMILION, marker="D", markersize=6, linestyle="none", label=label)
    axes.plot([], [], color=BLUE, marker="o", markersize=5, label="threshold")
    axes.plot([], [], color=GRAY, linewidth=0.8, linestyle=":", label="equal DSC")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(fontsize=8.5, frameon=True, framealpha=0.9, edgecolor="none", loc="lower left")
    return render_png(figure)


def draw_bland_altman(truth_ml: Sequence[float], predicted_ml: Sequence[float]) -> bytes | None:
    """Volume difference over mean volume, with bias and limits of agreement; None without cases."""
    if len(truth_ml) == 0:
        return None
    truth, predicted = np.asarray(truth_ml, dtype=float), np.asarray(predicted_ml, dtype=float)
    agreement = bland_altman(truth_ml, predicted_ml)
    title = f"Lesion volume, {format_count(agreement.n, 'case', 'cases')}"
    figure, axes = make_chart(title, x="mean of predicted and true volume (ml)", y="predicted − true volume (ml)")
    axes.axhline(0, color=GRAY, linewidth=0.8)
    axes.scatter((truth + predicted) / 2, predicted - truth, s=26, color=BLUE, alpha=0.75, linewidth=0)
    for value, name, style in (
        (agreement.bias_ml, "bias", "-"),
        (agreement.lower_ml, "−1.96 SD", "--"),
        (agreement.upper_ml, "+1.96 SD", "--"),
    ):
        if value is not None:
            axes.axhline(value, color=VERMILION, linewidth=1.2, linestyle=style)
            axes.annotate(
                f"{name}\n{value:+.2f} ml".replace("-", "−"),
                (1.0, value),
                (4, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                fontsize=8.5,
                color=INK,
                va="center",
                annotation_clip=False,
            )
    axes.set_xlim(left=0)
    axes.margins(y=0.15)
    return render_png(figure)


def draw_dice_by_load(truth_ml: Sequence[float], dsc: Sequence[float | None]) -> bytes | None:
    """DSC of each case over its lesion load, logarithmic; None without a case that has lesions and a DSC."""
    points = [(load, value) for load, value in zip(truth_ml, dsc, strict=True) if value is not None and load > 0]
    if not points:
        return None
    load, value = np.array(points).T
    title = f"DSC by lesion load, {format_count(len(points), 'case', 'cases')}"
    figure, axes = make_chart(title, x="true lesion volume (ml)", y="DSC")
    axes.scatter(load, value, s=28, color=BLUE, alpha=0.75, linewidth=0)
    axes.axhline(value.mean(), color=VERMILION, linewidth=1.2, label=f"mean {value.mean():.3f}")
    axes.axhline(np.median(value), color=GREEN, linewidth=1.2, linestyle="--", label=f"median {np.median(value):.3f}")
    axes.set_xscale("log")
    axes.set_xlim(load.min() / 1.6, load.max() * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ml, _: f"{ml:g}"))
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=8.5, frameon=False, loc="lower right")
    return render_png(figure)


def draw_retention(curves: Sequence[RetentionCurve | None], *, cases: int) -> bytes | None:
    """DSC over the replaced fraction (1 − retained): every case and rater faintly, their mean; None without a curve."""
    present = [curve for curve in curves if curve is not None]
    if not present:
        return None
    title = f"Retention, {format_count(cases, 'case', 'cases')}"
    figure, axes = make_chart(title, x="brain voxels replaced by the truth, the least certain first (%)", y="DSC")
    replaced = 100 * (1 - present[0].fraction)
    for curve in present:
        axes.plot(replaced, curve.dsc, color=GRAY, linewidth=0.7, alpha=0.6)
    mean = np.mean([curve.dsc for curve in present], axis=0)
    r_aac = float(np.mean([curve.r_aac for curve in present]))
    axes.plot(replaced, mean, color=BLUE, linewidth=2.0, label=f"mean (R-AAC {r_aac:.4f})")
    axes.plot([], [], color=GRAY, linewidth=0.7, label="each case and rater")
    # Lesions are a hundredth of a brain: on a linear axis the whole curve would be a corner.
    axes.set_xscale("symlog", linthresh=FINEST_REPLACED_PERCENT, linscale=0.5)
    axes.set_xticks([0, 0.1, 1, 10, 100], ["0", "0.1", "1", "10", "100"])
    axes.set(xlim=(-0.01, 110), ylim=(0, 1.02))
    axes.legend(fontsize=8.5, frameon=False, loc="lower right")
    return render_png(figure)


def _draw_equal_dice(axes: Axes) -> None:
    """Lines on which precision and recall give the same DSC, named at the right border."""
    for level in (0.2, 0.4, 0.6, 0.8):
        recall = np.linspace(level / (2 - level) + 1e-6, 1, 200)
        axes.plot(recall, level * recall / (2 * recall - level), color=GRAY, linewidth=0.8, linestyle=":")
        axes.annotate(
            f"{level:g}",
            (1.02, level / (2 - level)),
            (2, 0),
            textcoords="offset points",
            fontsize=8,
            color=GRAY,
            va="center",
            annotation_clip=False,
        )


def _count(voxels: float) -> str:
    return f"{voxels / 1e6:.1f} M" if voxels >= 1e6 else f"{int(voxels):,}"
