"""JSON of anybody's that is nested thousands of levels deep: refused like any other damaged file, wherever one is read."""

from __future__ import annotations

import json

import pytest

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.jobs.softmask.soft_label_sidecar import read_softening
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits
from MSSoftSegLib.region.own_labels import _read_table
from MSSoftSegLib.report.metrics_document import read_metrics
from MSSoftSegLib.training.data.prepared_case import read_prepared

DEEP = "[" * 50_000 + "]" * 50_000


@pytest.mark.parametrize("content", [DEEP, DEEP.encode()])
def test_what_is_nested_beyond_all_use_is_a_value_error(content):
    with pytest.raises(ValueError, match="too deeply"):
        parse_json(content)


def test_json_is_read_also_behind_a_byte_order_mark():
    assert parse_json(json.dumps({"a": [1]}).encode("utf-16")) == {"a": [1]}


def test_a_result_of_evaluate_that_is_nested_beyond_all_use_is_refused(tmp_path):
    (tmp_path / "metrics.json").write_text(DEEP)
    with pytest.raises(RequestError, match="is no result of evaluate"):
        read_metrics(tmp_path)


def test_a_table_of_regions_that_is_nested_beyond_all_use_is_refused(tmp_path):
    (tmp_path / "numbers.json").write_text(DEEP)
    with pytest.raises(RequestError, match="is no table of regions"):
        _read_table(tmp_path / "numbers.json")


def test_a_sidecar_that_is_nested_beyond_all_use_says_nothing(tmp_path):
    (tmp_path / "soft.json").write_text(DEEP)
    assert read_softening(tmp_path / "soft.nii.gz") == (None, ())


def test_a_prepared_case_whose_facts_are_nested_beyond_all_use_is_prepared_anew(tmp_path):
    (tmp_path / "prepared.json").write_text(DEEP)
    assert read_prepared(tmp_path, "") is None


def test_edits_that_are_nested_beyond_all_use_are_refused():
    with pytest.raises(ValueError, match="cannot be read"):
        ManualEdits.from_json(DEEP, (2, 2, 2))
