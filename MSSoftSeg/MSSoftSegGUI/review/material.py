"""What a review needs: the maps of one result and a few facts, from a result folder or from a saved scene."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from MSSoftSegGUI.review.component_forest import growing_forest
from MSSoftSegGUI.review.live_threshold import LiveThreshold, lowest_threshold
from MSSoftSegGUI.scene.volume_files import read_volume
from MSSoftSegGUI.worker.chunked_work import Work, finish

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

    def lsu_of(self, count: int) -> tuple[float | None, ...]:
        """The LSU of each of so many lesions: None after a single pass, which has nobody to disagree with."""
        low, high = self.volume_interval_ml
        if low == high and not any(self.lsu):
            return (None,) * count
        return self.lsu if len(self.lsu) == count else (1.0,) * count

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


def reading(folder: Path) -> Work[ReviewMaterial]:
    """Read a result folder file by file; ValueError, OSError or RuntimeError where it is incomplete."""
    facts = ReviewFacts.of_result(folder)
    yield
    probability, ras_from_ijk = read_volume(folder / PROBABILITY_FILE)
    yield
    entropy, _ = read_volume(folder / ENTROPY_FILE)
    if entropy.shape != probability.shape:
        raise ValueError(f"{ENTROPY_FILE} and {PROBABILITY_FILE} do not share a grid")
    return ReviewMaterial(probability, entropy, ras_from_ijk, facts)


def preparing(material: ReviewMaterial) -> Work[LiveThreshold]:
    """What makes the slider live for this result."""
    facts = material.facts
    forest = yield from growing_forest(
        material.probability, lowest=lowest_threshold(material.probability, facts.model_threshold)
    )
    yield
    return LiveThreshold(
        material.probability,
        material.entropy,
        min_lesion_mm3=facts.min_lesion_mm3,
        voxel_volume_mm3=material.voxel_volume_mm3,
        model_threshold=facts.model_threshold,
        forest=forest,
    )


def read_material(folder: Path) -> ReviewMaterial:
    """A result folder in one go; errors as ``reading`` has them."""
    return finish(reading(folder))
