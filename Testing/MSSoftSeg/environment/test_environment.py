"""The environment page: what is shown is what the worker's own Python says, and models come and go through its commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from MSSoftSegGUI.environment.model_list import list_installed_models
from MSSoftSegGUI.environment.presenter import EnvironmentPresenter

from Testing.MSSoftSeg.stand_ins.real_processes import EventLoop, RealProcess, python_command, script_command
from Testing.MSSoftSegLib.network.bundles import write_random_bundle
from Testing.patience import HANGING_S


class Page:
    """A presenter, its event loop and what it showed."""

    def __init__(self, make_command=python_command):
        self.loop, self.views, self.changes, self.processes = EventLoop(), [], [], []
        self.presenter = EnvironmentPresenter(
            self._make_process,
            make_command,
            show=self.views.append,
            on_models_changed=lambda: self.changes.append(True),
            host="3D Slicer 5.12",
        )

    def _make_process(self):
        self.processes.append(RealProcess(self.loop))
        return self.processes[-1]

    def finish(self):
        assert self.presenter.view.is_busy
        self.loop.until(lambda: not self.presenter.view.is_busy)
        return self.presenter.view


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Data folders of their own: deleting must never reach the user's."""
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / "data" / name)
    return tmp_path


def answering(output, code=0, error=""):
    text = f"import sys; sys.stdout.write({output!r}); sys.stderr.write({error!r}); sys.exit({code})"
    return lambda module, arguments=(): script_command(text)


FINDINGS = {
    "findings": [
        {"topic": "python", "state": "3.12.10", "remedy": None},
        {"topic": "torch", "state": "not installed", "remedy": "pip install torch"},
        {"topic": "device cpu", "state": "x86_64", "remedy": None},
        {"topic": "device cuda:0", "state": "H100, 70.1 of 78.0 GiB free", "remedy": None},
        {"topic": "HD-BET", "state": "ready", "remedy": None},
    ],
    "ready": False,
}


def test_the_doctors_findings_are_shown_also_when_it_ends_with_the_code_for_something_missing():
    page = Page(answering(json.dumps(FINDINGS), code=3, error="error: this machine cannot segment yet — follow\n"))
    page.presenter.check()
    assert page.views[-1].is_busy
    view = page.finish()
    assert [row.topic for row in view.rows] == [finding["topic"] for finding in FINDINGS["findings"]]
    assert view.rows[1].remedy == "pip install torch"
    assert view.is_ready is False
    assert view.is_error
    assert view.devices == (("cpu", "x86_64"), ("cuda:0", "H100, 70.1 of 78.0 GiB free"))
    assert view.has_hd_bet


@pytest.mark.parametrize(
    ("make_command", "words"),
    [
        (
            answering("", code=1, error="Traceback\nModuleNotFoundError: No module named 'typer'\n"),
            "lacks the package typer",
        ),
        (answering("not JSON at all", code=0), "exit code 0"),
        (answering('{"findings": [{"topic": 3}]}'), "exit code 0"),
        (answering("", code=9, error="Fatal Python error: no encodings\n"), "no encodings"),
        (lambda module, arguments=(): type(python_command("x"))("/nowhere/python", ()), "cannot be started"),
    ],
)
def test_a_python_that_cannot_answer_is_said_to_be_so_with_the_cause(make_command, words):
    page = Page(make_command)
    page.presenter.check()
    view = page.finish()
    assert view.is_ready is False
    assert view.is_error
    assert words in view.message
    assert view.rows[0].remedy


def test_a_second_click_while_it_checks_starts_nothing():
    page = Page(answering(json.dumps(FINDINGS)))
    page.presenter.check()
    page.presenter.check()
    page.finish()
    assert len(page.processes) == 1


def test_a_closed_page_hears_nothing_more():
    page = Page(lambda module, arguments=(): script_command("import time; time.sleep(86400)"))
    page.presenter.check()
    shown = len(page.views)
    page.presenter.stop()
    page.loop.until(lambda: not page.processes[0].is_running)
    page.loop.for_a_while(0.2)
    assert len(page.views) == shown


def test_the_real_python_is_examined_and_its_diagnostics_can_be_copied(folders):
    page = Page()
    page.presenter.check()
    view = page.finish()
    assert {"python", "torch", "memory", "model starter"} <= {row.topic for row in view.rows}
    assert view.devices[0][0] == "cpu"
    text = page.presenter.diagnostics()
    for words in ("3D Slicer 5.12", "torch:", "model starter", "interpreter:"):
        assert words in text
    assert str(Path.home()) not in text


def test_a_model_is_imported_listed_and_deleted_again_and_the_shipped_one_stays(folders):
    bundle = write_random_bundle(folders / "mine")
    page = Page()
    page.presenter.import_weights(bundle)
    view = page.finish()
    assert not view.is_error, view.message
    assert page.changes
    listed = {entry.name: entry for entry in list_installed_models()}
    assert listed["mine"].imported
    assert listed["mine"].is_usable
    assert listed["mine"].license == "Apache-2.0"
    assert "Random weights" in listed["mine"].card
    assert not listed["starter"].imported
    page.presenter.delete_downloaded()
    assert page.finish().message.startswith("1 imported models deleted")
    assert [entry.name for entry in list_installed_models()] == ["starter"]
    assert (bundle / "model.json").is_file()


