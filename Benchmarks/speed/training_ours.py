"""The shipped recipe as the training engine runs it, in turns; started by training.py with the folder of the cases."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from patients import prepared_patients
from turns import Turn

from MSSoftSegLib.errors import JobCancelled
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.engine import fit
from MSSoftSegLib.training.engine.batches import draw_batches
from MSSoftSegLib.training.engine.launch import choose_hardware, train_one
from MSSoftSegLib.training.engine.progress_channel import DirectChannel
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.recipe import find_recipe
from MSSoftSegLib.training.shipped.plan import RECIPE


def main() -> None:
    """Train until no turn comes."""
    turn = Turn()

    def watched(task: FitTask, *, start: int, stop: int, rank: int, world: int) -> Iterator[Sample]:
        """The engine's batches, and how long it waits for each."""
        batches = draw_batches(task, start=start, stop=stop, rank=rank, world=world)
        while True:
            asked = time.monotonic()
            batch = next(batches, None)
            turn.waited_s += time.monotonic() - asked
            if batch is None:
                return
            yield batch

    fit.draw_batches = watched
    recipe = find_recipe(RECIPE)
    cases = prepared_patients(Path(sys.argv[1]), recipe, int(sys.argv[2]))
    hardware = choose_hardware("cpu", devices=1, nodes=1, precision="auto")
    with tempfile.TemporaryDirectory() as folder, suppress(JobCancelled):
        task = FitTask(recipe, tuple(cases), (), Path(folder), recipe.training.seed, hardware)
        train_one(task, DirectChannel(is_cancelled=turn.stepped))


if __name__ == "__main__":
    main()
