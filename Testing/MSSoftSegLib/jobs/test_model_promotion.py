"""``mssoftseg models promote``: the default changes only for a model that was compared and not found worse, and back."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pytest

from MSSoftSegLib import result_folder
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.jobs.environment import examine
from MSSoftSegLib.jobs.evaluate import model_promotion
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.network import installing
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.catalog import SHIPPED_MODEL, find_bundle, find_default_model, find_installed
from MSSoftSegLib.network.promotion import PROMOTIONS_FILE, ModelJudgment, keep_judgment, read_history
from MSSoftSegLib.result_folder import name_partial, remove_whole
from Testing.MSSoftSegLib.network.bundles import write_random_bundle


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An empty folder for the user's models."""
    folder = tmp_path / "models"
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(folder))
    return folder


@pytest.fixture
def mine(models, tmp_path):
    """A new model where training left it."""
    return write_random_bundle(tmp_path / "trained" / "mine")


def judge(models, second, verdict, *, first=SHIPPED_MODEL, cases=6):
    """A judgement as compare-models keeps it."""
    old, new = find_bundle(first), read_bundle(second)
    keep_judgment(
        models,
        ModelJudgment(
            time="2026-01-01T00:00:00+00:00",
            first=old.description.name,
            first_sha256=old.sha256,
            second=new.description.name,
            second_sha256=new.sha256,
            verdict=verdict,
            reason=f"found {verdict}",
            cases=cases,
        ),
    )


def promote(model, *options: str) -> int:
    return run_command(["models", "promote", str(model), *options])


def test_the_shipped_model_is_the_default_until_something_is_decided(models):
    assert find_default_model() == SHIPPED_MODEL
    assert read_history(models) == []


def test_a_model_that_nobody_compared_does_not_become_the_default(models, mine, capsys):
    assert promote(mine) == 2
    assert "nobody compared it with starter" in capsys.readouterr().err
    assert find_default_model() == SHIPPED_MODEL
    assert not read_history(models)
    assert "mine" not in find_installed(), "a refusal installs nothing"


def test_a_model_that_was_found_worse_takes_accept_worse_and_history_says_so(models, mine, capsys):
    judge(models, mine, "worse")
    assert promote(mine) == 2
    assert "found worse" in capsys.readouterr().err
    assert find_default_model() == SHIPPED_MODEL
    assert promote(mine, "--accept-worse") == 0
    assert find_default_model() == "mine"
    (entry,) = read_history(models)
    assert (entry.verdict, entry.accepted_worse, entry.previous) == ("worse", True, SHIPPED_MODEL)


@pytest.mark.parametrize("verdict", ["better", "undecided"])
def test_a_model_that_was_not_found_worse_becomes_the_default_for_every_later_job(models, mine, tmp_path, verdict):
    judge(models, mine, verdict)
    assert promote(mine) == 0
    assert find_default_model() == "mine"
    job = parse_job({"job": "1", "kind": "segment", "spec": {"exam": {"flair": "f.nii"}, "out": str(tmp_path / "o")}})
    assert job.spec.model == "mine"
    shutil.rmtree(mine)
    assert find_bundle("mine").description.name == "mine", "it was copied, and needs its training no more"


def test_a_comparison_on_no_held_out_case_is_none(models, mine, capsys):
    judge(models, mine, "undecided", cases=0)
    assert promote(mine) == 2
    assert "on no held-out case" in capsys.readouterr().err


def test_only_the_last_judgment_against_the_present_default_counts(models, mine, tmp_path):
    judge(models, mine, "better")
    judge(models, mine, "worse")
    assert promote(mine) == 2
    judge(models, mine, "better")
    other = write_random_bundle(tmp_path / "trained" / "other", seed=8)
    judge(models, other, "better")
    assert promote(other) == 0
    assert promote(mine) == 2, "it was compared with starter, not with other, which is the default now"
    judge(models, mine, "better", first="other")
    assert promote(mine) == 0


def test_going_back_is_always_allowed(models, mine):
    judge(models, mine, "better")
    assert promote(mine) == 0
    assert promote("starter") == 0
    assert find_default_model() == SHIPPED_MODEL
    assert promote("mine") == 0, "it was the default before"
    assert [entry.model for entry in read_history(models)] == ["mine", "starter", "mine"]


def test_a_candidate_is_installed_and_not_the_default(models, mine):
    assert promote(mine, "--candidate") == 0
    assert find_default_model() == SHIPPED_MODEL
    assert find_installed()["mine"].parent == models


def test_a_model_of_a_name_that_is_taken_is_installed_beside_the_other(models, mine, tmp_path):
    judge(models, mine, "better")
    assert promote(mine) == 0
    again = write_random_bundle(tmp_path / "second" / "mine", seed=5)
    judge(models, again, "better", first="mine")
    assert promote(again) == 0
    assert find_default_model() == "mine-2"
    assert find_bundle("mine-2").sha256 == read_bundle(again).sha256
    assert find_bundle("mine").sha256 == read_bundle(mine).sha256, "the one before can still be gone back to"
    assert promote(again, "--candidate") == 0
    assert sorted(path.name for path in models.iterdir() if path.is_dir()) == ["mine", "mine-2"]


