"""``result.json``: the keys that others rely on, and nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from MSSoftSegLib.report.result import Result
from Testing.MSSoftSegLib.report.made_up import LPS, block, grid_around_origin, result_of, segmentation_of

GRID = grid_around_origin(LPS, (10.0, 10.0, 10.0))


def result() -> Result:
    return result_of(segmentation_of(GRID, block(GRID, (0, 0, 0), 25)))


def test_the_keys_of_version_1_are_there() -> None:
    facts = json.loads(result().model_dump_json())
    assert facts["schema_version"] == 1
    assert facts["research_use_only"] is True
    promised = {"software", "inputs", "reference_modality", "model", "device", "tta", "threshold", "lesions"}
    assert promised | {"uncertainty", "stages", "peak_memory_mb", "warnings"} <= set(facts)
    assert set(facts["software"]) == {"version", "python", "torch"}
    assert set(facts["inputs"][0]) == {"modality", "path_name", "sha256", "shape", "spacing_mm", "orientation"}
    assert set(facts["model"]) == {"name", "version", "sha256", "recipe"}
    assert set(facts["lesions"]) == {"count", "volume_ml", "soft_volume_ml", "volume_interval_ml"}
    assert set(facts["uncertainty"]) == {"mean_entropy_in_lesions", "psu"}
    assert facts["stages"][0] == {"name": "alignment", "seconds": 2.25}


def test_a_result_reads_back_equal_and_cannot_be_changed() -> None:
    once = result()
    assert Result.model_validate_json(once.model_dump_json()) == once
    with pytest.raises(ValidationError, match="frozen"):
        once.device = "cuda"  # type: ignore[misc]


def test_an_unknown_key_is_refused_by_name() -> None:
    facts = json.loads(result().model_dump_json())
    with pytest.raises(ValidationError, match="patient_name"):
        Result.model_validate({**facts, "patient_name": "x"})


def test_no_lesions_make_the_mean_entropy_null() -> None:
    empty = result_of(segmentation_of(GRID, np.zeros(GRID.size[::-1], bool)))
    assert json.loads(empty.model_dump_json())["uncertainty"] == {"mean_entropy_in_lesions": None, "psu": 0.0}
