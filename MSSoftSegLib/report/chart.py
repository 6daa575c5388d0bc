"""The look of charts: black on white, colors that color-blind readers tell apart, n in the title, units on the axes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito 2008.
BLUE, VERMILION, GREEN, GRAY, INK = "#0072B2", "#D55E00", "#009E73", "#999999", "#222222"
WIDTH_IN, HEIGHT_IN, DPI = 6.0, 4.4, 150


def make_chart(title: str, *, x: str, y: str) -> tuple[Figure, Axes]:
    """An empty chart with its title and the names of its axes."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    dress(axes, x=x, y=y)
    axes.set_title(title, fontsize=11, color=INK, loc="left", pad=10)
    return figure, axes


def dress(axes: Axes, *, x: str, y: str) -> None:
    """Names of the axes, no box, a faint grid."""
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    axes.tick_params(labelsize=9, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)


def format_count(n: int, one: str, many: str) -> str:
    """``n = 1 case``, ``n = 12 cases``."""
    return f"n = {n:,} {one if n == 1 else many}"
