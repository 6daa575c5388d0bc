"""``mssoftseg recipes`` as a user types it."""

import json
import subprocess
import sys
import tomllib

import pytest

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.training.recipe import find_recipe, list_recipe_names, parse_recipe
from Testing.patience import HANGING_S


def run(capsys, *words):
    code = run_command(["recipes", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_list_names_every_recipe_with_its_title(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list_recipe_names()
    assert find_recipe("groza2020").title in out
    _, out, _ = run(capsys, "list", "--json")
    assert [row["name"] for row in json.loads(out)] == list_recipe_names()


def test_show_prints_toml_that_trains_the_same_with_source_and_notes(capsys):
    code, out, _ = run(capsys, "show", "barilan-ssl")
    assert code == 0
    shown = tomllib.loads(out)
    assert "extends" not in shown
    assert shown["source"]
    assert any("half" in note for note in shown["notes"])
    assert parse_recipe(shown, file_name="shown.toml") == find_recipe("barilan-ssl")


def test_diff_names_the_three_changes_of_softseg_with_both_values(capsys):
    code, out, _ = run(capsys, "diff", "softseg2020", "softseg2020-binary")
    assert code == 0
    header, *rows = [line.split() for line in out.splitlines()]
    assert header == ["key", "softseg2020", "softseg2020-binary"]
    assert {tuple(row) for row in rows} == {
        ("labels.binarize", "false", "true"),
        ("activation.name", '"normalized-relu"', '"sigmoid"'),
        ("loss.0.name", '"adaptive-wing"', '"soft-dice"'),
    }
    _, out, _ = run(capsys, "diff", "softseg2020", "softseg2020-binary", "--json")
    assert {row["key"] for row in json.loads(out)} == {row[0] for row in rows}


def test_diff_of_a_file_with_what_it_extends_shows_what_the_file_says(capsys, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("extends = 'kats2019'\nname = 'mine'\n[labels]\ngamma = 0.4\n")
    code, out, _ = run(capsys, "diff", "kats2019", str(path))
    assert code == 0
    assert out.splitlines()[1].split() == ["labels.gamma", "0.3", "0.4"]
    code, out, _ = run(capsys, "diff", str(path), str(path))
    assert (code, out) == (0, "mine and mine have the same settings\n")


@pytest.mark.parametrize("words", [("show", "nobody"), ("diff", "kats2019", "nobody")])
def test_an_unknown_recipe_is_refused_with_the_names(capsys, words):
    code, out, err = run(capsys, *words)
    assert code == 2
    assert out == ""
    assert "nobody" in err
    assert "kats2019" in err


def test_an_unknown_key_is_refused_by_key_and_file(capsys, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("extends = 'kats2019'\n[labels]\ngama = 0.4\n")
    code, _, err = run(capsys, "show", str(path))
    assert code == 2
    assert "mine.toml: labels.gama: is not a key of recipes" in err
    assert str(tmp_path) not in err


def test_recipes_are_listed_without_loading_torch():
    code = "import sys; from MSSoftSegLib.cli.main import run_command; run_command(['recipes', 'list'])"
    ended = f"{code}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ended], check=False, capture_output=True, text=True, timeout=HANGING_S)
    assert done.returncode == 0
    assert "mssoftseg" in done.stdout
