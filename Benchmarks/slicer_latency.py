"""How long the panel in Slicer keeps its user waiting: the event loop while a run goes on, and the threshold slider.

    python Benchmarks/slicer_latency.py [--patient small|clinical|isotropic]

On SlicerHost, with the real worker and the model that ships; views are drawn by VTK without a graphics card. The run: a
digital patient, test-time augmentation off. The slider: 50 and 300 made lesions on 182 × 218 × 182 voxels of 1 mm, dragged from
end to end; a step ends when table, numbers and all slice views show the new threshold.
"""

from __future__ import annotations

import argparse
import os
import platform
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
RESULT = Path(__file__).parent / "results" / "slicer_latency.md"
BRAIN_SHAPE = (182, 218, 182)
STEPS, LIMIT_MS = 61, 100.0
# How many made lesions, and how large they are at most: 300 large ones would be one.
LESIONS_MM = {50: 6.0, 300: 3.0}
PHASES = {"preparing": "handing the images over", "running": "the worker runs", "done": "opening the result"}


@dataclass(frozen=True)
class Row:
    """One line of the table. times_ms: by the clock; busy_ms: the program's processor time in the same spans."""

    what: str
    times_ms: tuple[float, ...]
    busy_ms: tuple[float, ...]

    def text(self) -> str:
        """As a line of Markdown."""
        if not self.times_ms:
            return f"| {self.what} | 0 | – | – | – | – | – | – |"
        times, busy = np.array(self.times_ms), np.array(self.busy_ms)
        numbers = [f"{n:.0f}" for values in (times, busy) for n in (np.median(values), values.max())]
        late = [str(int((values > LIMIT_MS).sum())) for values in (times, busy)]
        return " | ".join([f"| {self.what}", str(len(times)), *numbers, *late]) + " |"


def _clock() -> np.ndarray:
    """Milliseconds on the clock, and of this program on processors."""
    return 1000 * np.array((time.perf_counter(), time.process_time()))


def main() -> None:
    """Measure, write the table, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patient", choices=("small", "clinical", "isotropic"), default="isotropic")
    chosen = parser.parse_args()
    from Testing.MSSoftSeg.people.radiologist import Radiologist
    from Testing.SlicerHost import start

    host = start()
    with tempfile.TemporaryDirectory(prefix="mssoftseg-latency-") as scratch:
        os.environ["MSSOFTSEG_CACHE"] = str(Path(scratch) / "cache")
        reader = Radiologist(host)
        size, run_s, run = _run(reader, Path(scratch) / "exam", chosen.patient)
        host.close_scene()
        slider = []
        for lesions in LESIONS_MM:
            slider += _slider(reader, Path(scratch) / f"made{lesions}", lesions)
            host.close_scene()
        host.unload_module("MSSoftSeg")
    table = _table(size, run_s, [*run, *slider])
    RESULT.write_text(table, encoding="utf-8")
    sys.stdout.write(table)


def _run(reader, folder: Path, patient: str) -> tuple[str, float, list[Row]]:
    """Gaps between ticks of a 10 ms timer, by what was going on; FLAIR's size; seconds of the run."""
    from MSSoftSegLib.phantom import digital_patient
    from MSSoftSegLib.phantom.patient_files import write_digital_patient
    from Testing.SlicerHost.latency import LatencyProbe

    settings = {"small": "SMALL_SETTINGS", "clinical": "DEMO_SETTINGS", "isotropic": "ISOTROPIC_SETTINGS"}[patient]
    made = digital_patient.make_digital_patient(seed=1, settings=getattr(digital_patient, settings))
    reader.load_exam(write_digital_patient(made, folder))
    reader.be_quick()
    reader.rest(1.0)
    runner, began = reader.workbench.runner, time.perf_counter()
    changes: list[tuple[float, str]] = []
    show = runner._show

    def listen(view):
        if not changes or changes[-1][1] != view.phase:
            changes.append((time.perf_counter() - began, view.phase))
        show(view)

    runner._show = listen
    with LatencyProbe() as probe:
        offset = time.perf_counter() - began
        reader.click("segmentButton")
        reader.wait(lambda: not runner.view.is_running, "the end of the run")
        ended = time.perf_counter() - began
        reader.wait(lambda: reader.review.exam is not None, "the result")
        reader.wait(lambda: bool(reader.view.rows), "the table")
        reader.rest(1.0)
    assert runner.view.phase == "done", runner.view.error
    found = probe.result
    rows = []
    for phase, title in PHASES.items():
        chosen = _of_phase(found.gaps_ms, offset, changes, phase)
        spans = (tuple(float(v) for v in np.array(values)[chosen]) for values in (found.gaps_ms, found.busy_ms))
        rows.append(Row(f"event loop: {title}", *spans))
    return " × ".join(str(each) for each in _shape(reader)), ended, rows


