"""What the publications report, to print beside our rows: facts from their tables, DSC and so on as fractions.

Kats, Goldberger, Greenspan 2019 (arXiv:1901.09263), tables 1–3. Groza, Huet, Boujemaa 2020, fold table. Bar-Ilan thesis,
tables 2–6 (validation folds of ISBI 2015, against rater 1 and rater 2). None of these data sets is ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedRow:
    """One printed row. Pairs are (against rater 1, against rater 2); None where only one value is given."""

    arm: str
    source: str
    label: str
    dsc: tuple[float, float | None]
    ppv: tuple[float, float | None] | None = None
    tpr: tuple[float, float | None] | None = None


def _thesis(arm: str, table: int, label: str, first: tuple[float, ...], second: tuple[float, ...]) -> PublishedRow:
    pairs = list(zip(first, second, strict=True))
    return PublishedRow(arm, f"thesis table {table}", label, pairs[0], pairs[1], pairs[2])


def _kats(arm: str, table: int, label: str, *pairs: tuple[float, float]) -> PublishedRow:
    dsc, ppv, tpr = [(a / 100, b / 100) for a, b in pairs]
    return PublishedRow(arm, f"Kats table {table}", label, dsc, ppv, tpr)


PUBLISHED = (
    _kats("kats2019-binary", 1, "100 %", (67.3, 59.0), (81.3, 83.3), (61.1, 46.9)),
    _kats("kats2019-110", 1, "110 %, γ 0.3", (67.2, 58.4), (81.8, 83.3), (58.9, 45.8)),
    _kats("kats2019", 1, "120 %, γ 0.3", (69.9, 62.0), (80.5, 81.5), (63.1, 50.6)),
    _kats("kats2019-130", 1, "130 %, γ 0.3", (68.5, 61.2), (77.5, 80.0), (62.9, 50.3)),
    _kats("kats2019-140", 1, "140 %, γ 0.3", (67.0, 58.8), (80.3, 82.6), (59.2, 47.0)),
    _kats("kats2019-gamma-0.2", 2, "120 %, γ 0.2", (68.3, 59.8), (81.4, 83.7), (60.5, 47.5)),
    _kats("kats2019-gamma-0.4", 2, "120 %, γ 0.4", (68.9, 61.8), (76.7, 80.0), (65.2, 52.3)),
    PublishedRow("groza2020-binary", "Groza, spleen CT", "ensemble", (0.9432, None), (0.9584, None), (0.9445, None)),
    PublishedRow("groza2020", "Groza, spleen CT", "ensemble, smoothed", (0.9486, None), (0.9542, None), (0.9535, None)),
    _thesis("barilan-intersection", 2, "intersection", (0.746, 0.898, 0.648), (0.690, 0.918, 0.561)),
    _thesis("barilan-union", 2, "union", (0.766, 0.729, 0.827), (0.750, 0.773, 0.751)),
    _thesis("barilan-intersection-soft", 2, "inter+soft, γ 0.3", (0.764, 0.857, 0.703), (0.722, 0.790, 0.619)),
    _thesis("barilan-union-soft", 2, "union+soft, γ 0.3", (0.761, 0.705, 0.844), (0.753, 0.761, 0.769)),
    _thesis("barilan-gamma-0.1", 3, "soft union, γ 0.1", (0.695, 0.910, 0.570), (0.744, 0.885, 0.614)),
    _thesis("barilan-gamma-0.3", 3, "soft union, γ 0.3", (0.770, 0.851, 0.718), (0.746, 0.892, 0.643)),
    _thesis("barilan-sl", 3, "soft union, γ 0.5", (0.771, 0.777, 0.783), (0.750, 0.825, 0.704)),
    _thesis("barilan-gamma-0.7", 3, "soft union, γ 0.7", (0.769, 0.748, 0.811), (0.750, 0.801, 0.717)),
    _thesis("barilan-2mm", 4, "soft union, 2 mm", (0.769, 0.843, 0.720), (0.726, 0.876, 0.635)),
    _thesis("barilan-3mm", 4, "soft union, 3 mm", (0.762, 0.854, 0.703), (0.717, 0.885, 0.616)),
    _thesis("barilan-ssl-binary", 6, "pseudo-labels", (0.793, 0.820, 0.777), (0.757, 0.855, 0.691)),
    _thesis("barilan-ssl", 6, "pseudo + soft", (0.801, 0.825, 0.783), (0.757, 0.854, 0.691)),
)


def find_published_row(arm: str) -> PublishedRow | None:
    """The printed row that an arm of the study imitates."""
    return next((row for row in PUBLISHED if row.arm == arm), None)
