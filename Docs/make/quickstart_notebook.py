"""Runs the cells of a notebook and keeps what they print and draw: the pictures and numbers in Docs/quickstart.ipynb.

    python Docs/make/quickstart_notebook.py [NOTEBOOK]

Needs no notebook server: a notebook is a JSON document (nbformat 4.5), its code cells are Python.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

NOTEBOOK = Path(__file__).resolve().parents[1] / "quickstart.ipynb"
DOTS_PER_INCH = 70


def run_notebook(path: Path) -> None:
    """Run every code cell in order and write its outputs into the file; an exception of a cell ends it, the file untouched."""
    matplotlib.use("agg")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        cell["execution_count"] = number
        cell["outputs"] = [*_printed("".join(cell["source"]), names, f"cell {number}"), *_drawn()]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _printed(source: str, names: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """What the cell prints, as one stream; nothing where it prints nothing."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, title, "exec"), names)
    text = out.getvalue()
    return [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}] if text else []


def _drawn() -> list[dict[str, Any]]:
    """The figures that the cell left open, as pictures."""
    from matplotlib import pyplot

    outputs = []
    for number in pyplot.get_fignums():
        buffer = io.BytesIO()
        pyplot.figure(number).savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight")
        picture = base64.b64encode(buffer.getvalue()).decode()
        outputs.append(
            {
                "data": {"image/png": picture, "text/plain": ["<Figure>"]},
                "metadata": {},
                "output_type": "display_data",
            }
        )
    pyplot.close("all")
    return outputs


if __name__ == "__main__":
    run_notebook(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOK)
