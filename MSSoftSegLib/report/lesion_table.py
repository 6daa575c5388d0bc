"""``lesions.csv``: one row per lesion, in the order of the instance numbers, under fixed column names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.lesion.measurement import Lesion

# The unit is part of each name; centroids are RAS.
MEASURED_COLUMNS = (
    "id",
    "volume_mm3",
    "soft_volume_mm3",
    "max_probability",
    "mean_probability",
    "mean_entropy_nats",
    "lsu",
    "centroid_x_mm",
    "centroid_y_mm",
    "centroid_z_mm",
    "extent_mm",
    "status",
)
# Where the lesion lies: empty where it was not found, absent from tables that older versions wrote.
PLACE_COLUMNS = ("region", "region_probability", "longest_axis_mm", "ventricle_distance_mm", "cortex_distance_mm")
COLUMNS = (*MEASURED_COLUMNS, *PLACE_COLUMNS)


def write_lesions_csv(path: Path, lesions: Iterable[Lesion]) -> None:
    """Write the table (UTF-8, comma, decimal point), rows by rising id; every number reads back unchanged."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(lesion) for lesion in sorted(lesions, key=lambda lesion: lesion.id))


def read_lesions_csv(path: Path) -> tuple[Lesion, ...]:
    """Read a table that ``write_lesions_csv`` wrote, without places too; also one that a spreadsheet saved as "CSV UTF-8"."""
    as_written = "give a lesions.csv as written by `mssoftseg segment`, comma-separated"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in MEASURED_COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise RequestError(f"{path.name} lacks the column {missing[0]}", remedy=as_written)
            return tuple(_lesion(row, f"{path.name}, line {reader.line_num}") for row in reader)
    except (UnicodeDecodeError, csv.Error):
        raise RequestError(f"{path.name} is no text of a table", remedy=as_written) from None


def _row(lesion: Lesion) -> dict[str, object]:
    x, y, z = lesion.centroid_ras_mm
    place = {"centroid_x_mm": x, "centroid_y_mm": y, "centroid_z_mm": z}
    return {name: place[name] if name in place else getattr(lesion, name) for name in COLUMNS}


def _lesion(row: Mapping[str, str | None], where: str) -> Lesion:
    """One row as a lesion; `where` names file and line for the error."""

    def number(name: str) -> float:
        text = row[name]
        try:
            return float(text or "")
        except ValueError:
            raise RequestError(
                f"{where}: {name} is “{text or ''}”, not a number", remedy="restore the file or segment again"
            ) from None

    def whole(name: str) -> int:
        value = number(name)
        if not value.is_integer():
            raise RequestError(
                f"{where}: {name} is {value}, not a whole number", remedy="restore the file or segment again"
            )
        return int(value)

    def place(name: str) -> float | None:
        return number(name) if row.get(name) else None

    return Lesion(
        id=whole("id"),
        volume_mm3=number("volume_mm3"),
        soft_volume_mm3=number("soft_volume_mm3"),
        max_probability=number("max_probability"),
        mean_probability=number("mean_probability"),
        mean_entropy_nats=number("mean_entropy_nats"),
        lsu=number("lsu"),
        centroid_ras_mm=(number("centroid_x_mm"), number("centroid_y_mm"), number("centroid_z_mm")),
        extent_mm=number("extent_mm"),
        status=row["status"] or "",
        region=row.get("region") or None,
        region_probability=place("region_probability"),
        longest_axis_mm=place("longest_axis_mm"),
        ventricle_distance_mm=place("ventricle_distance_mm"),
        cortex_distance_mm=place("cortex_distance_mm"),
    )
