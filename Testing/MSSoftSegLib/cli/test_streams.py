"""Standard streams that are closed, full, read no further or in another encoding: the command works, or says why it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "MSSoftSegLib", "recipes", "show", "softseg2020")
needs_shell = pytest.mark.skipif(os.name == "nt", reason="closes streams in a POSIX shell")


def shell(redirection: str, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line = " ".join(f"'{word}'" for word in command or COMMAND)
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line} {redirection}"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )


@needs_shell
def test_a_reader_who_has_read_enough_is_no_failure():
    ended = shell("| head -1")
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) == 1
    assert ended.stderr == ""


@needs_shell
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_where_nobody_reads_at_all_is_no_failure(unbuffered):
    # Containers often set it: then printing fails where it happens, not at the end.
    ended = shell("| true", PYTHONUNBUFFERED=unbuffered)
    assert ended.returncode == 0
    assert ended.stderr == ""


@needs_shell
def test_closed_streams_do_not_get_into_what_is_written(tmp_path):
    library = tmp_path / "library"
    ended = shell(">&- 2>&- <&-", sys.executable, "-m", "MSSoftSegLib", "library", "init", str(library))
    assert ended.returncode == 0
    # What the command prints, its folder, stands in none of its files.
    assert str(library) not in "".join(path.read_text(encoding="utf-8") for path in library.iterdir() if path.is_file())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_standard_output_is_told():
    ended = shell(">/dev/full")
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1].startswith("error: standard output cannot be written to")
    assert "Traceback" not in ended.stderr


@needs_shell
def test_an_encoding_without_the_signs_of_the_field_shows_others():
    ended = shell("", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.returncode == 0
    assert ended.stdout.isascii()