def test_a_model_that_is_on_its_way_in_or_out_is_none(models, mine, capsys):
    assert promote(mine, "--candidate") == 0
    # Killed between the renaming and the removal, or before a copy was whole.
    (models / "mine").rename(name_partial(models / "mine"))
    assert set(find_installed()) == {SHIPPED_MODEL}
    assert run_command(["models", "list"]) == 0
    assert "partial" not in capsys.readouterr().out
    assert run_command(["models", "remove", "mine", "--yes"]) == 2
    assert not name_partial(models / "mine").exists()


@pytest.mark.parametrize("how", ["remove", "discard"])
def test_a_model_whose_removal_is_killed_is_whole_or_gone(models, mine, monkeypatch, how):
    assert promote(mine, "--candidate") == 0
    for folder in [models / "mine"] if how == "remove" else [mine, models / "mine"]:
        (folder / "curves").mkdir()
    whole = {name: read_bundle(path).sha256 for name, path in find_installed().items()}
    seen = []

    def look(*_, **__):
        """At each removal of a folder's content: what would be left if it stopped here."""
        seen.append({name: read_bundle(path).sha256 for name, path in find_installed().items()})

    for module in (result_folder, installing):
        monkeypatch.setattr(module.shutil, "rmtree", look)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: look())
    command = ["models", "remove", "mine", "--yes"] if how == "remove" else ["models", "promote", "mine", "--discard"]
    assert run_command(command) == 0
    assert seen
    assert all(state.items() <= whole.items() for state in seen)
    assert "mine" not in find_installed()


def test_a_model_that_somebody_else_removes_at_the_same_moment_is_removed(models, mine):
    assert promote(mine, "--candidate") == 0
    shutil.move(models / "mine", models / "elsewhere")
    remove_whole(models / "mine", models / "mine")
    assert not (models / "mine").exists()


def test_a_discard_that_is_killed_before_the_model_is_gone_can_be_repeated(models, mine, monkeypatch):
    assert promote(mine, "--candidate") == 0
    monkeypatch.setattr(model_promotion, "remove_bundle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert promote("mine", "--discard") != 0
    monkeypatch.undo()
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(models))
    assert promote("mine", "--discard") == 0
    assert not (models / "mine").exists()
    assert [entry.decision for entry in read_history(models)] == ["candidate", "discard", "discard"]


def test_a_decision_of_which_a_filling_disk_takes_a_part_is_an_error_and_the_next_one_is_read(models, mine):
    assert promote(mine, "--candidate") == 0
    size = (models / PROMOTIONS_FILE).stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    try:
        assert promote(mine, "--accept-worse") == 3
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert find_default_model() == SHIPPED_MODEL
    assert promote(mine, "--accept-worse") == 0
    assert [entry.decision for entry in read_history(models)] == ["candidate", "default"]


def test_a_discarded_model_is_gone_and_others_files_are_not(models, mine):
    assert promote(mine, "--candidate") == 0
    (mine / "notes.txt").write_text("mine")
    assert promote(mine, "--discard") == 0
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]
    assert "mine" not in find_installed()
    assert read_history(models)[-1].decision == "discard"


def test_neither_the_default_nor_the_shipped_model_can_be_discarded(models, mine, capsys):
    judge(models, mine, "better")
    assert promote(mine) == 0
    assert promote("mine", "--discard") == 2
    assert "is the default and stays" in capsys.readouterr().err
    assert promote("starter", "--discard") == 2
    assert "ships and stays" in capsys.readouterr().err


def test_a_default_that_was_removed_or_replaced_falls_back_to_the_shipped_model(models, mine, tmp_path, capsys):
    judge(models, mine, "better")
    assert promote(mine) == 0
    changed = write_random_bundle(tmp_path / "changed" / "mine", seed=9)
    assert run_command(["models", "import", str(changed), "--overwrite"]) == 0
    assert find_default_model() == SHIPPED_MODEL, "nobody decided on what lies there now"
    (told,) = [finding for finding in examine() if finding.topic == "default model"]
    assert told.state == "starter; mine, which was chosen, was removed or replaced"
    assert told.remedy is None, "segmenting works all the same"
    assert promote("mine", "--accept-worse") == 0
    assert run_command(["models", "remove", "mine", "--yes"]) == 0
    assert "starter is the default again" in capsys.readouterr().out
    assert find_default_model() == SHIPPED_MODEL


def test_no_model_takes_the_place_of_the_shipped_one_by_its_name(models, tmp_path, capsys):
    false = write_random_bundle(tmp_path / "trained" / "starter", seed=3)
    assert run_command(["models", "import", str(false)]) == 2
    assert "the name of the model that ships" in capsys.readouterr().err


def test_history_survives_half_a_line_of_a_killed_program(models, mine, capsys):
    judge(models, mine, "better")
    assert promote(mine) == 0
    with (models / PROMOTIONS_FILE).open("a") as file:
        file.write('{"time": "2026')
    assert find_default_model() == "mine"
    assert promote("starter") == 0
    capsys.readouterr()
    assert run_command(["models", "history", "--json"]) == 0
    assert [entry["model"] for entry in json.loads(capsys.readouterr().out)] == ["mine", "starter"]


def test_the_jobs_result_says_what_holds_now(models, mine):
    judge(models, mine, "better")
    events: list[dict] = []
    job = {"job": "1", "kind": "promote-model", "spec": {"model": str(mine)}}
    assert run(parse_job(job), events.append).exit_code == 0
    summary = events[-1]["summary"]
    assert summary["model"] == summary["default"] == "mine"
    assert (summary["previous_default"], summary["verdict"], summary["accepted_worse"]) == ("starter", "better", False)
