"""``mssoftseg demo``: the main job on a patient who was never anybody, compared with her known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.job_commands import run_job
from MSSoftSegLib.result_files import MASK_FILE, PROBABILITY_FILE, REPORT_FILE
from MSSoftSegLib.result_folder import check_target, write_completely

DEMO_SEED = 1


def demo(
    out: Annotated[Path, typer.Option("--out", help="folder to create")] = Path("demo"),
    overwrite: options.Overwrite = False,
    debug: options.Debug = False,
) -> None:
    """Make the digital patient, segment her, compare with her truth.

    Example: mssoftseg demo --out demo
    """
    check_target(out, overwrite=overwrite)
    from MSSoftSegLib.phantom.digital_patient import make_digital_patient
    from MSSoftSegLib.phantom.patient_files import write_digital_patient

    # In the output's own scratch, not in a temporary folder: the next run finds and removes what a killed one left there.
    with write_completely(out, overwrite=overwrite) as folder:
        say("Making the digital patient …")
        exam, result = folder / "exam", folder / "result"
        write_digital_patient(make_digital_patient(seed=DEMO_SEED), exam)
        outcome = run_job("segment", {"exam": {"folder": exam}, "out": result}, json_events=False, debug=debug)
        if outcome.error is not None:
            raise outcome.error
        figures = _compared(exam, result)
    for line in figures:
        say(line)
    say(f"Report: {(out / 'result' / REPORT_FILE).resolve()}")


def _compared(exam: Path, result: Path) -> list[str]:
    """The result against the patient's truth, in sentences."""
    from MSSoftSegLib.evaluation.overlap import dice, soft_dice
    from MSSoftSegLib.exam.geometry import voxels
    from MSSoftSegLib.exam.image_file import read_image, read_mask

    truth = voxels(read_image(exam / "truth" / "truth_probability.nii.gz"))
    raters = [voxels(read_mask(exam / "truth" / f"rater{k}.nii.gz", like=None)) for k in (1, 2)]
    mask = voxels(read_mask(result / MASK_FILE, like=None))
    probability = voxels(read_image(result / PROBABILITY_FILE))
    overlap, soft = dice(mask, truth >= 0.5), soft_dice(probability, truth)
    between, first, second = dice(*raters), dice(mask, raters[0]), dice(mask, raters[1])
    return [
        f"DSC against the digital patient's truth: {_number(overlap)} (soft Dice {_number(soft)})",
        f"DSC against her two simulated raters: {_number(first)} and {_number(second)}; between them: {_number(between)}",
    ]


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
