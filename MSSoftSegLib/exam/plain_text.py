"""Text that other programs and other keyboards wrote: accents, byte order marks, 16-bit encodings."""

from __future__ import annotations

import codecs
import json
import unicodedata
from typing import Any

# Letters that do not come apart into a Latin letter and an accent.
WITHOUT_ACCENT = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def plain_letters(text: str) -> str:
    """Lower case without accents: "Après" is "apres", "Läsion" is "lasion"; letters of other scripts stay."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(WITHOUT_ACCENT))
    return "".join(character for character in apart if not unicodedata.combining(character))


def decode_text(content: bytes) -> str:
    """What a text file says: UTF-8, or what its byte order mark names (Notepad, PowerShell); UnicodeDecodeError otherwise."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding)
    return content.decode("utf-8")


def parse_json(content: bytes | str) -> Any:
    """What a JSON file of anybody's says; ValueError for anything else, also where it is nested beyond all use."""
    try:
        return json.loads(decode_text(content) if isinstance(content, bytes) else content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
