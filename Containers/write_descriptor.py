"""Writes the Boutiques descriptor of ``mssoftseg-bids`` from the command line's own definition: Containers/mssoftseg-bids.json.

python Containers/write_descriptor.py
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from MSSoftSegLib.cli.cohorts.bids_app import PROGRAM, make_parser  # noqa: E402
from MSSoftSegLib.cohort.places import EXAMS_TABLE, GROUP_PAGE, LESIONS_TABLE  # noqa: E402
from MSSoftSegLib.version import VERSION  # noqa: E402

DESCRIPTOR = ROOT / "Containers" / "mssoftseg-bids.json"
# What only prints something is no use to who runs a descriptor.
PRINTERS = ("help", "version", "print_slurm_array")


def descriptor() -> dict[str, Any]:
    """The descriptor, schema 0.5 (Glatard et al. 2018, doi:10.1093/gigascience/giy016)."""
    made = make_parser()
    actions = [action for action in made._actions if action.dest not in PRINTERS]
    keys = " ".join(f"[{action.dest.upper()}]" for action in actions)
    return {
        "name": "MSSoftSeg",
        "description": made.description,
        "tool-version": VERSION,
        "schema-version": "0.5",
        "command-line": f"{PROGRAM} {keys}",
        "inputs": [_input(action) for action in actions],
        "output-files": [
            {
                "id": name.replace(".", "_"),
                "name": name,
                "path-template": f"[OUTPUT_DIR]/{name}",
                "optional": True,
            }
            for name in (GROUP_PAGE, EXAMS_TABLE, LESIONS_TABLE)
        ],
        "error-codes": [
            {"code": 2, "description": "the request is wrong"},
            {"code": 3, "description": "the machine lacks something"},
            {"code": 4, "description": "some exams have no result; the others are complete"},
            {"code": 130, "description": "interrupted"},
        ],
        "suggested-resources": {"cpu-cores": 2, "ram": 4},
        "tags": {"domain": ["neuroinformatics", "mri", "multiple sclerosis"]},
    }


def _input(action: argparse.Action) -> dict[str, Any]:
    """One argument."""
    found: dict[str, Any] = {
        "id": action.dest,
        "name": action.dest.replace("_", " "),
        "description": action.help,
        "value-key": f"[{action.dest.upper()}]",
        "optional": bool(action.option_strings),
        "type": "String",
    }
    if action.option_strings:
        found["command-line-flag"] = action.option_strings[0]
    if action.nargs == 0:
        return {**found, "type": "Flag"}
    if action.nargs == "+":
        found["list"] = True
    if action.choices is not None:
        found["value-choices"] = list(action.choices)
    if action.type in (int, float):
        found |= {"type": "Number", "integer": action.type is int}
    if action.type is Path:
        found["type"] = "File"
    return found


def text() -> str:
    """The file's contents."""
    return json.dumps(descriptor(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DESCRIPTOR.write_text(text(), encoding="utf-8")
