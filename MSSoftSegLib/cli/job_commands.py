"""``segment``, ``preprocess`` and ``worker``: the commands that are jobs."""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say, show_events
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.run import JobOutcome, make_failed_event, parse_job, run
from MSSoftSegLib.network.catalog import find_default_model


def segment(
    out: options.Out,
    flair: options.Flair = None,
    t1: options.T1 = None,
    t2: options.T2 = None,
    pd: options.ProtonDensity = None,
    exam: options.ExamFolder = None,
    dicom: options.DicomFolder = None,
    series: options.Series = None,
    yes: options.TakeBest = False,
    model: Annotated[
        str | None,
        typer.Option("--model", help="name of an installed model, or a bundle's folder (default: models list)"),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    brain: options.Brain = "auto",
    reference: Annotated[
        str, typer.Option("--reference", help="whose native grid the outputs lie on: flair, t1 or t2")
    ] = "flair",
    align_to: options.AlignTo = None,
    preprocessed: Annotated[
        bool, typer.Option("--preprocessed", help="the images are aligned, corrected and brain-extracted, on one grid")
    ] = False,
    tta: Annotated[str | None, typer.Option("--tta", help="flips8 or none (default: the model's)")] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="probability threshold (default: the model's)")
    ] = None,
    keep_working: Annotated[
        bool, typer.Option("--keep-working/--no-keep-working", help="keep working/ in the result")
    ] = True,
    dicom_seg: Annotated[
        bool,
        typer.Option(
            "--dicom-seg", help="of --dicom: DICOM segmentations too, in the exam's study; they name the patient"
        ),
    ] = False,
    overwrite: options.Overwrite = False,
    cache: options.UseCache = True,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Segment the MS lesions of one exam (research use only).

    Example: mssoftseg segment --exam EXAM_FOLDER --out RESULT_FOLDER, or --dicom FOLDER instead of --exam
    """
    spec = {
        "exam": {
            **_exam_source(exam, flair, t1, t2, pd, take_best=yes),
            "dicom": dicom,
            "series": options.parse_series_by_modality(series),
        },
        "out": out,
        "model": find_default_model() if model is None else model,
        "device": device,
        "preprocessing": {"brain": brain, "align_to": align_to},
        "preprocessed": preprocessed,
        "reference": reference,
        "tta": tta,
        "threshold": threshold,
        "keep_working": keep_working,
        "dicom_seg": dicom_seg,
        "overwrite": overwrite,
        "use_cache": cache,
    }
    outcome = run_job("segment", spec, json_events=json_events, debug=debug)
    finish(outcome, json_events=json_events)


def preprocess(
    out: options.Out,
    flair: options.Flair = None,
    t1: options.T1 = None,
    t2: options.T2 = None,
    pd: options.ProtonDensity = None,
    exam: options.ExamFolder = None,
    dicom: options.DicomFolder = None,
    series: options.Series = None,
    yes: options.TakeBest = False,
    brain: options.Brain = "auto",
    align_to: options.AlignTo = None,
    overwrite: options.Overwrite = False,
    cache: options.UseCache = True,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Align, correct the bias field, extract the brain, resample to 1 mm; nothing else.

    Example: mssoftseg preprocess --exam EXAM_FOLDER --out WORKING_FOLDER
    """
    spec = {
        "exam": {
            **_exam_source(exam, flair, t1, t2, pd, take_best=yes),
            "dicom": dicom,
            "series": options.parse_series_by_modality(series),
        },
        "out": out,
        "preprocessing": {"brain": brain, "align_to": align_to},
        "overwrite": overwrite,
        "use_cache": cache,
    }
    outcome = run_job("preprocess", spec, json_events=json_events, debug=debug)
    finish(outcome, json_events=json_events)


def worker() -> None:
    """Read one JSON job a line on stdin, answer with JSON events on stdout.

    Example: echo '{"ping":1}' | mssoftseg worker
    """
    from MSSoftSegLib.jobs.worker import main

    main()


def run_job(kind: str, spec: dict[str, Any], *, json_events: bool, debug: bool) -> JobOutcome:
    """Validate and run one job in this process, showing its events."""
    name = uuid.uuid4().hex[:12]
    with show_events(json_events=json_events) as emit, watch_for_interrupt() as interrupted:
        try:
            job = parse_job({"job": name, "kind": kind, "spec": spec})
        except RequestError as problem:
            emit(make_failed_event(name, problem))
            return JobOutcome(problem.exit_code, None, problem)
        return run(job, emit, cancelled=interrupted, debug=debug)


@contextmanager
def watch_for_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: compiled code can swallow the exception, the job then asks here."""
    pressed = threading.Event()

    def press(number: int, frame: object) -> None:
        pressed.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def finish(outcome: JobOutcome, *, json_events: bool) -> None:
    """Say where the result is, or raise what went wrong."""
    if outcome.error is not None:
        raise outcome.error
    if not json_events:
        say(str(outcome.path))


def _exam_source(
    folder: Path | None, flair: Path | None, t1: Path | None, t2: Path | None, pd: Path | None, *, take_best: bool
) -> dict[str, Any]:
    return {"folder": folder, "flair": flair, "t1": t1, "t2": t2, "pd": pd, "take_best": take_best}
