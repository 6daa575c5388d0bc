"""Bundles that people bring: what is no bundle, what lies about itself, and what a bundle may not do to the others."""

from __future__ import annotations

import hashlib
import json
import os
import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.errors import BadBundle
from MSSoftSegLib.network import weights
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.catalog import find_bundle, find_default_model, find_installed
from MSSoftSegLib.network.installing import install_beside
from MSSoftSegLib.network.promotion import PROMOTIONS_FILE, Promotion, keep_promotion, read_history
from MSSoftSegLib.network.weights import check_weights
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

NETWORKS = (
    {"kind": "lesion-unet", "widths": [4, 6]},
    {"kind": "unet-2d", "widths": [4, 6], "norm": "batch"},
    {"kind": "dynunet", "filters": [4, 4, 4]},
    {"kind": "linknet-2d", "layers": [1, 1, 1, 1]},
)
FLAIR = {"modality": "flair", "required": True}
GONE = "models verify finds it, not the first exam"


@pytest.fixture
def folder(tmp_path):
    return write_random_bundle(tmp_path / "little", widths=(4, 6))


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def edit(folder, **fields):
    """Other fields, and the checksums of the weights that lie there now."""
    document = json.loads((folder / "model.json").read_text())
    for each in document["files"]:
        each["sha256"] = hashlib.sha256((folder / each["name"]).read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps({**document, **fields}))


def last_error(capsys):
    return capsys.readouterr().err.rstrip().splitlines()[-1]


@pytest.mark.parametrize("name", ["model.zip", "checkpoint.pt", "weights.safetensors"])
def test_a_file_is_told_from_a_folder(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    for read in (read_bundle, lambda path: find_bundle(str(path))):
        with pytest.raises(BadBundle, match="is a file, not a model bundle's folder — give the folder; unpack"):
            read(tmp_path / name)


def test_a_folder_that_is_not_there_and_one_above_the_bundle_are_told(folder):
    with pytest.raises(BadBundle, match="there is no folder nowhere"):
        read_bundle(folder / "nowhere")
    with pytest.raises(BadBundle, match="give the bundle in it: little"):
        read_bundle(folder.parent)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"schema_version": 2, "colour": "red"}, "newer version of MSSoftSeg .schema_version 2. — update"),
        ({"name": "病变"}, "name: a model's name is made of letters a–z"),
        ({"calibration": {"temperature": float("inf")}}, "calibration.temperature"),
        ({"min_lesion_mm3": float("inf")}, "min_lesion_mm3"),
        ({"inputs": [FLAIR, FLAIR, FLAIR]}, "inputs: .*each modality is one input only"),
        ({"network": {"kind": "lesion-unet", "widths": [10**9, 10**9]}}, "network.widths.0"),
        ({"network": {"kind": "linknet-2d", "layers": [10**9, 1, 1, 1]}}, "network.layers.0"),
    ],
)
def test_a_description_that_cannot_hold_is_refused_by_name(folder, fields, said):
    edit(folder, **fields)
    with pytest.raises(BadBundle, match=said):
        read_bundle(folder)


