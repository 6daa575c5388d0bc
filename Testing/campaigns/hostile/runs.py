"""Runs a hostile input through a command and judges the answer: exit code, words, and that nothing was written or executed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.cli.main import run_command
from Testing.patience import HANGING_S

CHECKOUT = Path(__file__).resolve().parents[3]
# What a hostile input leaves in the current folder where it is executed.
CANARY = "executed"
PLAIN = '"$@"'
DONE, REFUSED, LACKS, FAILED, CANCELLED = 0, 2, 3, 4, 130
# An administrator's permissions are taken away where an input is about them.
WITHOUT_RIGHTS = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
)


@dataclass(frozen=True)
class Hostile:
    """make: fills the folder for inputs, and the one for what may be written to with what is there before; the command's words.

    says: a part of what is said on stderr, its last line where it fails. code: the exit code. shell: how a shell starts the
    command, where that matters. rights: run by somebody whom permissions concern. changes: targets may change.
    """

    name: str
    make: Callable[[Path, Path], list[str]]
    says: str = ""
    code: int = REFUSED
    shell: str = PLAIN
    rights: bool = False
    changes: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it needs no process of its own."""
        return self.shell == PLAIN and not self.rights


def run_as_command(words: list[str], hostile: Hostile, place: Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command, as a shell starts it in the place."""
    before = WITHOUT_RIGHTS if hostile.rights and os.geteuid() == 0 else ()
    command = [
        "bash",
        "-o",
        "pipefail",
        "-c",
        hostile.shell,
        "bash",
        *before,
        sys.executable,
        "-m",
        "MSSoftSegLib",
        *words,
    ]
    ended = subprocess.run(
        command,
        capture_output=True,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=HANGING_S,
    )
    return ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")


def run_here(words: list[str], capsys) -> tuple[int, str, str]:
    """The same in this process."""
    capsys.readouterr()
    code = run_command(words)
    printed, said = capsys.readouterr()
    return code, printed, said


def list_contents(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file, link and folder below a folder: what it is, its size and time."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))] if folder.exists() else []:
        told = path.lstat()
        size = 0 if stat.S_ISDIR(told.st_mode) else told.st_size
        found[str(path)] = (told.st_mode, size, 0 if stat.S_ISDIR(told.st_mode) else told.st_mtime_ns)
    return found


def find_faults(hostile: Hostile, answer: tuple[int, str, str], place: Path) -> list[str]:
    """What is wrong with an answer, in words; nothing where it is as it should be."""
    code, printed, said = answer
    faults = [] if code == hostile.code else [f"exit code {code}, not {hostile.code}"]
    last = said.rstrip().splitlines()[-1] if said.strip() else ""
    if code and not (last.startswith("error: ") and " — " in last):
        faults.append("the last line is no error that says what to do")
    if hostile.says and hostile.says not in (last if code else said + printed):
        faults.append(f"nothing is said of {hostile.says!r}")
    if "Traceback" in said or "unexpected" in said:
        faults.append("it was unexpected")
    if str(place) in said:
        faults.append("a path is shown")
    if any(character < " " and character not in "\n\t\r" for character in printed + said):
        faults.append("control characters are shown")
    if (place / CANARY).exists():
        faults.append("it was executed")
    return faults
