"""The command ``mssoftseg``: every failure ends in one line that says what and what to do."""

from __future__ import annotations

import logging
import os
import sys

import typer

from MSSoftSegLib.cli import (
    change_command,
    demo_command,
    dicom_command,
    doctor_command,
    evaluate_command,
    job_commands,
    jobs_commands,
    library_commands,
    model_commands,
    pseudolabel_command,
    recipe_commands,
    regions_command,
    softmask_command,
    study_command,
    synthesize_command,
    train_command,
)
from MSSoftSegLib.cli.cohorts import cohort_command
from MSSoftSegLib.cli.display import (
    close_output,
    make_harmless,
    make_output_error,
    open_closed_streams,
    say,
    say_error,
)
from MSSoftSegLib.errors import JobCancelled, MSSoftSegError, make_user_error
from MSSoftSegLib.version import VERSION

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Soft segmentation of multiple sclerosis lesions with uncertainty. Research use only; not a medical device.",
)
app.command()(job_commands.segment)
app.command()(job_commands.preprocess)
app.command()(dicom_command.dicom)
app.command()(regions_command.regions)
app.command()(change_command.change)
app.command()(cohort_command.cohort)
app.command()(softmask_command.softmask)
app.command()(train_command.train)
app.command()(study_command.study)
app.command()(synthesize_command.synthesize)
app.command()(pseudolabel_command.pseudolabel)
app.command()(evaluate_command.evaluate)
app.command()(demo_command.demo)
app.command()(doctor_command.doctor)
app.command()(job_commands.worker)
app.add_typer(library_commands.app, name="library")
app.add_typer(model_commands.app, name="models")
app.add_typer(recipe_commands.app, name="recipes")
app.add_typer(jobs_commands.app, name="jobs")


def _version(asked: bool) -> None:
    if asked:
        say(f"mssoftseg {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="print the version"),
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that Docs/contract.md section 2 gives."""
    open_closed_streams()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    sys.exit(_flushed(run_command(arguments)))


def _flushed(code: int) -> int:
    """The same exit code, unless what was printed did not arrive where it was to go."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has read enough (``| head``): no failure of the command.
        close_output()
    except OSError as problem:
        close_output()
        if code == 0:
            error = make_output_error(problem)
            _say_what_failed(error)
            return error.exit_code
    return code


def _say_what_failed(problem: object) -> None:
    """The last line, which is one whatever is named in it."""
    say_error(make_harmless(f"error: {problem}", one_line=True))


def _without_folders(message: str, given: list[str]) -> str:
    """What the parser says of an option, its path by base name only: folders can name patients."""
    for word in given:
        path = word.partition("=")[2] if word.startswith("--") else word
        if os.path.basename(path) and path != os.path.basename(path):
            message = message.replace(path, os.path.basename(path))
    return message


def run_command(arguments: list[str] | None = None) -> int:
    """The exit code of one command; what went wrong is the last line on stderr."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = typer.main.get_command(app).main(args=given or ["--help"], prog_name="mssoftseg", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except MSSoftSegError as problem:
        _say_what_failed(problem)
        return problem.exit_code
    except (typer.Abort, KeyboardInterrupt):
        _say_what_failed(JobCancelled())
        return JobCancelled.exit_code
    except BrokenPipeError:
        return 0
    except typer.TyperException as problem:
        _say_what_failed(f"{_without_folders(problem.format_message().rstrip('.'), given)} — see mssoftseg --help")
        return 2
    except Exception as problem:
        if "--debug" in given:
            raise
        error = make_user_error(problem)
        _say_what_failed(error)
        return error.exit_code
