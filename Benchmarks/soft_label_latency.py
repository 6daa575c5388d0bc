"""How long the soft label preview in Slicer takes to follow, by method, and how long saving and opening a case hold the panel.

    python Benchmarks/soft_label_latency.py [--rounds N]

On SlicerHost with the real desk worker: 50 made lesions on a FLAIR image of 182 × 218 × 182 voxels of 1 mm. A preview is timed
from the move of a control (its rest of 0.25 s included) to the new soft mask in the views. Event loop: the longest gap between
ticks of a 10 ms timer in that time; it is what a hand feels.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "MSSoftSeg")]
RESULT = Path(__file__).parent / "results" / "soft_label_latency.md"
BRAIN_SHAPE = (182, 218, 182)
LESIONS, PATIENCE_S, LIMIT_S = 50, 120, 2.0


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    seconds: tuple[float, ...]
    gaps_ms: tuple[float, ...]

    def text(self) -> str:
        """As a line of Markdown."""
        numbers = f"{np.median(self.seconds):.2f} | {max(self.seconds):.2f} | {max(self.gaps_ms):.0f}"
        return f"| {self.what} | {len(self.seconds)} | {numbers} | {sum(each > LIMIT_S for each in self.seconds)} |"


def main() -> None:
    """Measure, write the table, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    from Testing.MSSoftSeg.curator import curator
    from Testing.SlicerHost import start

    with tempfile.TemporaryDirectory(prefix="mssoftseg-latency-") as scratch, curator(start()) as person:
        _draw(person)
        rows = _previews(person, rounds)
        rows += _keeping(person, Path(scratch) / "library", rounds)
    load = os.getloadavg()[0]
    table = "\n".join(
        [
            "# How long the soft label and the library keep their user waiting",
            "",
            f"`python Benchmarks/soft_label_latency.py --rounds {rounds}`: {LESIONS} made lesions on "
            f"{' × '.join(map(str, reversed(BRAIN_SHAPE)))} voxels of 1 mm,",
            "real desk worker, on SlicerHost. Seconds from the click or the move of a control until it is seen.",
            f"Load when it ended: {load:.0f} on {os.cpu_count()} processors.",
            "",
            "| | n | median s | longest s | longest block of the event loop, ms | > 2 s |",
            "|---|---|---|---|---|---|",
            *(row.text() for row in rows),
            "",
        ]
    )
    RESULT.write_text(table, encoding="utf-8")
    sys.stdout.write(table)


def _draw(person) -> None:
    """A FLAIR image with a drawing on it, made without any model."""
    from MSSoftSegGUI.segmentation_node import writeLabels
    from MSSoftSegGUI.volume_nodes import newVolumeNode

    from Testing.MSSoftSeg.made_maps import lesion_map

    probability, _ = lesion_map(BRAIN_SHAPE, lesions=LESIONS, largest_mm=6.0)
    noise = np.random.default_rng(0).normal(0, 10, BRAIN_SHAPE)
    matrix = np.eye(4)
    matrix[:3, 3] = (-90.0, -126.0, -72.0)
    flair = newVolumeNode((200 + 200 * probability + noise).astype(np.float32), matrix, "FLAIR")
    person.choose(flair, "Made")
    person.click("drawButton")
    exam = person.curation.exam()
    writeLabels(exam.segmentation, (probability > 0.5).astype(np.uint8), exam.flair)


def _previews(person, rounds: int) -> list[Row]:
    preview, combo = person.curation.softLabel, person.ui("softMethodCombo")
    rows = [_timed(person, "the first preview: the worker starts", lambda: person.click("softPreviewButton"), preview)]
    for number in range(combo.count):
        seconds, gaps = [], []
        for step in range(rounds):
            row = _timed(person, "", lambda n=number, s=step: _move(person, n, s), preview)
            seconds += row.seconds
            gaps += row.gaps_ms
        rows.append(Row(f"preview: {combo.itemData(number)}", tuple(seconds), tuple(gaps)))
    person.click("softPreviewButton")
    return rows


def _move(person, method: int, step: int) -> None:
    """The method, and then each time another number that it uses."""
    person.ui("softMethodCombo").currentIndex = method
    for name in ("Gamma", "Radius", "Size", "Sigma"):
        slider = person.ui(f"soft{name}Slider")
        if slider.enabled:
            slider.value = slider.minimum + (0.1 + 0.1 * step) * (slider.maximum - slider.minimum)
    if person.ui("softMethodCombo").currentData == "none":
        person.curation.onDrawingModified()


def _timed(person, what: str, act, preview) -> Row:
    from Testing.SlicerHost.latency import LatencyProbe

    with LatencyProbe() as probe:
        began = time.perf_counter()
        act()
        person.wait(lambda: preview.view.is_shown, PATIENCE_S, "the soft label")
        seconds = time.perf_counter() - began
    assert preview.view.error is None, preview.view.error
    return Row(what, (seconds,), (probe.result.longest_gap_ms,))


def _keeping(person, library: Path, rounds: int) -> list[Row]:
    from Testing.SlicerHost.latency import LatencyProbe

    person.choose_library(library)
    person.log_in("anna")
    person.type("patientEdit", "P1")
    rows = []
    steps = {
        "save a new case": lambda: person.save(),
        "open it": lambda: person.open("sub-P1"),
        "save it again": lambda: person.save(),
    }
    for what, act in steps.items():
        with LatencyProbe() as probe:
            began = time.perf_counter()
            act()
            seconds = time.perf_counter() - began
        rows.append(Row(what, (seconds,), (probe.result.longest_gap_ms,)))
    return rows


if __name__ == "__main__":
    main()
