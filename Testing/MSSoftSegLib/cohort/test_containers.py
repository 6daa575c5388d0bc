"""What can be said of the containers without building one: the descriptor, who runs them, and that what they copy is there."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest

from MSSoftSegLib.cli.cohorts.bids_app import make_parser

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "Containers"
DOCKER = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
APPTAINER = (FOLDER / "mssoftseg.def").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def maker():
    return runpy.run_path(str(FOLDER / "write_descriptor.py"))


def test_the_descriptor_is_that_of_the_command_line(maker):
    assert (FOLDER / "mssoftseg-bids.json").read_text(encoding="utf-8") == maker["text"](), (
        "run: python Containers/write_descriptor.py"
    )


def test_boutiques_finds_nothing_wrong_with_the_descriptor():
    from boutiques.validator import validate_descriptor

    described = json.loads((FOLDER / "mssoftseg-bids.json").read_text(encoding="utf-8"))
    assert validate_descriptor(described)["name"] == "MSSoftSeg"
    with pytest.raises(Exception, match="analysis_level"):
        validate_descriptor({**described, "inputs": [*described["inputs"], described["inputs"][2]]})


def test_a_call_made_by_boutiques_is_one_that_the_command_line_takes(tmp_path, capsys):
    """Its own simulation of the command, parsed by ours."""
    from boutiques import execute

    wanted = {
        "bids_dir": str(tmp_path),
        "output_dir": str(tmp_path / "out"),
        "analysis_level": "participant",
        "participant_label": ["01", "02"],
        "threshold": 0.4,
        "workers": 2,
        "keep_working": True,
    }
    (tmp_path / "call.json").write_text(json.dumps(wanted))
    execute("simulate", str(FOLDER / "mssoftseg-bids.json"), "-i", str(tmp_path / "call.json"))
    said = capsys.readouterr().out
    program, *arguments = shlex.split(next(line for line in said.splitlines() if line.startswith("mssoftseg-bids ")))
    assert program == "mssoftseg-bids"
    asked = vars(make_parser().parse_args(arguments))
    there = {"bids_dir": tmp_path, "output_dir": tmp_path / "out"}
    assert {name: asked[name] for name in wanted} == {**wanted, **there}


def test_the_image_is_not_run_by_root_and_starts_the_app():
    users = re.findall(r"^USER (\S+)$", DOCKER, re.MULTILINE)
    assert users
    assert users[-1] not in ("root", "0")
    assert 'ENTRYPOINT ["mssoftseg-bids"]' in DOCKER
    assert 'exec mssoftseg-bids "$@"' in APPTAINER


def test_base_images_have_a_version_and_both_are_one():
    (docker,) = re.findall(r"^FROM (\S+)$", DOCKER, re.MULTILINE)
    (apptainer,) = re.findall(r"^From: (\S+)$", APPTAINER, re.MULTILINE)
    assert docker == apptainer
    assert re.search(r":\d", docker)


def test_packages_are_the_exact_versions_and_nothing_stays_in_a_cache():
    installs = re.findall(r"pip install ((?:.*\\\n)*.*)", DOCKER + APPTAINER)
    assert len(installs) == 4
    for line in installs:
        assert "-c constraints.txt" in line
        assert "--no-cache-dir" in line


def test_what_is_copied_is_there_and_not_ignored():
    copied = [name for line in re.findall(r"^COPY (.+)$", DOCKER, re.MULTILINE) for name in line.split()[:-1]]
    listed = re.search(r"%files\n((?:    .+\n)+)", APPTAINER)[1].splitlines()
    assert {line.split()[0] for line in listed} == set(copied)
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    for name in copied:
        assert (ROOT / name).exists(), name
        assert name in let_through, name


def test_nothing_is_fetched_when_the_image_runs():
    """The weights of the default model are among what is copied."""
    assert any((ROOT / "Resources" / "Models" / "starter").glob("*.safetensors"))
    assert "models verify" in DOCKER
    assert "models verify" in APPTAINER
