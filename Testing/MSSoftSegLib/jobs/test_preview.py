"""The first answer: two files that are whole when the event names them, and gone when the job is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from MSSoftSegLib.errors import DiskFull, JobCancelled
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_map, read_mask
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import predict_members
from MSSoftSegLib.jobs.events import Reporter
from MSSoftSegLib.jobs.segment import preview

GRID = Grid((4, 3, 2), (1.0, 1.0, 2.5), (5.0, -3.0, 8.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def probability():
    values = np.zeros((2, 3, 4), np.float32)
    values[0, 0, :2], values[1, 2, 3] = 0.5, 0.9
    return GRID.image(values)


def reporter(events):
    return Reporter("j", {"inference": 1.0}, events.append)


def test_the_event_names_whole_files_that_follow_the_rules_of_the_last_answer():
    events = []
    with preview.open_preview(reporter(events), wanted=True) as show:
        show(probability(), 0.5, 3.0)
        (event,) = events
        folder = Path(event["path"])
        shown = read_map(folder / preview.PROBABILITY_FILE, probability())
        mask = read_mask(folder / preview.MASK_FILE, probability())
        assert np.array_equal(voxels(shown), voxels(probability()))
        # Two voxels of 2.5 mm³ are a lesion of at least 3 mm³, one is none.
        assert np.argwhere(voxels(mask)).tolist() == [[0, 0, 0], [0, 0, 1]]
    assert event == {
        "event": "preview",
        "job": "j",
        "path": str(folder),
        "summary": {"volume_ml": 0.005, "threshold": 0.5},
    }
    assert not folder.exists()


def test_a_job_that_ends_badly_leaves_no_preview():
    events = []

    def job():
        with preview.open_preview(reporter(events), wanted=True) as show:
            show(probability(), 0.5, 3.0)
            raise JobCancelled

    with pytest.raises(JobCancelled):
        job()
    assert not Path(events[0]["path"]).exists()


def test_a_preview_that_cannot_be_written_is_left_out_and_the_job_goes_on(monkeypatch):
    def full(images):
        raise DiskFull("no space left", remedy="free some")

    monkeypatch.setattr(preview, "write_images", full)
    events = []
    with preview.open_preview(reporter(events), wanted=True) as show:
        show(probability(), 0.5, 3.0)
    assert events == []


def test_nobody_who_did_not_ask_is_shown_anything():
    events = []
    with preview.open_preview(reporter(events), wanted=False) as show:
        show(probability(), 0.5, 3.0)
    assert events == []


@pytest.mark.parametrize(("tta", "expected"), [("flips8", [1]), ("none", [])])
def test_the_first_look_is_shown_before_the_second_and_only_where_there_is_one(tta, expected):
    class Counting(torch.nn.Module):
        looks = 0

        def forward(self, images):
            self.looks += 1
            return images[:, :1]

    network, shown = Counting(), []
    predict_members(
        [network],
        torch.ones(1, 3, 4, 4, 4),
        tta=tta,
        temperature=1.0,
        device=Device(torch.device("cpu"), torch.float32),
        first=lambda member: shown.append(network.looks),
    )
    assert shown == expected
