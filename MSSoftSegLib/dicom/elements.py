"""Single elements of a header, whatever a damaged file or a scanner's habit has put there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any


def text(place: Any, keyword: str) -> str:
    """An element as text, several values divided by a backslash; empty where there is none or it cannot be read."""
    value = _value(place, keyword)
    if value is None:
        return ""
    return "\\".join(str(each) for each in value) if _is_multiple(value) else str(value)


def words(place: Any, keyword: str) -> tuple[str, ...]:
    """The values of an element in capitals, without blanks around them and without empty ones."""
    return tuple(word for each in text(place, keyword).split("\\") if (word := each.strip().upper()))


def number(place: Any, keyword: str) -> float | None:
    """The first value of an element as a finite number, None where it is none."""
    value = _value(place, keyword)
    value = value[0] if _is_multiple(value) and len(value) else value
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def items(place: Any, keyword: str) -> Iterator[Any]:
    """The items of a sequence."""
    value = _value(place, keyword)
    if value is not None and _is_multiple(value):
        yield from value


def _value(place: Any, keyword: str) -> Any:
    try:
        return place.get(keyword)
    except Exception:  # elements are parsed when they are asked for: whatever a damaged one makes the parser raise
        return None


def _is_multiple(value: Any) -> bool:
    return (
        hasattr(value, "__len__")
        and not isinstance(value, (str, bytes))
        and hasattr(value, "__getitem__")
        and not (hasattr(value, "original_string") or hasattr(value, "components"))
    )
