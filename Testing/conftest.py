"""Tests never touch the user's own cache, models or jobs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Folders whose tests take minutes are begun first: at the end no process waits for another one.
LONG = (
    "real",
    "campaigns",
    "MSSoftSegLib/study",
    "MSSoftSegLib/training",
    "MSSoftSegLib/jobs",
    "MSSoftSegLib/cli",
    "MSSoftSeg",
)


def pytest_collection_modifyitems(items):
    """Order by folder, each folder's tests as they stand."""
    folders = [HERE / name for name in LONG]

    def rank(item):
        return next((place for place, folder in enumerate(folders) if folder in item.path.parents), len(folders))

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
