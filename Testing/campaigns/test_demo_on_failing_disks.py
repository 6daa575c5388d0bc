"""The demo on a disk that fails it at one place after another: full, read-only, gone, too small; really small, really read-only.

It says so in one line, leaves nothing where its result would be, and runs to its end once the disk is well again.
"""

from __future__ import annotations

import collections
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from Testing.campaigns.faults import Ended, Fault, WarmProcess
from Testing.campaigns.record import CAMPAIGN, record

pytestmark = pytest.mark.skipif(not CAMPAIGN, reason="make campaigns: a demo takes seconds to a minute")
# "study" lets the demo's patient be the coarse one.
LOADED = ("segment", "study")
PLACES = 6
KINDS = ("full", "denied", "gone")
# Of the room that a whole run needs, scratch included.
DISKS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
SPARE = 1.3


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    environment = {"MSSOFTSEG_MODELS": str(root / "models"), "MSSOFTSEG_CACHE": str(root / "cache")}
    process = WarmProcess(environment, kinds=LOADED)
    yield process
    process.close()


@pytest.fixture(scope="module")
def whole(warm, tmp_path_factory):
    """An undisturbed run: how many file operations it takes, and how many bytes it leaves, of which the largest file."""
    targets = tmp_path_factory.mktemp("whole")
    (ended,) = warm.run(words(targets), Fault(below=str(targets)))
    assert ended.code == 0, ended.said
    sizes = [path.stat().st_size for path in targets.rglob("*") if path.is_file()]
    return ended.operations, sum(sizes), max(sizes), names(targets)


def words(targets: Path) -> list[str]:
    return ["demo", "--out", str(targets / "out")]


def names(targets: Path) -> set[str]:
    return {str(path.relative_to(targets)) for path in targets.rglob("*")}


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own at the folder."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this container may not mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def check_refusal(ended: Ended, targets: Path, where: str, *, may_leave_scratch: bool) -> str:
    """A run that failed says what and what to do, and its result is not there; which words came first."""
    assert ended.code in (2, 3), f"{where}: {ended}"
    last = ended.said.rstrip().splitlines()[-1]
    assert last.startswith("error: "), f"{where}: {ended.said}"
    assert " — " in last, f"{where}: {ended.said}"
    assert "Traceback" not in ended.said, f"{where}: {ended.said}"
    assert "unexpected" not in last, f"{where}: {last}"
    left = {path.name for path in targets.iterdir()}
    assert "out" not in left, f"{where}: {left}"
    assert may_leave_scratch or not left, f"{where}: {left}"
    return f"exit code {ended.code}"


def check_runs_again(warm: WarmProcess, targets: Path, wanted: set[str]) -> None:
    (ended,) = warm.run(words(targets))
    assert ended.code == 0, ended.said
    assert names(targets) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_from_some_place_on(warm, whole, tmp_path, kind):
    operations, *_, wanted = whole
    counts: collections.Counter[str] = collections.Counter()
    targets = tmp_path / "targets"
    for place in range(PLACES):
        shutil.rmtree(targets, ignore_errors=True)
        targets.mkdir()
        at = max(1, round(operations * (place + 0.5) / PLACES))
        (ended,) = warm.run(words(targets), Fault(kind, str(targets), at=at))
        where = f"{kind} from operation {at} of {operations}"
        # Nothing can be removed either where nothing may be written or reached; the next run tidies up.
        counts[check_refusal(ended, targets, where, may_leave_scratch=kind != "full")] += 1
        counts["places"] += 1
    check_runs_again(warm, targets, wanted)
    record(f"demo on failing disks: {kind}", dict(counts))


def test_files_that_may_not_grow(warm, whole, tmp_path):
    _, _, largest, wanted = whole
    counts: collections.Counter[str] = collections.Counter()
    targets = tmp_path / "targets"
    targets.mkdir()
    for part in (0.001, 0.05, 0.3, 0.7):
        limit = max(1, round(largest * part))
        (ended,) = warm.run(words(targets), Fault(bytes=limit))
        counts[check_refusal(ended, targets, f"files of {limit} bytes", may_leave_scratch=False)] += 1
        counts["places"] += 1
    check_runs_again(warm, targets, wanted)
    record("demo on failing disks: files limited", dict(counts))


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk can be mounted by the administrator only")
def test_real_disks_that_are_too_small_or_read_only(warm, whole, tmp_path):
    _, total, _, wanted = whole
    counts: collections.Counter[str] = collections.Counter()
    for part in DISKS:
        with small_disk(tmp_path / f"disk-{part}", f"size={round(total * part)}") as targets:
            (ended,) = warm.run(words(targets))
            counts[check_refusal(ended, targets, f"a disk of {part:.0%}", may_leave_scratch=False)] += 1
            counts["full on the way"] += 1
            # Somebody made room.
            subprocess.run(
                ["mount", "-o", f"remount,size={round(total * SPARE) + (1 << 20)}", str(targets)], check=True
            )
            if part == DISKS[-1]:
                check_runs_again(warm, targets, wanted)
    with small_disk(tmp_path / "read-only", "size=64m") as targets:
        subprocess.run(["mount", "-o", "remount,ro", str(targets)], check=True)
        (ended,) = warm.run(words(targets))
        counts[check_refusal(ended, targets, "a read-only disk", may_leave_scratch=False)] += 1
        counts["read-only"] += 1
    record("demo on failing disks: real small disks", dict(counts))
