"""What a review needs: the maps of one result and a few facts, from a result folder or from a saved scene."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from MSSoftSegGUI.volume_files import read_volume

PROBABILITY_FILE, ENTROPY_FILE, FACTS_FILE = "lesion_probability.nii.gz", "lesion_entropy.nii.gz", "result.json"
TABLE_FILE, REPORT_FILE = "lesions.csv", "report.html"


@dataclass(frozen=True)
class ReviewFacts:
    """What is not in the maps. lsu: lesion structural uncertainty of the lesions at model_threshold, lesion 1 first.

    volume_interval_ml: smallest and largest volume over the members at model_threshold.
    """

    model_threshold: float
    min_lesion_mm3: float
    lsu: tuple[float, ...]
    volume_interval_ml: tuple[float, float]
    model: str = ""
    device: str = ""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As text for the parameter node."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ReviewFacts:
        """Read again; ValueError where the text is damaged."""
        try:
            document = json.loads(text)
            low, high = document["volume_interval_ml"]
            return cls(
                model_threshold=float(document["model_threshold"]),
                min_lesion_mm3=float(document["min_lesion_mm3"]),
                lsu=tuple(float(value) for value in document["lsu"]),
                volume_interval_ml=(float(low), float(high)),
                model=str(document["model"]),
                device=str(document["device"]),
                warnings=tuple(str(warning) for warning in document["warnings"]),
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"the facts of the result cannot be read: {problem}") from None

    @classmethod
    def of_result(cls, folder: Path) -> ReviewFacts:
        """The facts in a result folder; ValueError or OSError where it is not one."""
        from MSSoftSegLib.report.lesion_table import read_lesions_csv

        try:
            result = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
            low, high = result["lesions"]["volume_interval_ml"]
            model = result["model"]
            return cls(
                model_threshold=float(result["threshold"]),
                min_lesion_mm3=float(result["min_lesion_mm3"]),
                lsu=tuple(lesion.lsu for lesion in read_lesions_csv(folder / TABLE_FILE)),
                volume_interval_ml=(float(low), float(high)),
                model=f"{model['name']} {model['version']}",
                device=str(result["device"]),
                warnings=tuple(result["warnings"]),
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"{FACTS_FILE} is not one of this version: {problem}") from None


@dataclass(frozen=True, eq=False)
class ReviewMaterial:
    """probability (0–1) and entropy (nats): float32 (k, j, i) on one grid; ras_from_ijk: its 4×4 matrix, mm."""

    probability: np.ndarray
    entropy: np.ndarray
    ras_from_ijk: np.ndarray
    facts: ReviewFacts

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(abs(np.linalg.det(self.ras_from_ijk[:3, :3])))


class MaterialReader:
    """Reads a result folder file by file, so that the event loop gets its turn between the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._steps: list[Callable[[], None]] = [self._read_facts, self._read_probability, self._read_entropy]
        self.material: ReviewMaterial | None = None

    def step(self) -> bool:
        """Read one more file; True while there is more to read. ``material`` is there when it returns False."""
        if self._steps:
            self._steps.pop(0)()
        return bool(self._steps)

    def _read_facts(self) -> None:
        self._facts = ReviewFacts.of_result(self._folder)

    def _read_probability(self) -> None:
        self._probability, self._ras_from_ijk = read_volume(self._folder / PROBABILITY_FILE)

    def _read_entropy(self) -> None:
        entropy, _ = read_volume(self._folder / ENTROPY_FILE)
        if entropy.shape != self._probability.shape:
            raise ValueError(f"{ENTROPY_FILE} and {PROBABILITY_FILE} do not share a grid")
        self.material = ReviewMaterial(self._probability, entropy, self._ras_from_ijk, self._facts)


def read_material(folder: Path) -> ReviewMaterial:
    """A result folder in one go; ValueError, OSError or RuntimeError where it is incomplete."""
    reader = MaterialReader(folder)
    while reader.step():
        pass
    assert reader.material is not None
    return reader.material
