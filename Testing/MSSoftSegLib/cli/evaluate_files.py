"""Files of made-up cases on the disk, and ``evaluate`` as a shell would run it on them."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.jobs.evaluate import evaluate as jobs_evaluate
from Testing.MSSoftSegLib.evaluation.made_up_cases import SPACING_MM, made_up_case

TURN = sitk.VersorTransform((1.0, 2.0, -1.0), 0.3).GetMatrix()


def write(path, array, *, origin_mm=(3.0, -7.0, 11.0)):
    """An array (z, y, x) on an oblique anisotropic grid."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING_MM[::-1])
    image.SetDirection(TURN)
    image.SetOrigin(origin_mm)
    sitk.WriteImage(image, str(path))
    return path


def write_case(folder, seed):
    """The files of one case by role."""
    folder.mkdir(parents=True, exist_ok=True)
    case = made_up_case(seed)
    roles = {
        "truth": case.truth,
        "truth2": np.roll(case.truth, 1, axis=2),
        "prediction": case.prediction,
        "probability": case.probability,
        "entropy": case.entropy,
        "brain": case.brain.astype(np.uint8),
    }
    return {role: write(folder / f"{role}{seed}.nii.gz", array) for role, array in roles.items()}


def work_in(folder, monkeypatch):
    """Make it the folder to work in. Figures have tests of their own and take most of the time."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(jobs_evaluate, "draw_figures", lambda cases: {})
    return folder


def evaluate(place, *arguments, out="out"):
    return run_command(["evaluate", *(str(argument) for argument in arguments), "--out", str(place / out)])


def last_error(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def write_table(place, seeds=(1, 2, 3), *, columns="case,patient,truth,truth2,prediction,probability,entropy,brain"):
    """A table of cases, two of them of one patient, with paths relative to it."""
    lines = [columns]
    for seed in seeds:
        files = write_case(place / "images", seed)
        named = {"case": f"visit{seed}", "patient": f"p{max(seed, 2)}"}
        cells = [named.get(column) or f"images/{files[column].name}" for column in columns.split(",")]
        lines.append(",".join(cells))
    path = place / "pairs.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
