"""Tests never touch the user's own cache, models or jobs, and say the same on every machine."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from Testing.campaigns.record import CAMPAIGN
from Testing.slow import is_slow

HERE = Path(__file__).parent
# What takes minutes is begun first: at the end no process waits for another one. Exams are preprocessed before they are
# segmented, which finds them in the cache.
LONG = (
    "real/test_preprocessing_real_exams.py",
    "campaigns",
    "MSSoftSegLib/study",
    "MSSoftSegLib/training",
    "real",
    "MSSoftSegLib/jobs",
    "MSSoftSegLib/cli",
    "MSSoftSeg",
)

# No deadline: a busy machine is not a fault. The same examples each time, so that what passes here passes there; campaigns draw
# new ones, and a fault that they find is kept beside its test with @example.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.register_profile("campaign", deadline=None, print_blob=True)
hypothesis.settings.load_profile("campaign" if CAMPAIGN else "suite")


def pytest_collection_modifyitems(items):
    """Mark what is slow; order by folder, each folder's tests as they stand."""
    for item in items:
        if is_slow(item.path, getattr(item, "fixturenames", [])):
            item.add_marker(pytest.mark.slow)
    places = [HERE / name for name in LONG]

    def rank(item):
        above = {item.path, *item.path.parents}
        return next((number for number, place in enumerate(places) if place in above), len(places))

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def folders_of_their_own(tmp_path_factory):
    """Cache, models and jobs in a temporary folder for the whole run; single tests may set others. Parallel processes share the
    cache, as parallel runs of a user do."""
    patch = pytest.MonkeyPatch()
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    patch.setenv("MSSOFTSEG_CACHE", str(shared / "cache"))
    patch.setenv("MSSOFTSEG_MODELS", str(tmp_path_factory.mktemp("models")))
    patch.setenv("MSSOFTSEG_JOBS", str(tmp_path_factory.mktemp("long") / "jobs"))
    yield
    patch.undo()
