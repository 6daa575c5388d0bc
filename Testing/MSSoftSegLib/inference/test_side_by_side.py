"""Looks side by side show what they show one after the other."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from MSSoftSegLib.errors import OutOfMemory
from MSSoftSegLib.inference import side_by_side, whole_volume
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import predict_members
from MSSoftSegLib.inference.side_by_side import look_side_by_side
from MSSoftSegLib.network.dynunet import DynUNet

CPU = Device(torch.device("cpu"), torch.float32)
VIEWS = (1, 2, 3, 4, 5)


@pytest.fixture(autouse=True)
def two_processors():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def looked(look, views=VIEWS):
    return list(look_side_by_side(look, views, [torch.nn.Identity()], torch.zeros(1, 1, 4, 4, 4), CPU))


def test_members_are_those_of_one_pass_after_the_other(monkeypatch):
    torch.manual_seed(0)
    network = DynUNet(input_channels=1, filters=(4, 6, 8), deep_supervision=False).eval()
    images = torch.randn(1, 1, 16, 20, 24)
    arguments = {"tta": "flips8", "temperature": 1.0, "device": CPU}
    beside = predict_members([network], images, **arguments)
    monkeypatch.setattr(side_by_side, "MOST", 1)
    after = predict_members([network], images, **arguments)
    assert len({float(member.sum()) for member in after}) == 8, "every flip has an answer of its own"
    for one, other in zip(beside, after, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_answers_come_in_the_order_of_the_views_from_two_threads_of_one_processor_each():
    together, threads = threading.Barrier(2, timeout=5), {}

    def look(view, pieces):
        if view <= 2:
            together.wait()  # broken, and an error, if one were done after the other
        threads[threading.current_thread()] = torch.get_num_threads()
        return torch.tensor([view, pieces])

    assert [answer.tolist() for answer in looked(look)] == [[view, 1] for view in VIEWS]
    assert list(threads.values()) == [1, 1]


def test_a_look_that_finds_no_memory_is_repeated_alone_and_may_be_cut_up():
    inside, alone = [], []

    def look(view, pieces):
        inside.append(view)
        try:
            if view == 2 and pieces == 1:
                raise OutOfMemory("no room", remedy="none")
            if pieces is None:
                alone.append((view, inside.copy()))
            return torch.tensor(view)
        finally:
            inside.remove(view)

    assert [int(answer) for answer in looked(look)] == list(VIEWS)
    assert alone == [(2, [2])]


def test_where_memory_has_room_for_one_pass_they_are_done_one_after_the_other(monkeypatch):
    monkeypatch.setattr(whole_volume, "BYTES_PER_VOXEL", 10**12)
    seen = []

    def look(view, pieces):
        seen.append((view, pieces, threading.current_thread() is threading.main_thread()))
        return torch.tensor(view)

    looked(look)
    assert seen == [(view, None, True) for view in VIEWS]


def test_whoever_stops_listening_stops_the_looks_that_have_not_begun():
    begun = []

    def look(view, pieces):
        begun.append(view)
        time.sleep(0.01)
        return torch.tensor(view)

    views = tuple(range(200))
    answers = look_side_by_side(look, views, [torch.nn.Identity()], torch.zeros(1, 1, 4, 4, 4), CPU)
    next(answers)
    answers.close()
    count = len(begun)
    assert count < len(views)
    assert len(begun) == count
