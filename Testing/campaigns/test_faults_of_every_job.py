"""Every command that writes is killed, robbed of its disk, locked out and started twice: its output is whole or absent.

Then the same command runs again and succeeds; inputs are what they were, byte for byte; a library opens, without fault, and holds
what it held. A few faults in ``make test``; some thousand runs in ``make campaigns``.
"""

from __future__ import annotations

import collections
import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.layout import DESCRIPTION
from MSSoftSegLib.study.plan import PLAN_FILE
from Testing.campaigns.faults import Ended, Fault, WarmProcess
from Testing.campaigns.killable_jobs import MAKERS, Command
from Testing.campaigns.killable_patients import SLOW_MAKERS
from Testing.campaigns.record import CAMPAIGN, record

KILLS = 16 if CAMPAIGN else 2
SLOW_KILLS = 8
FAULTS = ("full", "denied", "gone", "removed", "back", "limit", "twice")
# In make test: one command that writes a file, one a folder, one a library's cases.
KINDS = [*MAKERS, *SLOW_MAKERS] if CAMPAIGN else ["softmask", "export_nnunet", "import_bids"]
LOADED = (
    ("segment", "train", "change", "evaluate", "compare-models", "promote-model", "library-export", "softmask", "study")
    if CAMPAIGN
    else ("library-export", "softmask")
)
SEED = 20261129


@dataclass(frozen=True)
class Stage:
    """A command with its inputs, what its targets hold before and after it, and how long it takes."""

    root: Path
    warm: WarmProcess
    command: Command
    before: dict[str, bytes]
    inputs: dict[str, bytes]
    after: dict[str, bytes]
    stable: frozenset[str]
    operations: int
    seconds: float

    @property
    def targets(self) -> Path:
        return self.root / "targets"

    def reset(self, held: dict[str, bytes]) -> None:
        """Let the targets hold this and nothing else."""
        shutil.rmtree(self.targets, ignore_errors=True)
        self.targets.mkdir()
        for name, content in held.items():
            path = self.targets / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def run(self, fault: Fault | None = None, *more: str, times: int = 1) -> list[Ended]:
        return self.warm.run([*self.command.words, *more], fault, times=times)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def is_hidden(name: str) -> bool:
    """What only the next run needs to know of: partial folders, a library's own, the run that a training goes on with."""
    return any(part.startswith(".") or part == "out.run" for part in Path(name).parts)


def is_record(name: str) -> bool:
    """Whether a file says how long a run took or on which day, or is a library's record of a case."""
    says_times = name.endswith((".html", "result.json", "model.json", "card.md")) or name.startswith("out/logs/")
    return says_times or ("library/derivatives/" in name and name.endswith(".json"))


def seen(held: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in held.items() if not is_hidden(name)}


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    root = tmp_path_factory.mktemp("faults")
    places = {"MODELS": root / "targets" / "models", "CACHE": root / "cache", "JOBS": root / "jobs"}
    environment = {f"MSSOFTSEG_{name}": str(path) for name, path in places.items()}
    process = WarmProcess(environment, kinds=LOADED)
    yield root, process
    process.close()


@pytest.fixture
def stage(warm, request):
    root, process = warm
    for name in ("inputs", "targets", "cache"):
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir()
    command = {**MAKERS, **SLOW_MAKERS}[request.param](root / "inputs", root / "targets")
    before, inputs = contents(root / "targets"), contents(root / "inputs")
    made = Stage(root, process, command, before, inputs, {}, frozenset(), 0, 0.0)
    outcomes = []
    for _ in range(2):
        made.reset(before)
        (ended,) = made.run(Fault(below=str(made.targets)))
        assert ended.code == 0, ended.said
        outcomes.append((contents(made.targets), ended))
    (first, _), (second, ended) = outcomes
    assert set(seen(first)) == set(seen(second))
    # DICOM objects are new ones every time; how often a record was written, and when, is its history's to say.
    stable = frozenset(name for name in seen(first) if first[name] == second[name] and not is_record(name))
    return Stage(root, process, command, before, inputs, first, stable, ended.operations, ended.seconds)


def is_whole(held: dict[str, bytes], stage: Stage) -> bool:
    """Whether a finished command's files are there, those that do not tell the time byte for byte."""
    return set(held) == set(seen(stage.after)) and all(held[name] == stage.after[name] for name in stage.stable)


def check_state(stage: Stage, held: dict[str, bytes], begun_with: dict[str, bytes]) -> str:
    """What a run left is all or nothing; "whole", "absent" or, of a library on its way, "part"."""
    assert contents(stage.root / "inputs") == stage.inputs
    now = seen(held)
    for name, content in now.items():
        if name.endswith(".json") and not name.endswith("pairs.json"):
            json.loads(content)
    library = stage.targets / ("out/library" if stage.command.grows else "library")
    if begun_with is stage.before and now == seen(begun_with):
        return "absent"
    if is_whole(now, stage):
        return "whole"
    if stage.command.grows:
        # What stands in its place already is what it will be; scratch has folders of its own.
        assert not [name for name in stage.stable & now.keys() if now[name] != stage.after[name]]
        assert all(name.startswith(("out/prepared/", "out/runs/")) for name in now.keys() - stage.after.keys())
        assert not (library / DESCRIPTION).exists() or check_library(library) == []
        return "part"
    if library.is_dir():
        assert not (library / DESCRIPTION).exists() or check_library(library) == []
        kept = {n: c for n, c in seen(begun_with).items() if "/sub-" in n and n in stage.after and stage.after[n] == c}
        assert kept.items() <= now.items()
        return "part"
    if not now.keys() & begun_with.keys() and begun_with:
        # In the moment between two renamings the old result stands aside, whole, and its own next run puts it back.
        assert any(".replaced-" in name for name in held), sorted(held)
    first = {name for name in stage.after if stage.command.first and name.startswith(stage.command.first)}
    assert not first & set(now) or first <= set(now), sorted(now)
    old = set(seen(begun_with)) if seen(begun_with).items() <= now.items() else set()
    assert not set(now) - old - {"out.json", *first, *(n for n in stage.after if n.startswith("out_labels"))}, sorted(
        now
    )
    return "absent"


