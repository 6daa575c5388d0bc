"""(c) How long Slicer's start is held up: the module's import in a fresh process, on SlicerHost.

python Benchmarks/speed/starting.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from machine import described
from results import keep

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
LOADS = """
import sys, time
from pathlib import Path
from Testing.SlicerHost import start
host = start()
started = time.perf_counter()
host.load_module(Path(sys.argv[1]), panel=False)
print("took", time.perf_counter() - started)
"""


def import_s() -> float:
    """Seconds of the clock from Slicer's asking for the module to its being listed."""
    done = subprocess.run(
        [sys.executable, "-c", LOADS, str(ROOT / "MSSoftSeg" / "MSSoftSeg.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.split("took")[1])


def main() -> None:
    """Measure and keep."""
    took = [import_s() for _ in range(ROUNDS)]
    keep("starting", {"machine": described(), "rounds": ROUNDS, "module_import_s": statistics.median(took)})
    sys.stdout.write(f"{took}\n")


if __name__ == "__main__":
    main()
