"""How long the soft label preview in Slicer takes to follow, by method, and how long saving and opening a case hold the panel.

    python Benchmarks/soft_label_latency.py [--rounds N]

On SlicerHost with the real desk worker: 50 made lesions on a FLAIR image of 182 × 218 × 182 voxels of 1 mm. A preview is timed
from the move of a control (its rest of 0.25 s included) to the new soft mask in the views. Event loop: the longest gap between
ticks of a 10 ms timer in that time; it is what a hand feels. Work is processor time, which other programs do not lengthen as
they do the clock's: on a machine with nothing else to do an answer takes about the rest, the panel's work and the worker's.
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
import psutil

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "MSSoftSeg")]
RESULT = Path(__file__).parent / "results" / "soft_label_latency.md"
BRAIN_SHAPE = (182, 218, 182)
# As in soft_label_presenter, which is imported when the host is there.
LESIONS, REST_S = 50, 0.25


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds by the clock, the longest gap of each, and the work of panel and worker in seconds."""

    what: str
    seconds: tuple[float, ...]
    gaps_ms: tuple[float, ...]
    work_s: tuple[tuple[float, float], ...]

    def text(self) -> str:
        """As a line of Markdown."""
        panel, worker = (max(column) for column in zip(*self.work_s, strict=True))
        alone = max(sum(each) for each in self.work_s) + (REST_S if self.what.startswith("preview") else 0.0)
        clock = f"{np.median(self.seconds):.2f} | {max(self.seconds):.2f} | {max(self.gaps_ms):.0f}"
        return f"| {self.what} | {len(self.seconds)} | {clock} | {panel:.2f} | {worker:.2f} | {alone:.2f} |"


def main() -> None:
    """Measure, write the table, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    from Testing.MSSoftSeg.people.curator import at_work
    from Testing.SlicerHost import start

    with tempfile.TemporaryDirectory(prefix="mssoftseg-latency-") as scratch, at_work(start()) as person:
        _draw(person)
        rows = _previews(person, rounds)
        rows += _keeping(person, Path(scratch) / "library")
    load = os.getloadavg()[0]
    table = "\n".join(
        [
            "# How long the soft label and the library keep their user waiting",
            "",
            f"`python Benchmarks/soft_label_latency.py --rounds {rounds}`: {LESIONS} made lesions on "
            f"{' × '.join(map(str, reversed(BRAIN_SHAPE)))} voxels of 1 mm,",
            "real desk worker, on SlicerHost. Seconds from the click or the move of a control until it is seen, by the clock;",
            "longest block: of the event loop; work: processor time, the largest of the rounds, as is the last column: what is",
            "left on a machine with nothing else to do.",
            f"Load when it ended: {load:.0f} on {os.cpu_count()} processors.",
            "",
            "| | n | median s | longest s | longest block, ms | panel's work, s | worker's work, s | rest and work, s |",
            "|---|---|---|---|---|---|---|---|",
            *(row.text() for row in rows),
            "",
        ]
    )
    RESULT.write_text(table, encoding="utf-8")
    sys.stdout.write(table)


def _draw(person) -> None:
    """A FLAIR image with a drawing on it, made without any model."""
    from MSSoftSegGUI.scene.segmentation_node import writeLabels
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    from Testing.MSSoftSeg.stand_ins.made_maps import lesion_map

    probability, _ = lesion_map(BRAIN_SHAPE, lesions=LESIONS, largest_mm=6.0)
    noise = np.random.default_rng(0).normal(0, 10, BRAIN_SHAPE)
    matrix = np.eye(4)
    matrix[:3, 3] = (-90.0, -126.0, -72.0)
    flair = makeVolumeNode((200 + 200 * probability + noise).astype(np.float32), matrix, "FLAIR")
    person.choose(flair, "Made")
    person.click("drawButton")
    exam = person.curation.exam()
    writeLabels(exam.segmentation, (probability > 0.5).astype(np.uint8), exam.flair)


def _previews(person, rounds: int) -> list[Row]:
    preview, combo = person.curation.softLabel, person.ui("softMethodCombo")
    rows = [_timed(person, "the first preview: the worker starts", lambda: person.click("softPreviewButton"), preview)]
    for number in range(combo.count):
        found = [_timed(person, "", lambda n=number, s=step: _move(person, n, s), preview) for step in range(rounds)]
        columns = [sum((getattr(row, name) for row in found), ()) for name in ("seconds", "gaps_ms", "work_s")]
        rows.append(Row(f"preview: {combo.itemData(number)}", *columns))
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
    def shown() -> None:
        act()
        person.wait(lambda: preview.view.is_shown, "the soft label")

    row = _measured(person, what, shown)
    assert preview.view.error is None, preview.view.error
    return row


def _measured(person, what: str, act) -> Row:
    from Testing.SlicerHost.latency import LatencyProbe

    with LatencyProbe() as probe:
        began, panel, worker = time.perf_counter(), time.process_time(), _worker_s(person)
        act()
        seconds = time.perf_counter() - began
        work = (time.process_time() - panel, _worker_s(person) - worker)
    return Row(what, (seconds,), (probe.result.longest_gap_ms,), (work,))


def _worker_s(person) -> float:
    """Processor time of the desk worker so far."""
    process = person.workbench.quickWorker._process
    if process is None or not process.is_running:
        return 0.0
    times = psutil.Process(int(process._process.processId())).cpu_times()
    return times.user + times.system


def _keeping(person, library: Path) -> list[Row]:
    person.choose_library(library)
    person.log_in("anna")
    person.type("patientEdit", "P1")
    steps = {
        "save a new case": lambda: person.save(),
        "open it": lambda: person.open("sub-P1"),
        "save it again": lambda: person.save(),
    }
    return [_measured(person, what, act) for what, act in steps.items()]


if __name__ == "__main__":
    main()
