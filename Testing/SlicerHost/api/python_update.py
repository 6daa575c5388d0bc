"""Write the used part of the table of Slicer's Python API anew: `… -m Testing.SlicerHost.api.python_update TABLE.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import PYTHON_TABLE_PATH

USED = ("slicer.i18n", "slicer.packaging", "slicer.ScriptedLoadableModule", "slicer.parameterNodeWrapper",
        "slicer.parameterNodeWrapper.default", "slicer.parameterNodeWrapper.validators",
        "slicer.parameterNodeWrapper.wrapper", "slicer.parameterNodeWrapper.parameterPack")  # fmt: skip
USED_KEYS = ("functions", "classes", "public_names")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    table = json.loads(parser.parse_args().table.read_text(encoding="utf-8"))
    modules = {
        name: {key: table["modules"][name][key] for key in USED_KEYS if key in table["modules"][name]} for name in USED
    }
    text = json.dumps({"sources": table["sources"], "modules": modules}, indent=1, sort_keys=True)
    PYTHON_TABLE_PATH.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
