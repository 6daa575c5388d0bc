"""``Docs/quickstart.ipynb`` runs as it stands, and shows what it gives."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.patience import HANGING_S

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOK = ROOT / "Docs" / "quickstart.ipynb"
LARGEST_BYTES = 300_000


def code_cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def kinds(cell):
    return [output["output_type"] for output in cell["outputs"]]


def words(cell):
    """What a cell prints, without the numbers, which differ a little from machine to machine."""
    text = "".join(line for output in cell["outputs"] for line in output.get("text", ()))
    return re.sub(r"[\d.]+|(?<= )-(?=[\d#])", "#", text)


def test_the_notebook_shows_outputs_and_stays_small():
    cells = code_cells(NOTEBOOK)
    assert all(cell["outputs"] for cell in cells)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(kinds(cell).count("display_data") for cell in cells) >= 1
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES


@pytest.mark.slow
def test_every_cell_runs_in_a_process_of_its_own_and_says_what_the_notebook_shows(tmp_path):
    copy = Path(shutil.copyfile(NOTEBOOK, tmp_path / "quickstart.ipynb"))
    done = subprocess.run(
        [sys.executable, str(ROOT / "Docs" / "make" / "quickstart_notebook.py"), str(copy)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGING_S,
    )
    assert done.returncode == 0, done.stderr
    for ours, shown in zip(code_cells(copy), code_cells(NOTEBOOK), strict=True):
        assert kinds(ours) == kinds(shown)
        assert words(ours) == words(shown)
