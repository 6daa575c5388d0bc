"""What is sent to a worker and stands in job folders, kept in ``wire_format.json``: other people's programs write it.

Written anew, when a kind of job is added or gets a new optional field, by ``python -m Testing.MSSoftSegLib.jobs.wire_format``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from MSSoftSegLib.jobs.kinds import find_job_kinds

FILE = Path(__file__).with_suffix(".json")
IN_WORDS = ("title", "description")


def wire_format() -> dict[str, Any]:
    """The JSON schema of each kind's document, without what it says to people."""
    return {kind.name: _bare(kind.document.model_json_schema()) for kind in find_job_kinds().values()}


def _bare(schema: Any, *, names: bool = False) -> Any:
    """names: the keys are the document's own, of which one may be called ``title``."""
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(part, names=key in ("properties", "$defs"))
        for key, part in sorted(schema.items())
        if names or key not in IN_WORDS
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(wire_format(), indent=1) + "\n", encoding="utf-8")
