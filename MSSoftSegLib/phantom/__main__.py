"""The digital patient as a program, for Slicer's sample data: no torch, no download.

python -m MSSoftSegLib.phantom FOLDER [--small] [--seed N]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.phantom.digital_patient import DEMO_SETTINGS, SMALL_SETTINGS, make_digital_patient
from MSSoftSegLib.phantom.patient_files import write_digital_patient


def main(arguments: list[str] | None = None) -> int:
    """Make the patient and write her files; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m MSSoftSegLib.phantom", description="Make the digital patient.")
    parser.add_argument("folder", type=Path, help="a new folder")
    parser.add_argument("--small", action="store_true", help="coarse and quick")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    settings = SMALL_SETTINGS if chosen.small else DEMO_SETTINGS
    try:
        write_digital_patient(make_digital_patient(seed=chosen.seed, settings=settings), chosen.folder)
    except MSSoftSegError as problem:
        sys.stderr.write(f"error: {problem}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
