"""A rule that several places must follow stands once, and the others import it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from MSSoftSegLib import result_files
from MSSoftSegLib.preprocessing.pipeline import STAGE_SECONDS
from Testing.house.imports import modules

TREES = {name: ast.parse(module.path.read_text(encoding="utf-8")) for name, module in modules().items()}
WORDS_OF_STAGES = "MSSoftSegGUI.worker.stage_titles"


def constants(name: str) -> Iterator[object]:
    return (node.value for node in ast.walk(TREES[name]) if isinstance(node, ast.Constant))


def assigned(name: str) -> Iterator[tuple[str, object]]:
    """Names that a file gives to numbers, alone or several at a time."""
    for node in TREES[name].body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            pairs = (
                zip(target.elts, node.value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                else [(target, node.value)]
            )
            for each, value in pairs:
                if isinstance(each, ast.Name) and isinstance(value, ast.Constant):
                    yield each.id, value.value


@pytest.mark.parametrize(
    ("number", "home"),
    [
        ("MM3_PER_ML", "MSSoftSegLib.exam.units"),
        ("LESION", "MSSoftSegLib.exam.label_values"),
        ("POSSIBLE_LESION", "MSSoftSegLib.exam.label_values"),
        ("POSSIBLE", "nowhere"),
    ],
)
def test_a_number_that_means_something_is_named_in_one_file(number, home):
    homes = [name for name in TREES if any(each == number for each, _ in assigned(name))]
    assert homes == ([] if home == "nowhere" else [home])


def test_files_of_a_result_are_named_in_one_file():
    names = {value for key, value in vars(result_files).items() if key.endswith("_FILE")}
    assert len(names) == 16
    found = {module: sorted(names & set(constants(module))) for module in TREES if names & set(constants(module))}
    assert set(found) == {"MSSoftSegLib.result_files"}, found


def test_stages_of_preprocessing_and_their_seconds_are_listed_in_one_file():
    listed = set()
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict | ast.Tuple | ast.List):
                keys = node.keys if isinstance(node, ast.Dict) else node.elts
                words = {key.value for key in keys if isinstance(key, ast.Constant)}
                if len(words & set(STAGE_SECONDS)) > 1:
                    listed.add(name)
    assert listed == {"MSSoftSegLib.preprocessing.pipeline", WORDS_OF_STAGES}


@pytest.mark.parametrize(
    ("function", "home"),
    [
        ("binary_entropy_nats", "MSSoftSegLib.lesion.uncertainty"),
        ("window_in_use", "MSSoftSegLib.network.window"),
        ("resolve_recipe", "MSSoftSegLib.training.followed_recipe"),
        ("compute_voxel_checksum", "MSSoftSegLib.library.same_exam"),
        ("check_has_inputs", "MSSoftSegLib.network.needed_images"),
    ],
)
def test_a_rule_is_a_function_of_one_file(function, home):
    homes = [
        name
        for name, tree in TREES.items()
        if any(isinstance(node, ast.FunctionDef) and node.name == function for node in ast.walk(tree))
    ]
    assert homes == [home]


def test_only_the_home_of_the_entropy_computes_one():
    uses = [name for name in TREES if any(isinstance(n, ast.Name) and n.id == "entr" for n in ast.walk(TREES[name]))]
    assert uses == ["MSSoftSegLib.lesion.uncertainty"]


def test_only_the_home_of_units_turns_cubic_millimeters_into_milliliters():
    """Whoever divides a volume by a bare thousand has not looked."""
    found = [
        f"{name}: {ast.unparse(node)}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.right, ast.Constant)
        and node.right.value in (1000, 1e-3)
        and "mm3" in ast.unparse(node.left)
    ]
    assert found == []
