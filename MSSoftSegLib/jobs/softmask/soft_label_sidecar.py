"""How a soft mask was made, from the sidecar that ``softmask`` left beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.jobs.softmask.softmask import SIDECAR_KIND, name_sidecar
from MSSoftSegLib.softlabel.settings import SoftLabelSettings


def read_softening(soft_label: Path) -> tuple[SoftLabelSettings | None, tuple[str, ...]]:
    """Settings and checksums of the raters' files, from the sidecar of a soft mask; None and nothing where it has none.

    BadLibrary where the sidecar is of another image.
    """
    sidecar = name_sidecar(soft_label)
    try:
        document: Any = parse_json(sidecar.read_bytes())
        if document["kind"] != SIDECAR_KIND:
            return None, ()
        settings = SoftLabelSettings.model_validate(document["settings"])
        raters = tuple(each["sha256"] for each in document["inputs"] if each["role"] == "rater")
        whole = document["sha256"] == compute_sha256(soft_label)
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None, ()
    if not whole:
        raise BadLibrary(f"{sidecar.name} speaks of another soft mask", remedy="make the soft mask again")
    return settings, raters
