"""The folder of the module on the path, as in Slicer; no window wherever the tests are started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from Testing.MSSoftSeg.people.fixtures import curator, host, radiologist, reader  # noqa: F401

MODULE_FOLDER = Path(__file__).resolve().parents[2] / "MSSoftSeg"

if str(MODULE_FOLDER) not in sys.path:
    sys.path.insert(0, str(MODULE_FOLDER))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Two processes test at once: each with threads of its own would fight for the processors.
os.environ.setdefault("OMP_NUM_THREADS", "1")