def run_again(stage: Stage, state: str, where: str, *given: str) -> None:
    """The same command succeeds, or finds its work done; what is there then is whole, and nothing lies about."""
    begun = any(path.name.endswith(".run") for path in stage.targets.iterdir())
    begun = begun or (stage.command.grows and (stage.targets / "out" / PLAN_FILE).exists())
    more = stage.command.again if begun else ()
    (ended,) = stage.run(None, *given, *more)
    if ended.code == 2 and state == "whole":
        assert any(words in ended.said for words in stage.command.done), f"{where}: {ended.said}"
    else:
        assert ended.code == 0, f"{where}: {ended.said}"
    held = contents(stage.targets)
    now = seen(held)
    assert set(now) == set(seen(stage.after)), f"{where}: {sorted(set(now) ^ set(seen(stage.after)))}"
    assert not [name for name in stage.stable if now[name] != stage.after[name]], where
    # A library's own folder may keep for a day what a killed writer had not decided.
    left = [name for name in held if ("partial" in name or "replaced" in name) and ".mssoftseg" not in name]
    assert not left, f"{where}: {left}"
    if (stage.targets / "library" / DESCRIPTION).exists():
        assert check_library(stage.targets / "library") == []


@pytest.mark.parametrize("stage", KINDS, indirect=True)
def test_a_killed_command_leaves_all_or_nothing_and_runs_again(stage, request):
    name = request.node.callspec.params["stage"]
    rng, counts = random.Random(f"{SEED} {name}"), collections.Counter()
    for number in range(SLOW_KILLS if name in SLOW_MAKERS else KILLS):
        # Every other time an old result is there and may be replaced.
        replaces = number % 4 >= 2 and stage.command.overwrites and (stage.targets / "library").is_dir() is False
        replaces = replaces and stage.command.words[0] != "models"
        begun_with = {n: c for n, c in stage.after.items() if not is_hidden(n)} if replaces else stage.before
        stage.reset(begun_with)
        if number % 2:
            fault = Fault("die", str(stage.targets), at=rng.randint(1, stage.operations))
        else:
            fault = Fault("die", after_s=rng.uniform(0.001, 1.05 * stage.seconds))
        more = ["--overwrite"] if replaces else []
        (ended,) = stage.run(fault, *more)
        # A command whose helper was killed in its place says so.
        assert ended.code in (0, -9) or "was killed" in ended.said, ended.said
        state = check_state(stage, contents(stage.targets), begun_with)
        assert state == "whole" or ended.code, ended.said
        counts["killed" if ended.code else "ended"] += 1
        counts[state] += bool(ended.code)
        run_again(stage, state, f"{name} {fault} {more}", *more)
    record(f"killed jobs: {name.replace('_', ' ')}", dict(counts))


def the_fault(kind: str, stage: Stage, rng: random.Random) -> Fault | None:
    if kind == "twice":
        return None
    if kind == "limit":
        sizes = sorted({0, *(len(content) for content in stage.after.values())})
        return Fault(bytes=rng.randint(1, max(2, sizes[-1])))
    return Fault(kind, str(stage.targets), at=rng.randint(1, stage.operations))


@pytest.mark.parametrize("stage", KINDS, indirect=True)
def test_a_command_whose_disk_fails_it_says_so_and_runs_again(stage, request):
    name = request.node.callspec.params["stage"]
    rng, counts = random.Random(f"{SEED} faults {name}"), collections.Counter()
    for kind in FAULTS:
        stage.reset(stage.before)
        fault = the_fault(kind, stage, rng)
        ended = stage.run(fault, times=2 if kind == "twice" else 1)
        where = f"{name} {kind} {fault}"
        for each in ended:
            assert each.code in (0, 2, 3, 4), f"{where}: {each}"
            assert "Traceback" not in each.said, f"{where}: {each.said}"
            if each.code:
                last = each.said.rstrip().splitlines()[-1]
                assert last.startswith("error: "), f"{where}: {each.said}"
                assert " — " in last, f"{where}: {each.said}"
                assert kind == "removed" or "unexpected" not in last, f"{where}: {last}"
        codes = [each.code for each in ended]
        assert kind not in ("back", "twice") or 0 in codes, f"{where}: {[each.said for each in ended]}"
        counts[f"{kind}: {'ended well' if 0 in codes else 'refused'}"] += 1
        if kind == "removed":
            assert contents(stage.root / "inputs") == stage.inputs
            stage.reset(stage.before)
        state = check_state(stage, contents(stage.targets), stage.before)
        assert kind == "removed" or state == "whole" or 0 not in codes, where
        run_again(stage, state, where)
    record(f"failing disks: {name.replace('_', ' ')}", dict(counts))
