"""Small cases, written and prepared once for all tests of this folder."""

from __future__ import annotations

import pytest

from MSSoftSegLib.training.data.prepared import prepare_cases

from ..small_cases import write_small_cases
from .recipes import small_recipe


@pytest.fixture(scope="session")
def labeled(tmp_path_factory):
    """Three labelled cases, as files; nobody changes them."""
    return write_small_cases(tmp_path_factory.mktemp("labelled"), 3, seed=5)


@pytest.fixture(scope="session")
def prepared(labeled, tmp_path_factory):
    """The same three, prepared for ``small_recipe()``."""
    return prepare_cases(labeled, small_recipe(), tmp_path_factory.mktemp("prepared"))
