"""What a function is called: what acts begins with a verb, what only computes a quantity bears the quantity's name.

``volume_ml``, ``entropy_nats``, ``soft_dice_loss`` compute. ``write_report``, ``check_grid``, ``find_resources`` act: they return
nothing, or a place on the disk, or last as long as a block, or touch files. A command's function bears the command's name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import typer

from MSSoftSegLib.cli.main import app
from Testing.house.imports import modules


def listed(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


VERBS = listed(
    """
    acquire add align apply attach bring build call cancel carry chain change check choose clean close collate
    combine commit compare compose compute copy correct count create crop cut decide decode describe download draft
    draw dress encode end ensure estimate evaluate examine expect explain export extract fill find fingerprint
    finish fit flatten follow forget format freeze fuse gather grow guard guess hide hold identify import install
    interpolate invert join judge jump keep kill label launch lay leave list load lock make map match measure merge
    move name normalize note offer open orient pad pair parse place plan plant pool predict preflight prepare
    preprocess probe process promote protect put quiet raise rank read recall recognize record refine refuse
    register relay remember remove render replace report request require resample resolve resume run sample save say
    score search segment select send set show silence sort space split stack stage start step store strip subdivide
    suggest summarize synthesize take thin train turn validate verify view wait watch widen window withhold write
    """
)
# Questions that are answered by yes or no.
QUESTIONS = frozenset({"fits", "gives", "has", "have", "is", "looks", "matches"})
# The panel's ``tr`` is Slicer's own name, ``main`` is Python's.
CUSTOMARY = frozenset({"main", "tr"})
# Participles that are part of a term of the field, or say of which quantity a number is.
TERMS = frozenset(
    {
        "expected_calibration_error",
        "modified_z",
        "normalized_dice",
        "normalized_relu",
        "paired_difference",
        "squared_distance_mm2",
        "weighted_mean",
    }
)
# What a call could not be read by: told(choice), within(x), as_text(x), why_not(part).
IRREGULAR_PARTICIPLES = listed(
    """
    begun built chosen done drawn fallen felt found given grown held hidden kept known left lost made meant met said
    seen shown shut sold spoken sunk taken told understood won written
    """
)
SMALL_WORDS = listed(
    """
    above after again against along already always among and apart around as aside at away before behind below
    beside between beyond by down during ever for from here how in inside into like never not now of off on once
    onto or out outside over since so than then there though through to today together too toward under until up
    upon what when where whether which while who whose why with within without yet
    """
)
TOUCHES_FILES = listed(
    """
    mkdir read_bytes read_text rename rmdir rmtree symlink_to touch unlink write_bytes write_text
    """
)


def first_word(name: str) -> str:
    """``find`` of ``find_resources`` and of ``findColorTable``."""
    return re.match(r"[a-z0-9]+", name)[0]


def acts(function: ast.FunctionDef) -> bool:
    """Whether a function does something, as far as its text shows."""
    returned = ast.unparse(function.returns) if function.returns else ""
    if returned in {"None", "NoReturn", "Path"} or re.search(r"(list|tuple|dict|Iterator)\[.*\bPath\b", returned):
        return True
    if any("contextmanager" in ast.unparse(each) for each in function.decorator_list):
        return True
    return any(
        isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "open")
            or (isinstance(node.func, ast.Attribute) and node.func.attr in TOUCHES_FILES)
        )
        for node in ast.walk(function)
    )


def is_misnamed(function: ast.FunctionDef) -> bool:
    """Whether a public function's name hides that it acts, or begins with a word that no call can be read by."""
    word = first_word(function.name)
    if word in VERBS | QUESTIONS | CUSTOMARY or function.name in TERMS:
        return False
    participle = word in IRREGULAR_PARTICIPLES or (word.endswith("ed") and len(word) > 4)
    return participle or word in SMALL_WORDS or acts(function)


def command_functions(group: typer.Typer = app) -> Iterator[tuple[str, str]]:
    """Module and name of every function that is a command: it is called what its command is called."""
    for command in group.registered_commands:
        if command.callback is not None:
            yield command.callback.__module__, command.callback.__name__
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            yield from command_functions(inner.typer_instance)


def misnamed_functions() -> list[str]:
    """``module: function`` of every public function whose name breaks the rule."""
    commands = set(command_functions())
    return [
        f"{name}: {node.name}"
        for name, module in modules().items()
        for node in ast.parse(module.path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if (name, node.name) not in commands and is_misnamed(node)
    ]
