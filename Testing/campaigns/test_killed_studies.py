"""A study of digital patients, the smallest real one, is killed at every kind of moment and gone on with by the same command.

Nothing that stands in its place is half a thing; what was finished is not made again; the tables are those of a study that
nobody disturbed, byte for byte. The whole process group is killed, as by a machine that loses power.
"""

from __future__ import annotations

import collections
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.layout import DESCRIPTION
from MSSoftSegLib.network.bundle import read_bundle, verify
from MSSoftSegLib.study.plan import PLAN_FILE, read_plan
from MSSoftSegLib.study.running import plan_trials
from MSSoftSegLib.study.size import SMOKE
from MSSoftSegLib.training.engine.checkpoint import CHECKPOINT, load_checkpoint
from Testing.campaigns.record import CAMPAIGN, record
from Testing.patience import HANGING_S

pytestmark = pytest.mark.skipif(
    not CAMPAIGN, reason="make campaigns: a study takes a minute and a half, each kill ten seconds"
)
SEED = 20261130
# Studies that are killed at moments drawn from the seed, one of them with two trials side by side.
CHAINS = (1, 2)
LONGEST_BEFORE_KILL_S = 22.0
WATCH_S = 0.02
TABLES = ("study.md", "study.csv", "study.png")
ENDS = "-seed-0-fold-0"
# In the order in which a study runs them: the student after its teacher, which another arm follows.
ARMS = ("kats2019", "kats2019-binary", "barilan-sl", "mssoftseg", "barilan-ssl")
# Each kind of moment of a trial, in one arm or another.
KILLED_IN = {
    "kats2019": ("training", "checkpoint on its way", "checkpoint", "model on its way", "evaluating", "measured"),
    "kats2019-binary": ("evaluating",),
    "barilan-sl": ("starting", "measured"),
    "mssoftseg": ("training", "measured"),
    "barilan-ssl": ("pseudo-labelling", "pseudo-labelled", "training", "checkpoint", "evaluating", "measured"),
}


@dataclass(frozen=True)
class Moment:
    """When a study is killed: as soon as it has come."""

    name: str
    has_come: Callable[[Path], bool]


def has(pattern: str, *, at_least: int = 1) -> Callable[[Path], bool]:
    """Whether so many files or folders are there below a study."""
    return lambda out: sum(1 for _ in out.glob(pattern)) >= at_least


def moments() -> list[Moment]:
    """Every kind of thing that a study writes, in its order: begun, on its way, in its place."""
    found = [
        *(Moment("patients", has("library/sub-*", at_least=count)) for count in (1, SMOKE.patients)),
        Moment("plan", has(PLAN_FILE)),
        Moment("preparing", has("prepared/*/*/prepared.json")),
    ]
    for arm, names in KILLED_IN.items():
        trial = f"{arm}{ENDS}"
        patterns = {
            "starting": f"logs/{trial}.log",
            "pseudo-labelling": f"pseudo-labels/{trial}/*",
            "pseudo-labelled": f"pseudo-labels/{trial}/sub-*",
            "training": f"runs/{trial}/*",
            "checkpoint on its way": f"runs/{trial}/**/.*.partial-*",
            "checkpoint": f"runs/{trial}/**/{CHECKPOINT}",
            "model on its way": f"models/*{trial}*",
            "evaluating": f"models/{trial}",
            "measured": f"trials/{trial}.json",
        }
        found += [Moment(name, has(patterns[name])) for name in names]
    return [*found, Moment("tables", has("*study.md*")), Moment("tables", has("study.csv"))]


def begin(out: Path, side_by_side: int, said: Path) -> subprocess.Popen[bytes]:
    words = ["study", "--smoke", "--resume", "--side-by-side", str(side_by_side), "--out", str(out)]
    with said.open("wb") as stream:
        command = [sys.executable, "-m", "MSSoftSegLib", *words]
        return subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Everything that the command started, without warning."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=HANGING_S)
    until = time.monotonic() + HANGING_S
    while time.monotonic() < until:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("something of the study lives on")


def finish(out: Path, said: Path, side_by_side: int = 1) -> None:
    process = begin(out, side_by_side, said)
    assert process.wait(timeout=HANGING_S) == 0, said.read_text()


def finished(out: Path) -> dict[Path, tuple[int, int]]:
    """What is there for good, of every step: which file it is on the disk, and when it was written."""
    patterns = (
        PLAN_FILE,
        "library/sub-*/**/*",
        "library/derivatives/*/sub-*/**/*",
        "models/*-fold-?/**/*",
        "trials/*.json",
    )
    patterns += ("prepared/*/[!.]*/*", "pseudo-labels/*/sub-*/**/*")
    files = (path for pattern in patterns for path in out.glob(pattern) if path.is_file())
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files if ".partial-" not in str(path)}


