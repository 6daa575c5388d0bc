"""JSON sidecars: what the converter wrote down beside an image. They can name the patient: no value leaves in a message."""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Mapping
from pathlib import Path

from MSSoftSegLib.exam.image_format import image_stem
from MSSoftSegLib.exam.plain_text import parse_json

logger = logging.getLogger(__name__)

# What must be equal for images of one person, and of one visit.
PERSON_KEYS = ("PatientID", "PatientName", "PatientBirthDate")
VISIT_KEYS = ("StudyInstanceUID",)
DATE_KEYS = ("StudyDate", "AcquisitionDate", "AcquisitionDateTime", "SeriesDate")


def name_sidecar(image_path: Path) -> Path:
    """Where an image's sidecar would be: the same name, ending in .json."""
    return image_path.with_name(image_stem(image_path.name) + ".json")


def read_sidecar(image_path: Path) -> dict[str, object]:
    """The sidecar's fields; empty where there is none. An unreadable one is logged and counts as none."""
    path = name_sidecar(image_path)
    try:
        fields = _parse(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        fields = None
    if not isinstance(fields, dict):
        logger.warning("%s is not a readable JSON sidecar and is ignored", path.name)
        return {}
    return fields


def _parse(content: bytes) -> object:
    try:
        return parse_json(content)
    except UnicodeDecodeError:
        # Older converters on Windows; all that is looked at is in ASCII.
        return parse_json(content.decode("latin-1"))


def find_days_apart(first: Mapping[str, object], second: Mapping[str, object]) -> int | None:
    """Days between the dates that two sidecars state under the same key; None where there is no such key."""
    for key in DATE_KEYS:
        one, other = (_date(fields.get(key)) for fields in (first, second))
        if one is not None and other is not None:
            return abs((one - other).days)
    return None


def _date(value: object) -> datetime.date | None:
    """Of "20200131", "2020-01-31" and either followed by a time."""
    found = re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d{7})", value) if isinstance(value, str) else None
    try:
        return None if found is None else datetime.date(*map(int, found.groups()))
    except ValueError:
        return None


def first_difference(first: Mapping[str, object], second: Mapping[str, object], keys: tuple[str, ...]) -> str | None:
    """The first of the keys whose values are in both sidecars and differ; None if there is none."""
    for key in keys:
        values = {_comparable(fields.get(key)) for fields in (first, second)}
        if len(values - {""}) > 1:
            return key
    return None


def _comparable(value: object) -> str:
    """Letters and digits in lower case: "DOE^JANE" and "Doe Jane" are one name, "1980-01-02" and "19800102" one day."""
    return "".join(character for character in str(value or "").casefold() if character.isalnum())
