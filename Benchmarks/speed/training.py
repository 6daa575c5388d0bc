"""(d) Steps of the shipped recipe by our engine, and by plain MONAI and Lightning; and how long each waits for samples.

    python Benchmarks/speed/training.py [--rounds 7] [--steps 6] [--keep FOLDER]

Each trains in a process of its own, on one thread, with one process that makes its samples, from the same digital patients.
They take turns: who has none is stopped with all its processes. Processor seconds of a step and of the sample it needs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from machine import described
from patients import prepared_patients
from results import keep
from turns import Player

from MSSoftSegLib.training.engine.launch import choose_hardware
from MSSoftSegLib.training.recipe import find_recipe
from MSSoftSegLib.training.shipped.plan import RECIPE

CASES = 4
OURS = "ours"
PEERS = {
    OURS: ("training_ours.py", []),
    "MONAI and Lightning, bfloat16": ("training_monai.py", ["bf16-mixed"]),
    "MONAI and Lightning, float32": ("training_monai.py", ["32-true"]),
}


def in_turns(folder: Path, rounds: int, steps: int) -> dict[str, list[dict[str, float]]]:
    """What a step took of each, a round after the other."""
    players = {
        name: Player(script, [str(folder), str(CASES), *arguments]) for name, (script, arguments) in PEERS.items()
    }
    try:
        spent: dict[str, list[dict[str, float]]] = {name: [] for name in players}
        for _ in range(rounds):
            for name, player in players.items():
                spent[name].append(player.play(steps))
                sys.stderr.write(f"{name}: {spent[name][-1]}\n")
        return spent
    finally:
        for player in players.values():
            player.close()


def summarized(turns: list[dict[str, float]], ours: list[dict[str, float]]) -> dict[str, float]:
    """Medians over the turns, and the median ratio to ours in the same round."""
    medians = {name: statistics.median(turn[name] for turn in turns) for name in ("step_s", "samples_s", "clock_s")}
    ratios = [turn["step_s"] / own["step_s"] for turn, own in zip(turns, ours, strict=True)]
    return {
        **medians,
        "ratio_to_ours": statistics.median(ratios),
        "waited_share": sum(turn["waited_s"] for turn in turns) / sum(turn["clock_s"] for turn in turns),
    }


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=6, help="of a turn")
    parser.add_argument("--keep", type=Path, help="folder for the patients, to be found there the next time")
    given = parser.parse_args()
    recipe = find_recipe(RECIPE)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        prepared_patients(folder, recipe, CASES)
        spent = in_turns(folder, given.rounds, given.steps)
    found = {name: summarized(turns, spent[OURS]) for name, turns in spent.items()}
    keep(
        "training",
        {
            "machine": described(),
            "recipe": RECIPE,
            "network": f"DynUNet {tuple(recipe.network.filters)}",  # type: ignore[union-attr]
            "patch": recipe.sampling.size,
            "batch": recipe.sampling.batch,
            "precision": choose_hardware("cpu", devices=1, nodes=1, precision="auto").precision,
            "cases": CASES,
            "rounds": given.rounds,
            "steps": given.steps,
            "peers": found,
        },
    )
    for name, of in found.items():
        sys.stdout.write(f"{name}: {of}\n")


if __name__ == "__main__":
    main()
