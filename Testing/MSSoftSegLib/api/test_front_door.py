"""``import MSSoftSegLib as mss``: cheap, complete, and told to editors as it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import MSSoftSegLib as mss
from Testing.patience import HANGING_S

SOURCE = Path(mss.__file__)
HEAVY = {"torch", "monai", "itk", "matplotlib", "SimpleITK", "scipy", "numpy", "pydantic", "lightning"}


def loaded_after(code):
    """The heavy packages that a fresh process has loaded after some code."""
    program = f"import sys; {code}; print(*({HEAVY!r} & set(sys.modules)))"
    # Against hanging only: a process that imports nothing is done at once.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=HANGING_S
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_none_of_the_heavy_packages():
    assert loaded_after("import MSSoftSegLib as mss; dir(mss); mss.__version__") == set()


@pytest.mark.parametrize("name", ["read_exam", "read_mask", "make_soft_mask", "measure_case", "Modality"])
def test_what_needs_no_network_loads_no_torch(name):
    assert not loaded_after(f"import MSSoftSegLib as mss; mss.{name}") & {"torch", "monai", "itk", "lightning"}


def test_losses_load_torch_when_they_are_first_asked_for():
    assert "torch" in loaded_after("import MSSoftSegLib as mss; mss.losses.soft_dice_loss")


def shown_to_editors():
    """Name and home of each import that type checkers see in the package's own file."""
    (block,) = (node for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}


def test_editors_are_shown_the_names_that_python_finds_and_where_it_finds_them():
    assert shown_to_editors() == {name: f"MSSoftSegLib.{home}" for name, home in mss.HOME.items()}
    assert sorted(mss.__all__) == sorted([*mss.HOME, "__version__"])


@pytest.mark.parametrize("name", sorted(mss.HOME))
def test_every_name_is_there_and_says_what_it_is_for(name):
    assert name in dir(mss)
    assert len(getattr(mss, name).__doc__) > 40


def test_a_name_that_is_not_there_is_an_attribute_error_as_of_any_module():
    with pytest.raises(AttributeError, match="no attribute 'segmnt'"):
        mss.segmnt  # noqa: B018


def test_all_five_losses_are_in_one_place():
    assert set(mss.losses.__all__) == {
        "adaptive_wing",
        "dice_semimetric",
        "focal_tversky",
        "soft_cross_entropy",
        "soft_dice_loss",
    }
