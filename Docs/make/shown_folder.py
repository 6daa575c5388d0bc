"""A library's folder whose path stands in a picture: short, and as a ward's could be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The second where nothing may be made beside the first.
PLACES = (Path("/data"), Path.home())
NAME = "MS library"


@contextmanager
def library_to_be_seen() -> Iterator[Path]:
    """A folder that is not there yet, in a place that is; both are gone afterwards, unless they were there before."""
    for place in PLACES:
        is_new = not place.exists()
        try:
            place.mkdir(exist_ok=True)
            (place / NAME).mkdir()
        except PermissionError:
            continue
        break
    else:
        raise SystemExit(f"no folder could be made in {' or '.join(map(str, PLACES))}")
    library = place / NAME
    library.rmdir()
    try:
        yield library
    finally:
        shutil.rmtree(library, ignore_errors=True)
        if is_new:
            place.rmdir()
