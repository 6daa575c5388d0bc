"""``change.csv``: one row per lesion or group of lesions, likeliest change first, under fixed column names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from MSSoftSegLib.change.comparison import Comparison, LesionChange

# The unit is part of each name; centers are RAS in the space between the two visits.
COLUMNS = (
    "pair",
    "group",
    "change",
    "p_change",
    "reason",
    "region",
    "ventricle_distance_mm",
    "cortex_distance_mm",
    "before_lesions",
    "after_lesions",
    "before_volume_mm3",
    "before_low_mm3",
    "before_high_mm3",
    "after_volume_mm3",
    "after_low_mm3",
    "after_high_mm3",
    "volume_change_percent",
    "image_difference_sd",
    "compared_fraction",
    "center_x_mm",
    "center_y_mm",
    "center_z_mm",
)


def likeliest_first(changes: Iterable[LesionChange]) -> tuple[LesionChange, ...]:
    """By falling P(change); what could not be compared at all comes last."""
    return tuple(sorted(changes, key=lambda row: (-(row.decision.probability or 0.0), row.group.id)))


def write_change_csv(path: Path, pairs: Sequence[tuple[str, Comparison]]) -> None:
    """Write the table (UTF-8, comma, decimal point): pairs in their order, named as given."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for name, comparison in pairs:
            writer.writerows(_row(name, row) for row in likeliest_first(comparison.changes))


def percent(row: LesionChange) -> float | None:
    """Change of volume in per cent of the earlier; None where there was nothing."""
    return 100 * (row.after_mm3 - row.before_mm3) / row.before_mm3 if row.before_mm3 > 0 else None


def _row(pair: str, row: LesionChange) -> dict[str, object]:
    x, y, z = row.center_ras_mm
    changed = percent(row)
    return {
        "pair": pair,
        "group": row.group.id,
        "change": row.change.value,
        "p_change": "" if row.decision.probability is None else round(row.decision.probability, 4),
        "reason": row.decision.reason,
        "region": "" if row.region is None else row.region.name,
        "ventricle_distance_mm": "" if row.region is None else _rounded(row.region.ventricle_distance_mm),
        "cortex_distance_mm": "" if row.region is None else _rounded(row.region.cortex_distance_mm),
        "before_lesions": " ".join(map(str, row.group.before)),
        "after_lesions": " ".join(map(str, row.group.after)),
        "before_volume_mm3": round(row.before_mm3, 3),
        "before_low_mm3": round(row.before_interval_mm3[0], 3),
        "before_high_mm3": round(row.before_interval_mm3[1], 3),
        "after_volume_mm3": round(row.after_mm3, 3),
        "after_low_mm3": round(row.after_interval_mm3[0], 3),
        "after_high_mm3": round(row.after_interval_mm3[1], 3),
        "volume_change_percent": "" if changed is None else round(changed, 2),
        "image_difference_sd": round(row.evidence.sign * row.evidence.focus_z, 3),
        "compared_fraction": round(row.evidence.compared, 4),
        "center_x_mm": round(x, 2),
        "center_y_mm": round(y, 2),
        "center_z_mm": round(z, 2),
    }


def _rounded(distance_mm: float | None) -> float | str:
    return "" if distance_mm is None else round(distance_mm, 2)
