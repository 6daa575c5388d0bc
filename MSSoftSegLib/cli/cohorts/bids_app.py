"""``mssoftseg-bids``: the BIDS App. Its arguments are those that every BIDS App takes (Gorgolewski et al. 2017), and ours."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from MSSoftSegLib.cli.cohorts.cohort_command import make_cohort_settings
from MSSoftSegLib.cli.cohorts.cohort_running import compare_visits_of, parse_part, raise_failures, segment_all
from MSSoftSegLib.cli.display import open_closed_streams, say, say_error
from MSSoftSegLib.cohort.bids_tree import check_described, find_bids_exams
from MSSoftSegLib.cohort.engine.job_array import make_slurm_script
from MSSoftSegLib.cohort.exam_list import choose_exams, select_part
from MSSoftSegLib.cohort.group.writing import write_group
from MSSoftSegLib.cohort.places import GROUP_PAGE
from MSSoftSegLib.errors import JobCancelled, MSSoftSegError, RequestError, make_user_error
from MSSoftSegLib.version import VERSION

PROGRAM = "mssoftseg-bids"
LEVELS = ("participant", "group")


class _Parser(argparse.ArgumentParser):
    """Errors end in one line like those of ``mssoftseg``."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, remedy=f"see {PROGRAM} --help")


def make_parser() -> argparse.ArgumentParser:
    """The definition of the command line; the Boutiques descriptor is made of it."""
    made = _Parser(
        prog=PROGRAM,
        description="Soft segmentation of multiple sclerosis lesions of a BIDS data set (research use only).",
        epilog=f"Example: {PROGRAM} BIDS BIDS/derivatives/mssoftseg participant --participant-label 01 02",
    )
    add = made.add_argument
    add("bids_dir", type=Path, help="the BIDS data set")
    add("output_dir", type=Path, help="folder of the derivatives; complete results in it are kept")
    add("analysis_level", choices=LEVELS, help="participant: segment every exam; group: tables and page of all exams")
    add("--participant-label", "--participant_label", nargs="+", default=[], help="only these, without sub-")
    add("--session-label", "--session_label", nargs="+", default=[], help="only these sessions, without ses-")
    add("--skip-bids-validation", "--skip_bids_validator", action="store_true", help="do not look at the description")
    add("--model", help="name of an installed model, or a bundle's folder (default: the default model)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    add("--brain", default="auto", help="auto, hd-bet, atlas or none")
    add("--tta", choices=("flips8", "none"), help="mirrored passes (default: the model's)")
    add("--threshold", type=float, help="probability from which on a voxel is lesion (default: the model's)")
    add("--keep-working", action="store_true", help="keep the preprocessed images too")
    add("--cache", action="store_true", help="keep preprocessing steps, for exams that are interrupted")
    add("--workers", type=int, default=1, help="exams at a time on this machine (default: 1)")
    add("--cluster", type=Path, help="YAML file: workers as jobs of a queueing system")
    add("--part", help="only this part of the exams, as 3/20")
    add("--print-slurm-array", action="store_true", help="print a job script and do nothing")
    add("--debug", action="store_true", help="show tracebacks of failures")
    add("--version", action="version", version=f"{PROGRAM} {VERSION}")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and exit: 0 all exams have a result, 2 the request is wrong, 3 the machine lacks something, 4 some have none."""
    open_closed_streams()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    sys.exit(run_bids_app(sys.argv[1:] if arguments is None else arguments))


def run_bids_app(arguments: Sequence[str]) -> int:
    """The exit code of one call; what went wrong is the last line on stderr."""
    try:
        _run(make_parser().parse_args(arguments), arguments)
        return 0
    except SystemExit as end:
        return int(end.code or 0)
    except MSSoftSegError as problem:
        say_error(f"error: {problem}")
        return problem.exit_code
    except KeyboardInterrupt:
        say_error(f"error: {JobCancelled()}")
        return JobCancelled.exit_code
    except Exception as problem:
        if "--debug" in arguments:
            raise
        error = make_user_error(problem)
        say_error(f"error: {error}")
        return error.exit_code


def _run(asked: argparse.Namespace, arguments: Sequence[str]) -> None:
    if asked.workers < 1:
        raise RequestError("--workers must be at least 1", remedy=f"see {PROGRAM} --help")
    every = find_bids_exams(asked.bids_dir)
    if not asked.skip_bids_validation:
        check_described(asked.bids_dir)
    exams = choose_exams(every, participants=asked.participant_label, sessions=asked.session_label)
    if not exams:
        raise RequestError("no exam has both a chosen participant and a chosen session", remedy="choose others")
    if asked.print_slurm_array:
        say(_script(asked, arguments, len(exams)).rstrip())
    elif asked.analysis_level == "group":
        compare_visits_of(exams, every, asked.output_dir)
        write_group(asked.output_dir, exams)
        say(str(asked.output_dir / GROUP_PAGE))
    else:
        mine = exams if asked.part is None else select_part(exams, *parse_part(asked.part))
        settings = make_cohort_settings(
            model=asked.model,
            device=asked.device,
            brain=asked.brain,
            tta=asked.tta,
            threshold=asked.threshold,
            keep_working=asked.keep_working,
            cache=asked.cache,
        )
        outcome = segment_all(
            mine,
            asked.output_dir,
            settings,
            raw=asked.bids_dir,
            workers=asked.workers,
            cluster=asked.cluster,
            debug=asked.debug,
        )
        compare_visits_of(mine, every, asked.output_dir)
        raise_failures(outcome, len(mine))


def _script(asked: argparse.Namespace, arguments: Sequence[str], exams: int) -> str:
    """The job script that does what this command line asks for."""
    program = shutil.which(PROGRAM) or PROGRAM
    places = {str(asked.bids_dir), str(asked.output_dir)}
    given = [
        str(Path(each).resolve()) if each in places else each for each in arguments if each != "--print-slurm-array"
    ]
    group = [program, str(asked.bids_dir.resolve()), str(asked.output_dir.resolve()), "group"]
    return make_slurm_script([program, *given], group, exams=exams)


if __name__ == "__main__":
    main()
