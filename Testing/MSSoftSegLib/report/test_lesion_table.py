"""``lesions.csv``: fixed columns, nothing lost on the way to the file and back."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.lesion.measurement import Lesion
from MSSoftSegLib.report.lesion_table import read_lesions_csv, write_lesions_csv

HEADER = (
    "id,volume_mm3,soft_volume_mm3,max_probability,mean_probability,mean_entropy_nats,lsu,"
    "centroid_x_mm,centroid_y_mm,centroid_z_mm,extent_mm,status,"
    "region,region_probability,longest_axis_mm,ventricle_distance_mm,cortex_distance_mm"
)
finite = st.floats(allow_nan=False, allow_infinity=False)
lesions = st.builds(
    Lesion,
    id=st.integers(1, 65535),
    **{
        name: finite
        for name in (
            "volume_mm3",
            "soft_volume_mm3",
            "max_probability",
            "mean_probability",
            "mean_entropy_nats",
            "lsu",
            "extent_mm",
        )
    },
    centroid_ras_mm=st.tuples(finite, finite, finite),
    region=st.none() | st.sampled_from(["periventricular", "deep_white"]),
    **{
        name: st.none() | finite
        for name in ("region_probability", "longest_axis_mm", "ventricle_distance_mm", "cortex_distance_mm")
    },
    status=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8),
)
ONE = Lesion(
    1, 24.0, 31.5, 0.95, 0.8, 0.4, 0.25, (-12.5, 30.0, 7.25), 4.0, "detected", "juxtacortical", 0.75, 5.5, None, 0.5
)
TWO = Lesion(2, 8.0, 9.0, 0.6, 0.6, 0.67, 1.0, (1.0, 2.0, 3.0), 2.0, status="possible, left")


def test_columns_and_rows_are_exactly_those_that_others_rely_on(tmp_path: Path) -> None:
    file = tmp_path / "lesions.csv"
    write_lesions_csv(file, [TWO, ONE])
    assert file.read_bytes().decode("utf-8") == (
        f"{HEADER}\n"
        "1,24.0,31.5,0.95,0.8,0.4,0.25,-12.5,30.0,7.25,4.0,detected,juxtacortical,0.75,5.5,,0.5\n"
        '2,8.0,9.0,0.6,0.6,0.67,1.0,1.0,2.0,3.0,2.0,"possible, left",,,,,\n'
    )


@settings(max_examples=60)
@given(st.lists(lesions, max_size=4, unique_by=lambda lesion: lesion.id))
def test_every_lesion_reads_back_unchanged_in_the_order_of_its_number(
    tmp_path_factory: pytest.TempPathFactory, written: list[Lesion]
) -> None:
    file = tmp_path_factory.mktemp("table") / "lesions.csv"
    write_lesions_csv(file, written)
    assert read_lesions_csv(file) == tuple(sorted(written, key=lambda lesion: lesion.id))


def test_no_lesions_are_a_header_alone(tmp_path: Path) -> None:
    file = tmp_path / "lesions.csv"
    write_lesions_csv(file, [])
    assert file.read_text(encoding="utf-8") == HEADER + "\n"
    assert read_lesions_csv(file) == ()


def test_a_table_that_a_spreadsheet_saved_again_is_read(tmp_path: Path) -> None:
    file = tmp_path / "lesions.csv"
    write_lesions_csv(file, [ONE, TWO])
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows(rows)
    assert read_lesions_csv(file) == (ONE, TWO)


def test_a_table_of_a_version_that_knew_no_places_is_read(tmp_path: Path) -> None:
    file = tmp_path / "lesions.csv"
    columns = HEADER.split(",")[:12]
    file.write_text(",".join(columns) + "\n2,8.0,9.0,0.6,0.6,0.67,1.0,1.0,2.0,3.0,2.0,detected\n", encoding="utf-8")
    (lesion,) = read_lesions_csv(file)
    assert lesion == replace(TWO, status="detected")
    assert lesion.region is None


def test_a_missing_column_is_named_with_the_file_but_not_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(HEADER.replace("lsu,", "") + "\n", encoding="utf-8")
    with pytest.raises(RequestError, match=r"^table\.csv lacks the column lsu"):
        read_lesions_csv(file)


@pytest.mark.parametrize("row", ["1,x,1,1,1,1,1,1,1,1,1,detected", "1,,1,1,1,1,1,1,1,1,1,detected", "1"])
def test_a_cell_that_is_no_number_is_named_with_its_line(tmp_path: Path, row: str) -> None:
    file = tmp_path / "lesions.csv"
    file.write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    with pytest.raises(RequestError, match=r"lesions\.csv, line 2: volume_mm3 is “x?”, not a number"):
        read_lesions_csv(file)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", HEADER.encode() + b"\n\xe9,1", b'"' + b"x" * 200_000],
    ids=["16 bit", "latin-1", "huge"],
)
def test_what_is_no_text_of_a_table_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lesions.csv"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=r"^lesions\.csv is no text of a table"):
        read_lesions_csv(file)


@pytest.mark.parametrize("number", ["nan", "inf", "1.5"])
def test_a_lesions_number_is_whole(tmp_path: Path, number: str) -> None:
    file = tmp_path / "lesions.csv"
    file.write_text(f"{HEADER}\n{number},1,1,1,1,1,1,1,1,1,1,detected\n", encoding="utf-8")
    with pytest.raises(RequestError, match=r"line 2: id is .*, not a whole number"):
        read_lesions_csv(file)
