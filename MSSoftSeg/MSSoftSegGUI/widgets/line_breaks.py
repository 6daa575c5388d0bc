"""Where a line of a narrow panel may be broken."""

from __future__ import annotations

import re

# Behind a dot or a comma.
BETWEEN_PARTS = re.compile(r"(?<=[·,]) ")


def keep_parts_together(line: str) -> str:
    """The line, to be broken only behind its commas and dots: “0 of 51 reviewed” stays in one piece."""
    return " ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in BETWEEN_PARTS.split(line))
