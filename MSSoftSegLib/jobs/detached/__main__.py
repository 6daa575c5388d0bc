"""``python -m MSSoftSegLib.jobs.detached FOLDER``: the process of a long job, started by ``starting.py``."""

from __future__ import annotations

import sys
from pathlib import Path

from MSSoftSegLib.jobs.detached.running import run_folder_job

if __name__ == "__main__":
    sys.exit(run_folder_job(Path(sys.argv[1])))
