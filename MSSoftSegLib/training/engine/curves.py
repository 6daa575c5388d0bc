"""Training curves: one CSV row a step and one a validation, and a picture of both."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.training.engine.checkpoint import write_whole

STEPS_FILE = "steps.csv"
VALIDATIONS_FILE = "validations.csv"
PICTURE = "curves.png"
STEP_COLUMNS = ("step", "epoch", "rate", "loss", "seconds")
VALIDATION_COLUMNS = ("epoch", "step", "val_loss", "val_dice", "val_soft_dice")


class Curve:
    """One CSV file that grows by rows; what a killed run wrote beyond its checkpoint is cut off on resuming."""

    def __init__(self, path: Path, columns: Sequence[str], *, resume_step: int) -> None:
        self.path, self.columns = path, tuple(columns)
        kept = [row for row in read_rows(path) if float(row["step"]) < resume_step] if resume_step else []
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        write_whole(path, text.getvalue().encode())

    def add(self, rows: Sequence[Sequence[float | int]]) -> None:
        """Append rows in the order of the columns."""
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The complete rows of a curve; none where the file is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if None not in row.values()]


def draw_curves(folder: Path) -> None:
    """``curves.png`` from the two CSV files in a folder: loss per step, DSC per validation."""
    from matplotlib.figure import Figure

    steps, validations = read_rows(folder / STEPS_FILE), read_rows(folder / VALIDATIONS_FILE)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([int(row["step"]) for row in steps], [float(row["loss"]) for row in steps], color="#0072b2", lw=0.8)
    left.set(xlabel="step", ylabel="training loss")
    at = [int(row["step"]) for row in validations]
    right.plot(at, [float(row["val_dice"]) for row in validations], "o-", color="#d55e00", ms=3, label="DSC")
    right.plot(
        at, [float(row["val_soft_dice"]) for row in validations], "s--", color="#009e73", ms=3, label="soft Dice"
    )
    right.set(xlabel="step", ylabel="mean over validation cases", ylim=(0, 1))
    right.legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_whole(folder / PICTURE, picture.getbuffer())