def test_a_pointer_of_git_lfs_is_told(folder):
    (folder / "weights.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(BadBundle, match="Git LFS pointer, not the weights — fetch them with git lfs pull"):
        check_weights(read_bundle(folder))


@pytest.mark.parametrize("network", NETWORKS, ids=lambda each: each["kind"])
def test_weights_of_every_kind_of_network_are_checked_without_building_it(tmp_path, network, monkeypatch):
    folder = write_random_bundle(tmp_path / "made", network=network)
    check_weights(read_bundle(folder))
    edit(folder, inputs=[FLAIR])
    monkeypatch.setattr(weights, "load_file", lambda path: pytest.fail("its header says that it does not fit"))
    with pytest.raises(BadBundle, match="does not fit the network"):
        check_weights(read_bundle(folder))


@pytest.mark.parametrize("command", ["import", "verify", "promote"])
@pytest.mark.parametrize("how", ["lie", "cut", "pickle", "no numbers"])
def test_weights_that_cannot_be_used_are_refused_though_their_checksum_holds(models, folder, capsys, how, command):
    path = folder / "weights.safetensors"
    if how == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    elif how == "pickle":
        path.write_bytes(pickle.dumps({"a": 1}))
    elif how == "no numbers":
        values = load_file(str(path))
        save_file({name: np.full_like(value, np.nan) for name, value in values.items()}, str(path))
    edit(folder, **({"inputs": [FLAIR]} if how == "lie" else {}))
    words = [command, "little"] if command == "verify" else [command, str(folder)]
    if command == "verify":
        models.mkdir()
        folder.rename(models / "little")
    code = run_command(["models", *words, *(["--accept-worse"] if command == "promote" else [])])
    assert code == 2, GONE
    assert ("finite numbers" if how == "no numbers" else "does not fit the network") in last_error(capsys)
    assert command == "verify" or not models.exists()


def test_what_cannot_be_read_is_named_and_does_not_hide_the_others(models, tmp_path, monkeypatch, capsys):
    for name in ("good", "locked"):
        write_random_bundle(models / name, widths=(4, 6))
    plain = type(models).read_bytes

    def read_bytes(path):
        if path.parent.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(type(models), "read_bytes", read_bytes)
    assert run_command(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert [line.endswith("DAMAGED") for line in listed.splitlines()] == [False, False, True]
    assert run_command(["models", "verify"]) == 2
    said = capsys.readouterr()
    assert "good: ok" in said.out
    assert "locked: model.json may not be read" in said.out


def test_an_import_names_no_option_that_it_does_not_have(models, folder, capsys):
    assert run_command(["models", "import", str(folder)]) == 0
    assert run_command(["models", "import", str(folder)]) == 2
    assert last_error(capsys) == (
        "error: among your models something is called little already — "
        "add --overwrite to replace a model, or see mssoftseg models list and remove it"
    )
    assert run_command(["models", "import", str(folder), "--overwrite"]) == 0


def test_a_model_that_is_a_link_is_removed_and_what_it_leads_to_stays(models, folder):
    models.mkdir()
    (models / "linked").symlink_to(folder)
    assert run_command(["models", "remove", "linked", "--yes"]) == 0
    assert list(models.iterdir()) == []
    assert read_bundle(folder).description.name == "little"


def test_a_damaged_model_does_not_bar_decisions_on_others(models, folder, tmp_path):
    (write_random_bundle(models / "bad", widths=(4, 6)) / "model.json").write_text("{")
    install_beside(read_bundle(folder))
    assert run_command(["models", "promote", "little", "--discard"]) == 0
    assert "little" not in find_installed()
    namesake = write_random_bundle(tmp_path / "bad", widths=(4, 6), seed=3)
    assert install_beside(read_bundle(namesake)).name == "bad-2"


def test_a_history_with_bytes_of_no_text_is_read_line_by_line(models):
    kept = Promotion(
        time="2026-01-01", model="m", sha256="0" * 64, version="1", decision="candidate", verdict=None,
        reason="two\u2028lines to some", accepted_worse=False, previous="starter",
    )  # fmt: skip
    keep_promotion(models, kept)
    with (models / PROMOTIONS_FILE).open("ab") as stream:
        stream.write(b"\xff\xfe\xe4\n")
    keep_promotion(models, kept)
    assert read_history(models) == [kept, kept]
    assert find_default_model() == "starter"


def test_what_a_bundle_says_moves_no_cursor(models, folder, capsys):
    escape = "\x1b[2J\x1b]0;owned\x07"
    edit(folder, version=f"1{escape}\n* other", licence=f"\r{escape}")
    (folder / "card.md").write_text(f"# Card\n{escape}Lésion\n")
    assert run_command(["models", "import", str(folder)]) == 0
    capsys.readouterr()
    for words in (["list"], ["card", "little"]):
        assert run_command(["models", *words]) == 0
        printed = capsys.readouterr().out
        assert not [each for each in printed if each < " " and each != "\n"]
        assert len(printed.rstrip().splitlines()) == 2
    assert "Lésion" in printed


def test_the_last_line_is_one_line_whatever_it_names(models, capsys):
    assert run_command(["models", "import", "x\x1b[2J\nerror: all is well — go on"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


@pytest.mark.parametrize("spelled", [["--unlabelled", "{}"], ["--unlabelled={}"]])
def test_what_the_parser_refuses_is_named_without_its_folders(tmp_path, capsys, monkeypatch, spelled):
    exams = tmp_path / "Doe_Jane" / "exams"
    exams.mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(exams))
    words = [word.format(exams) for word in spelled]
    assert run_command(["pseudolabel", "--model", "m", *words, "--out", str(tmp_path / "out")]) == 2
    said = last_error(capsys)
    assert "exams" in said
    assert "Doe_Jane" not in said
