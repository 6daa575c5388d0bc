"""P(change) and the spread of repeated volumes, fitted on pairs of digital visits whose changes are known.

    python Benchmarks/change/calibration.py [--simulated 120] [--network 0] [--keep FOLDER] [--seconds 240]

Simulated pairs (``simulated_pairs.py``) are cheap and many; pairs of whole digital brains (``digital_pairs.py``) are segmented by
the shipped network. What each pair gives is kept in FOLDER: with --seconds a run stops in time, the next one goes on. Constants
are fitted on the first half of the simulated pairs (of the network's where there are 30 or more), printed as
``MSSoftSegLib/change/calibration.py`` holds them; figures are of the other pairs. Writes
``Benchmarks/results/change/calibration.md``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from figures import by_protocol, table
from fit import fitted, repeats
from pydantic import TypeAdapter
from simulated_pairs import is_changing, simulated_pair, slices_mm
from truth import PairTruth, judged, labels_between

from MSSoftSegLib.change.calibration import SHIPPED
from MSSoftSegLib.change.comparison import compare_visits

RESULTS = Path(__file__).parents[1] / "results" / "change" / "calibration.md"
FEWEST_NETWORK_PAIRS = 30
TRUTH = TypeAdapter(PairTruth)


def simulated(count: int, folder: Path, until: float) -> Iterator[PairTruth]:
    """Pairs 0 to count - 1: those kept, and those that can be drawn until then (a reading of time.monotonic)."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        file = folder / f"simulated{number:03d}.json"
        if not file.exists():
            if time.monotonic() > until:
                return
            partial = file.with_suffix(".partial")
            partial.write_bytes(TRUTH.dump_json(_simulated(number)))
            partial.rename(file)
        yield TRUTH.validate_json(file.read_bytes())


def _simulated(number: int) -> PairTruth:
    """What pair n gives."""
    pair = simulated_pair(number)
    comparison = compare_visits(pair.before, pair.after, pair.way)
    labels = labels_between(comparison, pair.labels, pair.poses[0])
    fates = {own.label: (own.fate, own.before_mm3, own.after_mm3) for own in pair.planted}
    words = " and ".join(f"{mm:.0f}" for mm in slices_mm(number)) + " mm"
    return judged(number, not is_changing(number), words, comparison, labels, fates)


def segmented(count: int, folder: Path, tta: str) -> Iterator[PairTruth]:
    """Pairs 0 to count - 1 of whole brains, segmented by the shipped network."""
    # Here, because the network needs torch and the simulated pairs do not.
    import digital_pairs as brains

    network = brains.Network(tta)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        if not brains.pair_file(folder, number).exists():
            brains.keep_pair(number, folder, network)
        pair = brains.kept_pair(number, folder, network.description)
        comparison = compare_visits(*pair.visits, brains.known_half_way(pair, number))
        labels = labels_between(comparison, pair.foci, pair.flair_from_patient[0])
        calm, words = not brains.is_changing(number), brains.protocols_of(number).words
        yield judged(number, calm, words, comparison, labels, pair.fates)


def main() -> None:
    """Draw, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulated", type=int, default=120)
    parser.add_argument("--network", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("change_pairs"), help="where segmented pairs are kept")
    parser.add_argument("--tta", default="none", help="none or flips8; none is eight times faster and a little noisier")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="draw no further simulated pair after this time"
    )
    given = parser.parse_args()
    cheap = list(simulated(given.simulated, given.keep, time.monotonic() + given.seconds))
    if len(cheap) < given.simulated:
        sys.stdout.write(f"{len(cheap)} of {given.simulated} simulated pairs are kept: run the same again to go on\n")
        return
    real = list(segmented(given.network, given.keep, given.tta)) if given.network else []
    by_network = len(real) >= FEWEST_NETWORK_PAIRS
    seen = real[: len(real) // 2] if by_network else cheap[: len(cheap) // 2]
    own = fitted(seen)
    lines = ["# Change between two visits: calibration", ""]
    lines += [f"Fitted on {len(seen)} pairs ({'network' if by_network else 'simulated maps'}).", "", "```"]
    lines += [*(f"{name} = {value}" for name, value in vars(own).items()), "```"]
    spread = ", ".join(f"{name} {value:.3f}" for name, value in repeats(seen).items())
    lines += ["", f"Spread of repeats in these pairs, not taken over: {spread}."]
    for title, pairs in (
        ("Simulated maps", cheap if by_network else cheap[len(cheap) // 2 :]),
        (f"The shipped network ({given.tta})", real[len(real) // 2 :] if by_network else real),
    ):
        for name, constants in (("as fitted here", own), ("as shipped", SHIPPED)):
            if pairs:
                lines += ["", f"## {title}, {len(pairs)} pairs, constants {name}", ""]
                lines += [*table(pairs, constants), "", *by_protocol(pairs, constants)]
    given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(given.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
