"""Write the used part of the full API table anew: `python -m Testing.SlicerHost.api.update TABLE.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import TABLE_PATH

USED_KEYS = ("bases", "constructor", "properties", "signals", "slots", "invokables", "decorators", "enums", "flags")


def used_part(table: dict, names: list[str]) -> dict:
    """The named classes and their bases that the table knows."""
    todo, kept = list(names), {}
    while todo:
        name = todo.pop()
        entry = table["classes"].get(name)
        if entry is None or name in kept:
            continue
        kept[name] = {key: entry[key] for key in USED_KEYS if entry.get(key)} | {"bases": entry["bases"]}
        todo += entry["bases"]
    missing = {
        release: sorted(m for m in members if m.split(".")[0] in kept)
        for release, members in table["missing_in"].items()
    }
    return {"sources": table["sources"], "missing_in": missing, "classes": dict(sorted(kept.items()))}


def main() -> None:
    from .. import widgets

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    table = json.loads(parser.parse_args().table.read_text(encoding="utf-8"))
    names = list(widgets.STAND_INS)
    TABLE_PATH.write_text(json.dumps(used_part(table, names), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
