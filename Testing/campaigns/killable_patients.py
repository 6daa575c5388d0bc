"""The commands that make patients of their own: minutes rather than moments, so that they are killed less often."""

from __future__ import annotations

from pathlib import Path

from Testing.campaigns.killable_jobs import Command, Maker
from Testing.MSSoftSegLib.training.tiny_data import write_tiny_data


def demo(inputs: Path, targets: Path) -> Command:
    (inputs / "nothing").write_text("nothing")
    return Command(["demo", "--out", str(targets / "out")])


def synthesize(inputs: Path, targets: Path) -> Command:
    data = write_tiny_data(inputs / "data", patients=2)
    options = ["--count", "1", "--gallery", "--out", str(targets / "out")]
    return Command(["synthesize", "--data", str(data), *options])


def study(inputs: Path, targets: Path) -> Command:
    (inputs / "nothing").write_text("nothing")
    return Command(
        ["study", "--smoke", "--out", str(targets / "out")],
        again=("--resume",),
        overwrites=False,
        done=("holds a study already",),
        grows=True,
    )


SLOW_MAKERS: dict[str, Maker] = {each.__name__: each for each in (demo, synthesize, study)}
