"""A study of three little trainings, in its own process and those of its trials: what is killed is not what it learns."""

from __future__ import annotations

import sys
from dataclasses import replace

from MSSoftSegLib.study import running, trial
from MSSoftSegLib.study.size import SIZES, SMOKE

# A teacher, its student, and one of their own way of making slices.
ARMS = ("kats2019", "barilan-sl", "barilan-ssl")


def make_studies_small() -> None:
    """Let the smallest size be smaller still, here and in every trial that this process starts."""
    SIZES["smoke"] = replace(SMOKE, arms=ARMS, patient_spacing_mm=3.0, steps=dict.fromkeys(SMOKE.rates, 2))
    start = running.start_process
    running.start_process = lambda command, log, environment: start(
        [word.replace(trial.__name__, __name__) for word in command], log, environment
    )


if __name__ == "__main__":
    make_studies_small()
    trial.main(sys.argv[1:])
