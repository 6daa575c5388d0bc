"""What a foreign ``dataset.json`` says, taken only where it says it in the shape that its format has.

Somebody else's file: every field is looked at before it is used, and named where it is not what it must be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.image_format import FORMAT_OF_EXTENSION, KNOWN_EXTENSIONS
from MSSoftSegLib.exam.plain_text import decode_text

FILE = "dataset.json"
BACKGROUND = 0


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file (UTF-8, or as its byte order mark says); ValueError for anything else, or a key twice."""
    document = json.loads(decode_text(path.read_bytes()), object_pairs_hook=_without_twins)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def read_description(folder: Path, name: str = FILE) -> dict[str, Any]:
    """A data set's own description."""
    try:
        return read_json_object(folder / name)
    except FileNotFoundError:
        raise BadLibrary(
            f"{folder.name} holds no {name}", remedy="give the folder that holds it, or choose another --format"
        ) from None
    except TwiceTheSameKey as problem:
        raise BadLibrary(f"{name} has the field {problem.key!r} twice", remedy=f"correct {name}") from None
    except (OSError, ValueError, RecursionError):
        raise BadLibrary(
            f"{name} is not a readable JSON object", remedy="mend it, or unpack or download the data set again"
        ) from None


class TwiceTheSameKey(ValueError):
    """A JSON object that says two things under one name."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise TwiceTheSameKey(key)
        found[key] = value
    return found


def read_channel_names(document: Mapping[str, Any], fields: Sequence[str]) -> dict[str, str]:
    """Channel names by number, "0" to "n − 1", from the first of the fields that is there."""
    field = next((name for name in fields if document.get(name) is not None), None)
    if field is None:
        raise BadLibrary(f"{FILE} names no channels", remedy=f'add {fields[0]!r}: {{"0": "FLAIR", …}}')
    stated = document[field]
    if not isinstance(stated, dict) or not stated:
        refuse(field, f"is {_shown(stated)}", 'an object such as {"0": "FLAIR", "1": "T1"}')
    for number, name in stated.items():
        if not number.isascii() or not number.isdigit():
            refuse(field, f"has the key {number!r}", "channel numbers as keys and names as values")
        if not isinstance(name, str) or not name.strip():
            refuse(f"{field}.{number}", f"is {_shown(name)}", "the channel's name")
    numbers = sorted(int(number) for number in stated)
    if numbers != list(range(len(numbers))):
        refuse(
            field,
            f"numbers its channels {', '.join(map(str, numbers))}",
            "0, 1, 2 and so on, as the files are numbered",
        )
    return {str(int(number)): name.strip() for number, name in sorted(stated.items(), key=lambda item: int(item[0]))}


def read_label_names(document: Mapping[str, Any]) -> dict[int, str]:
    """Label names by value; empty where none is described. Version 1 of nnU-Net names values, version 2 the other way round,
    and may give regions of several values."""
    stated = document.get("labels")
    if stated is None:
        return {}
    if not isinstance(stated, dict):
        refuse("labels", f"is {_shown(stated)}", 'an object such as {"background": 0, "lesion": 1}')
    by_value: dict[int, str] = {}
    for key, value in stated.items():
        if key.isascii() and key.isdigit() and isinstance(value, str) and not value.isdigit():
            _note(by_value, int(key), value)
            continue
        if isinstance(value, list):
            for each in value:
                by_value.setdefault(_label_value(key, each), key)
        else:
            _note(by_value, _label_value(key, value), key)
    return by_value


def read_file_ending(document: Mapping[str, Any]) -> str:
    """How the data set's images end."""
    ending = document.get("file_ending", ".nii.gz")
    if not isinstance(ending, str) or ending.lower() not in FORMAT_OF_EXTENSION:
        refuse("file_ending", f"is {_shown(ending)}", f"one of {KNOWN_EXTENSIONS}")
    return ending


def refuse(field: str, what: str, wanted: str) -> NoReturn:
    """A field of the description that is not what it must be."""
    raise BadLibrary(f"{FILE}: {field!r} {what}", remedy=f"give {wanted}")


def _note(by_value: dict[int, str], value: int, name: str) -> None:
    if value in by_value:
        refuse("labels", f"gives {value} to {by_value[value]!r} and to {name!r}", "each label a value of its own")
    by_value[value] = name


def _label_value(name: str, value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < BACKGROUND:
        refuse(f"labels.{name}", f"is {_shown(value)}", "a whole number from 0")
    return number


def _shown(value: Any) -> str:
    """A value in few words."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:39]}…"
