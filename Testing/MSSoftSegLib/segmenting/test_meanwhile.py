"""What is computed while something else is awaited."""

from __future__ import annotations

import threading
import time

import pytest

from MSSoftSegLib.segmenting.meanwhile import compute_meanwhile


def test_it_is_computed_once_beside_whoever_waits_and_not_before_it_is_asked_for():
    begun, go_on = [], threading.Event()

    def compute():
        begun.append(threading.current_thread())
        go_on.wait(5)
        return "found"

    with compute_meanwhile(compute) as meanwhile:
        assert not begun
        meanwhile.start()
        meanwhile.start()
        go_on.set()
        assert (meanwhile.result(), meanwhile.result()) == ("found", "found")
    assert len(begun) == 1
    assert begun[0] is not threading.current_thread()


def test_what_nobody_started_is_computed_when_it_is_asked_for_and_what_it_raises_is_raised_there():
    def compute():
        raise LookupError("no anatomy")

    with compute_meanwhile(compute) as meanwhile, pytest.raises(LookupError, match="no anatomy"):
        meanwhile.result()


def test_whoever_leaves_early_waits_for_nothing():
    go_on = threading.Event()
    started = time.monotonic()
    with compute_meanwhile(lambda: go_on.wait(5)) as meanwhile:
        future = meanwhile.start()
    assert time.monotonic() - started < 4
    assert not future.done()
    go_on.set()
