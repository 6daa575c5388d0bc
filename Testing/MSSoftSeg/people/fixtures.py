"""The people of the tests as fixtures, loaded by ``Testing/MSSoftSeg/conftest.py``: ask for one by name and she is at work.

Each begins in an empty scene, and whatever a slot raised while she worked fails the test.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def host():
    """The one host of this process; started once, and only where a test wants it."""
    from Testing.SlicerHost import start

    return start()


@pytest.fixture
def radiologist(host):
    """A radiologist with a worker of her own, which starts when she first needs it."""
    from Testing.MSSoftSeg.people.radiologist import at_work

    with at_work(host) as person:
        yield person


@pytest.fixture
def reader(host):
    """A radiologist whose worker answers what the test says."""
    from Testing.MSSoftSeg.stand_ins.made_results import visit

    with visit(host) as person:
        yield person


@pytest.fixture(scope="module")
def curator(host):
    """Who corrects, approves and keeps cases, with a real worker for short jobs; one for all tests of a file."""
    from Testing.MSSoftSeg.people.curator import at_work

    with at_work(host) as person:
        yield person
