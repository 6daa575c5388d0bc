"""Tests never touch the user's own cache or models."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def folders_of_their_own(tmp_path_factory):
    """Cache and models in a temporary folder for the whole run; single tests may set others."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MSSOFTSEG_CACHE", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("MSSOFTSEG_MODELS", str(tmp_path_factory.mktemp("models")))
    yield
    patch.undo()