def test_a_damaged_bundle_is_not_imported_and_the_file_is_named(folders):
    bundle = write_random_bundle(folders / "mine")
    (bundle / "weights.safetensors").write_bytes(b"altered")
    page = Page()
    page.presenter.import_weights(bundle)
    view = page.finish()
    assert view.is_error
    assert "weights.safetensors" in view.message
    assert "mine" not in {entry.name for entry in list_installed_models()}


def test_downloaded_weights_of_the_brain_extraction_go_too(folders):
    weights = folders / "data" / "mssoftseg" / "hd-bet" / "weights"
    weights.mkdir(parents=True)
    (weights / "checkpoint").write_bytes(b"x")
    page = Page()
    page.presenter.delete_downloaded()
    assert not weights.exists()
    assert "HD-BET" in page.presenter.view.message


@pytest.mark.parametrize("damage", ["no card", "no weights", "no version", "no JSON"])
def test_a_damaged_model_is_listed_as_such_and_cannot_be_chosen(folders, damage):
    bundle = write_random_bundle(folders / "models" / "mine")
    description = bundle / "model.json"
    if damage == "no card":
        (bundle / "card.md").unlink()
    elif damage == "no weights":
        (bundle / "weights.safetensors").unlink()
    elif damage == "no JSON":
        description.write_text("{")
    else:
        document = json.loads(description.read_text())
        del document["version"]
        description.write_text(json.dumps(document))
    entry = {each.name: each for each in list_installed_models()}["mine"]
    assert not entry.is_usable
    assert entry.problem
    assert "damaged" in entry.title


def test_the_default_model_comes_first(folders):
    write_random_bundle(folders / "models" / "aaa")
    assert [entry.name for entry in list_installed_models()] == ["starter", "aaa"]


LACKING = {
    "topic": "HD-BET",
    "state": "HD-BET is not installed; the atlas is used instead",
    "remedy": "run `mssoftseg …`",
}


def test_what_hd_bet_lacks_is_mended_by_a_button():
    page = Page(answering(json.dumps({"findings": [LACKING], "ready": True})))
    page.presenter.check()
    (row,) = page.finish().rows
    assert row.is_optional
    assert "Install HD-BET" in row.remedy


def test_hd_bet_is_installed_by_one_command_that_does_not_ask_again():
    asked = []

    def command(module, arguments=()):
        asked.append(arguments)
        return answering(json.dumps(FINDINGS))(module, arguments)

    page = Page(command)
    page.presenter.install_hd_bet("/usr/bin/python3.12")
    assert "minutes" in page.presenter.view.message
    assert page.finish().message == "HD-BET is installed."
    page.presenter.install_hd_bet_weights(Path("/media/release.zip"))
    page.finish()
    assert asked == [
        ("doctor", "--json", "--install-hd-bet", "--yes", "--python", "/usr/bin/python3.12"),
        ("doctor", "--json", "--hd-bet-weights", "/media/release.zip"),
    ]


def test_why_hd_bet_was_not_installed_is_said():
    page = Page(answering("", 2, "error: the archive lacks plans.json — fetch HD-BET 2's own archive\n"))
    page.presenter.install_hd_bet_weights(Path("/media/other.zip"))
    view = page.finish()
    assert view.is_error
    assert view.message.startswith("The archive lacks plans.json")
    page = Page(answering(json.dumps({"findings": [LACKING], "ready": True})))
    page.presenter.install_hd_bet()
    view = page.finish()
    assert view.is_error
    assert "is not installed" in view.message


def test_weights_from_a_file_are_unpacked_by_the_real_command(folders):
    import zipfile

    from Testing.MSSoftSegLib.preprocessing.hd_bet_fakes import fake_weights

    original = fake_weights(folders / "made")
    with zipfile.ZipFile(folders / "release.zip", "w") as archive:
        for path in sorted(each for each in original.rglob("*") if each.is_file()):
            archive.write(path, path.relative_to(original).as_posix())
    page = Page()
    page.presenter.install_hd_bet_weights(folders / "release.zip")
    page.finish()
    weights = folders / "data" / "mssoftseg" / "hd-bet" / "weights"
    assert (weights / "plans.json").is_file()
    assert weights.with_name("weights.sha256").is_file()


def test_the_python_for_hd_bet_is_never_slicers():
    from MSSoftSegGUI.environment.hd_bet import find_python

    there = {"python3.12": "/opt/Slicer-5.10/bin/python3.12", "python3": "/usr/bin/python3"}
    assert find_python("/any", which=lambda name, path: there.get(name)) == "/usr/bin/python3"
    assert find_python("/any", which=lambda name, path: None) == ""


def test_listing_models_loads_no_torch():
    import subprocess

    code = "from MSSoftSegGUI.environment import model_list; model_list.list_installed_models(); sys.exit('torch' in sys.modules)"
    path = [str(Path(__file__).resolve().parents[3] / "MSSoftSeg"), str(Path(__file__).resolve().parents[3])]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], check=False, timeout=HANGING_S
    )
    assert done.returncode == 0