def check_state(out: Path, tables: dict[str, bytes]) -> None:
    """Whatever stands in its place is whole."""
    for library in (out / "library", *out.glob("pseudo-labels/*")):
        assert not (library / DESCRIPTION).exists() or check_library(library) == []
    for model in out.glob(f"models/*{ENDS}"):
        if not model.name.startswith("."):
            verify(read_bundle(model))
    for path in out.glob(f"trials/*{ENDS}.json"):
        assert path.name.startswith(".") or json.loads(path.read_bytes())["cases"]
    for path in out.glob(f"runs/**/{CHECKPOINT}"):
        assert load_checkpoint(path.parent) is not None
    for name in TABLES:
        assert not (out / name).exists() or (out / name).read_bytes() == tables[name]
    if (out / PLAN_FILE).exists():
        read_plan(out, None)


def check_end(out: Path, tables: dict[str, bytes], weights: dict[str, bytes]) -> None:
    """The whole study is there, as if nobody had disturbed it, and nothing else."""
    assert {name: (out / name).read_bytes() for name in TABLES} == tables
    assert {str(path.relative_to(out)): path.read_bytes() for path in results_of(out)} == weights
    left = [path for path in out.rglob("*") if ".partial-" in path.name or ".replaced-" in path.name]
    assert not left
    assert not list(out.glob("runs/*"))
    assert not list(out.glob("prepared/*"))


def results_of(out: Path) -> list[Path]:
    return [*sorted(out.glob("trials/*.json")), *sorted(out.glob("models/*/*.safetensors"))]


def check_nothing_was_made_again(known: dict[Path, tuple[int, int]], out: Path) -> int:
    """How many finished files a resumed study kept; prepared cases go when nobody needs them any more."""
    now = finished(out)
    again = [path for path, written in known.items() if path in now and now[path] != written]
    assert not again
    gone = [path for path in known if path not in now and "prepared" not in path.parts]
    assert not gone
    return len(known)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Tables, measurements and weights of a study that ran to its end in one go."""
    root = tmp_path_factory.mktemp("undisturbed")
    finish(root / "out", root / "said")
    out = root / "out"
    assert [trial.arm for trial in plan_trials(read_plan(out, None))] == list(ARMS)
    tables = {name: (out / name).read_bytes() for name in TABLES}
    return tables, {str(path.relative_to(out)): path.read_bytes() for path in results_of(out)}


def wait_for(process: subprocess.Popen[bytes], moment: Moment, out: Path) -> bool:
    """Until the moment has come; False where the study ended before."""
    until = time.monotonic() + HANGING_S
    while not moment.has_come(out):
        if process.poll() is not None:
            return False
        assert time.monotonic() < until, f"the study hangs before {moment.name}"
        time.sleep(WATCH_S)
    return True


def test_a_study_that_is_killed_at_every_kind_of_moment_is_the_one_that_nobody_disturbed(tmp_path, undisturbed):
    tables, weights = undisturbed
    out, counts, kept = tmp_path / "out", collections.Counter(), 0
    for moment in moments():
        if moment.has_come(out):
            # It came and went together with the one before.
            counts["moments that had passed"] += 1
            continue
        known = finished(out)
        process = begin(out, 1, tmp_path / "said")
        came = wait_for(process, moment, out)
        kill(process)
        assert came, f"{moment.name}: {(tmp_path / 'said').read_text()}"
        counts[f"killed in: {moment.name}"] += 1
        check_state(out, tables)
        kept += check_nothing_was_made_again(known, out)
    known = finished(out)
    finish(out, tmp_path / "said")
    kept += check_nothing_was_made_again(known, out)
    check_end(out, tables, weights)
    record("killed studies: at moments", {**counts, "finished files kept over kills": kept, "made again": 0})


@pytest.mark.parametrize("side_by_side", CHAINS)
def test_a_study_that_is_killed_at_any_time_is_the_one_that_nobody_disturbed(tmp_path, undisturbed, side_by_side):
    tables, weights = undisturbed
    out, rng, kills, kept = tmp_path / "out", random.Random(f"{SEED} {side_by_side}"), 0, 0
    while True:
        known = finished(out)
        process = begin(out, side_by_side, tmp_path / "said")
        try:
            code = process.wait(rng.uniform(0, LONGEST_BEFORE_KILL_S))
        except subprocess.TimeoutExpired:
            kill(process)
            kills += 1
            check_state(out, tables)
            kept += check_nothing_was_made_again(known, out)
            continue
        assert code == 0, (tmp_path / "said").read_text()
        break
    kept += check_nothing_was_made_again(known, out)
    check_end(out, tables, weights)
    outcome = {"kills": kills, "finished files kept over kills": kept, "made again": 0}
    record(f"killed studies: at any time, {side_by_side} side by side", outcome)
