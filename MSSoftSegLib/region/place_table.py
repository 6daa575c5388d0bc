"""The places of lesions as columns of a table: the same names wherever a table has them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.regions import Place

# region: the place to name where there is room for one; regions: all of them. Then membership and share of the volume in each.
PLACE_COLUMNS = (
    "region",
    "regions",
    "distance_to_ventricle_mm",
    "distance_to_cortex_mm",
    "longest_axis_mm",
    *(place.value for place in Place),
    *(f"{place.value}_share" for place in Place),
)


def place_row(lesion: LesionPlace) -> dict[str, object]:
    """One lesion's cells; what is not known is empty."""
    return {
        "region": lesion.place.value,
        "regions": "+".join(place.value for place in lesion.places),
        "distance_to_ventricle_mm": _rounded(lesion.distance_to_ventricle_mm),
        "distance_to_cortex_mm": _rounded(lesion.distance_to_cortex_mm),
        "longest_axis_mm": _rounded(lesion.longest_axis_mm),
        **{place.value: round(lesion.membership[place], 4) for place in Place},
        **{f"{place.value}_share": round(lesion.share[place], 4) for place in Place},
    }


def write_place_table(path: Path, lesions: Iterable[LesionPlace], volume_mm3: Mapping[int, float]) -> None:
    """Write id, volume and place of every lesion (UTF-8, comma, decimal point)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("id", "volume_mm3", *PLACE_COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows({"id": each.id, "volume_mm3": volume_mm3[each.id], **place_row(each)} for each in lesions)


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 2)
