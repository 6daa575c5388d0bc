"""Result folders of known lesions, and a worker that answers what a test says."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from Testing.MSSoftSeg.people.radiologist import Radiologist

SHAPE_KJI = (20, 30, 40)
CENTERS = ((5, 8, 10), (14, 20, 28))


def matrix_of(origin=(-20.0, -15.0, -10.0)) -> np.ndarray:
    """Voxel (i, j, k) to RAS mm: 1 × 1 × 2 mm."""
    matrix = np.diag([1.0, 1.0, 2.0, 1.0])
    matrix[:3, 3] = origin
    return matrix


def maps_of(centers=CENTERS) -> tuple[np.ndarray, np.ndarray]:
    """Probability and entropy: a cube of 3 voxels about each center (k, j, i), 0.6 in the first, 0.9 in the others."""
    probability = np.zeros(SHAPE_KJI, np.float32)
    for number, (k, j, i) in enumerate(centers):
        probability[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] = 0.6 if number == 0 else 0.9
    return probability, np.where(probability > 0, np.float32(0.3), np.float32(0.0))


def flair_node(name: str = "FLAIR", origin=(-20.0, -15.0, -10.0)):
    """A volume of noise in the scene on the grid of the made results."""
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    rng = np.random.default_rng(1)
    return makeVolumeNode(rng.normal(100, 10, SHAPE_KJI).astype(np.float32), matrix_of(origin), name)


def write_result(
    folder: Path, *, centers=CENTERS, warnings: tuple[str, ...] = (), interval_ml=(0.05, 0.2), lsu=(0.1, 0.2)
) -> Path:
    """What ``segment`` leaves, as far as the panel reads it."""
    from MSSoftSegGUI.scene.volume_files import write_volume

    from MSSoftSegLib.lesion.measurement import Lesion
    from MSSoftSegLib.report.lesion_table import write_lesions_csv

    folder.mkdir(parents=True)
    for name, array in zip(("lesion_probability", "lesion_entropy"), maps_of(centers), strict=True):
        write_volume(array, matrix_of(), folder / f"{name}.nii.gz")
    numbers = range(1, len(centers) + 1)
    lesions = [Lesion(n, 54.0, 50.0, 0.9, 0.8, 0.3, lsu[n - 1], (0.0, 0.0, 0.0), 6.0) for n in numbers]
    write_lesions_csv(folder / "lesions.csv", lesions)
    facts = {
        "threshold": 0.5,
        "min_lesion_mm3": 3.0,
        "lesions": {"volume_interval_ml": list(interval_ml)},
        "model": {"name": "starter", "version": "0.1.0"},
        "device": "cpu",
        "warnings": list(warnings),
    }
    (folder / "result.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


class AnsweringWorker:
    """Takes the place of the worker client: jobs end when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[dict] = []
        self.cancelled: list[str] = []
        self._listeners: list = []

    def submit(self, document, on_event) -> None:
        self.jobs.append(document)
        self._listeners.append(on_event)

    def cancel(self, name: str) -> None:
        self.cancelled.append(name)

    def details(self) -> str:
        return ""

    def tell(self, event: str, number: int = -1, **fields) -> None:
        """Say an event of a job."""
        self._listeners[number]({"event": event, "job": self.jobs[number]["job"], **fields})

    def finish(self, number: int = -1, *, spoil=None, **result) -> None:
        """Job ends well: its result folder is written, handed to ``spoil`` if there is one, and announced."""
        document, listener = self.jobs[number], self._listeners[number]
        folder = write_result(Path(document["spec"]["out"]), **result)
        if spoil is not None:
            spoil(folder)
        summary = {"warnings": list(result.get("warnings", ()))}
        listener({"event": "result", "job": document["job"], "path": str(folder), "summary": summary})


class Visit(Radiologist):
    """A radiologist whose worker answers what the test says."""

    def __init__(self, host) -> None:
        super().__init__(host)
        self.worker = self.workbench.runner._worker = AnsweringWorker()

    @property
    def error(self):
        """The card that the panel shows."""
        return self.workbench.runner.view.error

    def choose(self, flair, case: str = "Anna") -> None:
        """Put an image into the FLAIR slot."""
        self.workbench.exam.choose({"flair": flair.GetID()}, case)

    def start_run(self, flair, case: str = "Anna") -> None:
        """Click Segment and wait until the worker has the job, or the panel says why not."""
        self.choose(flair, case)
        self.click("segmentButton")
        self.wait(lambda: self.workbench.runner.view.phase in ("running", "failed"))

    def segment_made(self, flair, case: str = "Anna", **result):
        """A whole run; the exam."""
        self.start_run(flair, case)
        self.worker.finish(**result)
        self.wait(lambda: self.review.exam is not None)
        return self.review.exam


@contextmanager
def visit(host):
    """A visit in an empty scene; whatever a slot raised fails the test."""
    host.close_scene()
    host.forget_slot_errors()
    person = Visit(host)
    yield person
    host.close_scene()
    person.rest(0.05)
    host.unload_module("MSSoftSeg")
    assert host.slot_errors == []