def _of_phase(gaps_ms, offset: float, changes, phase: str) -> np.ndarray:
    """Which gaps belong to a phase: to that in which they began."""
    ends = offset + np.cumsum(gaps_ms) / 1000
    starts = ends - np.array(gaps_ms) / 1000
    times = [when for when, _ in changes]
    number = np.maximum(np.searchsorted(times, ends, side="right") - 1, 0)
    began_in = np.maximum(np.searchsorted(times, starts, side="right") - 1, 0)
    # A result is opened in the very event that ends the run.
    at_end = np.array([changes[n][1] for n in number])
    at_start = np.array([changes[n][1] for n in began_in])
    return np.where(at_end == "done", at_end, at_start) == phase


def _shape(reader) -> tuple[int, ...]:
    return reader.review.exam.flair.GetImageData().GetDimensions()


def _slider(reader, folder: Path, lesions: int) -> list[Row]:
    """The time from each move of the handle to the last repaint."""
    from Testing.SlicerHost.pythonqt import unwrap

    rows = [_show_made_result(reader, folder, lesions)]
    name = f"slider, {lesions} lesions"
    slider = unwrap(reader.ui("thresholdSlider"))
    handle = slider._slider
    span = slider.maximum - slider.minimum
    for title in ("slices, numbers and table", "the same while the surface is shown"):
        if len(rows) > 1:
            reader.click("surfaceButton")
            reader.rest(2.0)
        times = []
        handle.setSliderDown(True)
        for threshold in np.linspace(slider.minimum, slider.maximum, STEPS):
            began = _clock()
            handle.setValue(round((threshold - slider.minimum) / span * handle.maximum()))
            reader.host.process_events()
            times.append(_clock() - began)
        rows.append(Row(f"{name}: {title}", *(tuple(column) for column in np.array(times[1:]).T)))
        began = _clock()
        handle.setValue(handle.maximum() // 2)
        handle.setSliderDown(False)
        reader.host.process_events()
        let_go = _clock() - began
    return [*rows, Row(f"{name}, let go: the surface follows", (let_go[0],), (let_go[1],))]


def _show_made_result(reader, folder: Path, lesions: int) -> Row:
    """A FLAIR image with a result folder of made lesions, opened as any result is; what the event loop had to bear."""
    from Testing.SlicerHost.latency import LatencyProbe

    result = _write_made_result(reader, folder, lesions)
    with LatencyProbe() as probe:
        reader.workbench.showResult(result)
        reader.wait(lambda: bool(reader.view.rows), "the made result")
        reader.rest(1.0)
    return Row(f"event loop: opening {lesions} made lesions", probe.result.gaps_ms, probe.result.busy_ms)


def _write_made_result(reader, folder: Path, lesions: int) -> Path:
    """Load the FLAIR image; the result folder."""
    import SimpleITK as sitk

    from MSSoftSegLib.lesion.segmentation import segment_lesions
    from MSSoftSegLib.lesion.uncertainty import combine
    from MSSoftSegLib.report.lesion_table import write_lesions_csv
    from Testing.MSSoftSeg.stand_ins.made_maps import lesion_map

    probability, _ = lesion_map(BRAIN_SHAPE, lesions=lesions, largest_mm=LESIONS_MM[lesions])
    maps = combine([sitk.GetImageFromArray(probability)])
    found = segment_lesions(maps, threshold=0.5, min_lesion_mm3=3.0)
    exam, result = folder / "Made", folder / "result"
    exam.mkdir(parents=True)
    result.mkdir()
    noise = np.random.default_rng(0).normal(0, 10, BRAIN_SHAPE)
    flair = (200 + 200 * probability + noise).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(flair), str(exam / "FLAIR.nii.gz"))
    sitk.WriteImage(maps.probability, str(result / "lesion_probability.nii.gz"))
    sitk.WriteImage(maps.entropy, str(result / "lesion_entropy.nii.gz"))
    write_lesions_csv(result / "lesions.csv", found.lesions)
    (result / "result.json").write_text(
        '{"threshold": 0.5, "min_lesion_mm3": 3.0, "device": "cpu", "warnings": [], '
        '"model": {"name": "made", "version": "1"}, "lesions": {"volume_interval_ml": [1.0, 2.0]}}',
        encoding="utf-8",
    )
    reader.load_exam(exam)
    reader.rest(1.0)
    return result


def _table(size: str, run_s: float, rows: list[Row]) -> str:
    lines = [
        "# How long the panel keeps its user waiting",
        "",
        f"`python Benchmarks/slicer_latency.py` on SlicerHost, {platform.machine()}, views drawn without a graphics card.",
        f"The run: FLAIR of {size} voxels with T1 and T2, {run_s:.0f} s, real worker and model. The slider:",
        f"{' and '.join(map(str, LESIONS_MM))} made lesions on {' × '.join(map(str, BRAIN_SHAPE))} voxels of 1 mm,",
        f"{STEPS - 1} steps from end to end.",
        "Event loop: gaps between ticks of a 10 ms timer. Times in ms; “work” is the program's processor time with all that",
        "VTK draws, which other programs do not lengthen as they do the clock's.",
        f"Load when it ended: {os.getloadavg()[0]:.0f} on {os.cpu_count()} processors.",
        "",
        "| | n | median | longest | median work | longest work | > 100 ms | > 100 ms work |",
        "|---|---|---|---|---|---|---|---|",
        *(row.text() for row in rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
