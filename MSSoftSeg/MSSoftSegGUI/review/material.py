"""What a review needs: the maps of one result and a few facts, from a result folder or from a saved scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MSSoftSegGUI.scene.review_facts import ReviewFacts
from MSSoftSegGUI.scene.volume_files import read_volume
from MSSoftSegLib.lesion.live.component_forest import grow_forest
from MSSoftSegLib.lesion.live.threshold import LiveThreshold, lowest_threshold
from MSSoftSegLib.result_files import ENTROPY_FILE, PROBABILITY_FILE
from MSSoftSegLib.stepwise import Work, finish


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


def read_in_steps(folder: Path) -> Work[ReviewMaterial]:
    """Read a result folder file by file; ValueError, OSError or RuntimeError where it is incomplete."""
    facts = ReviewFacts.of_result(folder)
    yield
    probability, ras_from_ijk = read_volume(folder / PROBABILITY_FILE)
    yield
    entropy, _ = read_volume(folder / ENTROPY_FILE)
    if entropy.shape != probability.shape:
        raise ValueError(f"{ENTROPY_FILE} and {PROBABILITY_FILE} do not share a grid")
    return ReviewMaterial(probability, entropy, ras_from_ijk, facts)


def prepare(material: ReviewMaterial) -> Work[LiveThreshold]:
    """What makes the slider live for this result."""
    facts = material.facts
    forest = yield from grow_forest(
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
    """A result folder in one go; errors as ``read_in_steps`` has them."""
    return finish(read_in_steps(folder))
