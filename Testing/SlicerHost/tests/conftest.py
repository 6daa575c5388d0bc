"""One host for the whole run; every test starts with an empty scene and must leave no failed slot behind."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def session_host():
    from Testing.SlicerHost import start

    return start()


@pytest.fixture
def host(session_host):
    session_host.close_scene()
    session_host.forget_slot_errors()
    yield session_host
    errors = list(session_host.slot_errors)
    session_host.forget_slot_errors()
    assert not errors, f"slots failed: {errors}"


@pytest.fixture
def slicer(host):
    import slicer

    return slicer


@pytest.fixture
def qt(host):
    import qt

    return qt


@pytest.fixture
def ctk(host):
    import ctk

    return ctk
