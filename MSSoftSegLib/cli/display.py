"""How a job's events reach the person in front of a shell: a progress bar on stderr, or a line per stage where that is a file
or a pipe, or JSON lines on stdout."""

from __future__ import annotations

import io
import json
import os
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from MSSoftSegLib.errors import EnvironmentLack
from MSSoftSegLib.jobs.events import Emit, Event
from MSSoftSegLib.jobs.worker import protect_stdout


@contextmanager
def show_events(*, json_events: bool) -> Iterator[Emit]:
    """The function that shows events while a job runs."""
    if json_events:
        stream = protect_stdout()

        def write(event: Event) -> None:
            # Whoever listened may be gone; the job is not.
            with suppress(BrokenPipeError):
                stream.write(json.dumps(event) + "\n")
                stream.flush()

        yield write
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def show(event: Event) -> None:
            if event["event"] == "progress":
                bar.update(task, completed=event["overall"], description=event["stage"])
            elif event["event"] == "log":
                bar.console.print(
                    event["message"],
                    style="yellow" if event["level"] == "warning" else "dim",
                    markup=False,
                    soft_wrap=True,
                )

        yield show


def _lines() -> Emit:
    """A plain line per stage, and what the job says, for whoever reads it later; a bar would leave nothing there."""
    begun = time.monotonic()
    seen: set[str] = set()

    def show(event: Event) -> None:
        if event["event"] == "progress" and event["stage"] not in seen:
            seen.add(event["stage"])
            text = f"{time.monotonic() - begun:7.1f} s  {event['overall']:4.0%}  {event['stage']}"
        elif event["event"] == "log":
            text = f"{event['level']}: {event['message']}"
        else:
            return
        with suppress(BrokenPipeError):
            say_error(text)
            sys.stderr.flush()

    return show


def open_closed_streams() -> None:
    """Give a process that was started with closed streams something to write to, and let no character be unprintable.

    Where standard output is closed, the next file that is opened would get its number, and whatever a library prints would be
    written into an image.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 (as long as the process)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print a plain result on stdout; EnvironmentLack where it is not taken there. A reader who has read enough may be gone."""
    try:
        sys.stdout.write(text + "\n")
    except BrokenPipeError:
        # Not for the parser of the command line: it would end the command with a code of its own.
        close_output()
    except OSError as problem:
        raise make_output_error(problem) from None


def close_output() -> None:
    """Let what is still printed on stdout go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def make_output_error(problem: OSError) -> EnvironmentLack:
    """What to say where standard output takes nothing."""
    return EnvironmentLack(
        f"standard output cannot be written to ({problem.strerror})", remedy="redirect it elsewhere and run again"
    )


def make_harmless(text: str, *, one_line: bool = False) -> str:
    """What a file of anybody's says, without characters that would move a terminal's cursor or rename its window."""
    kept = "\t" if one_line else "\n\t"
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(each) == "Cc" and each not in kept else each
        for each in text
    )


def say_error(text: str) -> None:
    """Print on stderr."""
    sys.stderr.write(text + "\n")
