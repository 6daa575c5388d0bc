"""Inputs of every kind, damaged: used, or refused in our words with exit code 2; nothing is written elsewhere, nothing hangs.

Thirty-six inputs in ``make test``; fifteen hundred in ``make campaigns``.
"""

from __future__ import annotations

import collections
import io
import json
import logging
import random
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.jobs.evaluate import evaluate
from MSSoftSegLib.jobs.worker import Worker
from MSSoftSegLib.library.creation import create_library
from Testing.campaigns.damaged_inputs import KINDS, lesions
from Testing.campaigns.mutations import changed_json
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY
from Testing.MSSoftSegLib.library.made_cases import written

INPUTS_OF_A_KIND = 120 if CAMPAIGN else 3
# A hang, not a slow machine.
LONGEST_S = 600
# A folder's name can be the patient's.
PATIENT = "Doe_Jane_1980"
# A header's words; what stands in DICOM is never said.
NAMED = [IDENTITY[key] for key in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber")]
# Every exam of a cohort failed: each one is named with what to do.
SOME_FAILED = 4


@contextmanager
def no_longer_than(seconds):
    """Ends what hangs."""

    def stop(signum, frame):
        raise TimeoutError(f"it hung for {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file of a folder."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of a patient's name for inputs, and elsewhere a library and a folder for outputs."""
    monkeypatch.setattr(evaluate, "draw_figures", lambda cases: {})
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "targets" / "models"))
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path / "targets" / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_input_is_used_or_refused_in_our_words(place, kind, capsys):
    counts = collections.Counter()
    for seed in range(INPUTS_OF_A_KIND):
        inputs, targets = place / PATIENT / "data", place / "targets"
        for folder in (place / PATIENT, targets):
            shutil.rmtree(folder, ignore_errors=True)
        inputs.mkdir(parents=True)
        targets.mkdir()
        command = KINDS[kind](inputs, random.Random(f"{kind} {seed}"))
        library = create_library(targets / "library")
        words = [word.replace("LIBRARY", str(library)).replace("OUT", str(targets)) for word in command]
        before = contents(place / PATIENT)
        capsys.readouterr()
        logging.disable(logging.NOTSET)
        with no_longer_than(LONGEST_S):
            code = run_command(words)
        printed, said = capsys.readouterr()
        where = f"{kind} {seed}: {' '.join(words)}"
        assert code in (0, 2) or (code == SOME_FAILED and kind == "cohort"), f"{where}\n{said}"
        assert "Traceback" not in said, where
        if code:
            last = said.rstrip().splitlines()[-1]
            assert last.startswith("error: "), f"{where}\n{said}"
            assert " — " in last, f"{where}\n{said}"
        assert PATIENT not in said, f"{where}\n{said}"
        assert not [word for word in NAMED if word in said + printed], f"{where}\n{said}"
        assert contents(place / PATIENT) == before, where
        assert {path.name for path in place.iterdir()} <= {PATIENT, "targets"}, where
        assert not [path.name for path in targets.rglob("*partial*")], where
        counts["used" if code == 0 else "refused"] += 1
    record(f"mutated {kind}", dict(counts))


JOBS = (
    {"job": "a", "kind": "softmask", "spec": {"raters": ["mask.nii.gz"], "out": "targets/soft.nii.gz"}},
    {
        "job": "b",
        "kind": "evaluate",
        "spec": {"truth": ["mask.nii.gz"], "prediction": "mask.nii.gz", "out": "targets/m"},
    },
    {"job": "c", "kind": "library-worklist", "spec": {"library": "targets/library"}},
    {"job": "d", "kind": "library-open", "spec": {"library": "targets/library", "case": "sub-1"}},
    {"ping": 1},
    {"cancel": "a"},
)


def test_the_worker_answers_every_damaged_line_and_lives_on(place):
    (place / "targets").mkdir()
    written(lesions(1), place / "mask.nii.gz")
    create_library(place / "targets" / "library")
    draw = random.Random("lines")
    lines = []
    for _ in range(INPUTS_OF_A_KIND):
        document = changed_json(draw.choice(JOBS), draw)
        spec = document.get("spec") if isinstance(document, dict) else None
        if isinstance(spec, dict) and isinstance(spec.get("out"), str):
            # Where it is asked to write it may write.
            spec["out"] = f"targets/{len(lines)}.nii.gz"
        line = json.dumps(document)
        lines.append(line if draw.random() < 0.8 else line[: draw.randrange(len(line))] or "{")
    lines = [line for line in lines if "shutdown" not in line]
    answers = io.StringIO()
    with no_longer_than(LONGEST_S):
        Worker(io.StringIO("\n".join([*lines, '{"ping": 1}', '{"shutdown": 1}']) + "\n"), answers).serve()
    events = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert "pong" in [event["event"] for event in events]
    ends = collections.Counter(
        event["event"] for event in events if event["event"] in ("result", "failed", "cancelled", "pong")
    )
    unexpected = [event for event in events if event.get("code") == "job-failed"]
    assert not unexpected
    assert {path.name for path in place.iterdir()} <= {"mask.nii.gz", "targets"}
    record("mutated job lines", dict(ends))
