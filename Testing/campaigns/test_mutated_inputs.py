"""Inputs of every kind, damaged: used, or refused in our words with exit code 2; nothing is written elsewhere, nothing hangs.

Thirty-six inputs in ``make test``; twelve hundred in ``make campaigns``.
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

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.evaluate import evaluate
from MSSoftSegLib.jobs.worker import Worker
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.resources import resources_folder
from Testing.campaigns.mutations import changed_json, damage_bytes, damage_tree, write_changed_json
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import SIZE, gray, labels, oblique_grid, written
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

INPUTS_OF_A_KIND = 120 if CAMPAIGN else 4
# A hang, not a slow machine.
LONGEST_S = 600
# A folder's name can be the patient's.
PATIENT = "Doe_Jane_1980"


def lesions(seed):
    """A mask with a few lesion voxels."""
    array = np.zeros(SIZE[::-1], np.uint8)
    array.ravel()[np.random.default_rng(seed).integers(0, array.size, 9)] = 1
    return oblique_grid(sitk.GetImageFromArray(array))


def nnunet(folder, draw):
    names = ["P1_visit1", "P1_visit2", "P2"]
    for number, name in enumerate(names):
        for channel in range(2):
            written(gray(10 * number + channel), folder / "imagesTr" / f"{name}_{channel:04d}.nii.gz")
        written(lesions(number), folder / "labelsTr" / f"{name}.nii.gz")
    document = {"channel_names": {"0": "FLAIR", "1": "T1"}, "labels": {"background": 0, "lesion": 1}, "numTraining": 3}
    describe(folder, {**document, "file_ending": ".nii.gz"}, draw)
    return ["library", "import", "LIBRARY", "--format", "nnunet", "--from", str(folder)]


def msd(folder, draw):
    for name in ("C1", "C2"):
        join = sitk.JoinSeriesImageFilter()
        written(join.Execute([gray(1), gray(2)]), folder / "imagesTr" / f"{name}.nii.gz")
        written(lesions(3), folder / "labelsTr" / f"{name}.nii.gz")
    pairs = [{"image": f"imagesTr/{name}.nii.gz", "label": f"labelsTr/{name}.nii.gz"} for name in ("C1", "C2")]
    document = {"modality": {"0": "FLAIR", "1": "T1w"}, "labels": {"0": "background", "1": "lesion"}, "training": pairs}
    describe(folder, document, draw)
    return ["library", "import", "LIBRARY", "--format", "msd", "--from", str(folder)]


def bids(folder, draw):
    for subject in ("A", "B"):
        anat = folder / f"sub-{subject}" / "anat"
        written(gray(1), anat / f"sub-{subject}_FLAIR.nii.gz")
        written(gray(2), anat / f"sub-{subject}_T1w.nii.gz")
        write_changed_json(anat / f"sub-{subject}_T1w.json", SIDECAR, draw)
        written(
            lesions(2), folder / "derivatives" / "manual" / f"sub-{subject}" / f"sub-{subject}_label-lesion_dseg.nii.gz"
        )
    damage_tree(folder, draw)
    return ["library", "import", "LIBRARY", "--format", "bids", "--from", str(folder)]


SIDECAR = {
    "Modality": "MR",
    "SeriesDescription": "t1_mprage_sag",
    "ImageType": ["ORIGINAL", "PRIMARY", "M"],
    "EchoTime": 0.003,
    "InversionTime": 0.9,
    "ContrastBolusAgent": "none",
    "PatientID": "7",
}


def exam(folder, draw):
    for name, seed in (("3D_FLAIR", 1), ("T1_mprage", 2), ("T2_tse", 3)):
        written(gray(seed), folder / f"{name}.nii.gz")
        write_changed_json(folder / f"{name}.json", SIDECAR if name[:2] == "T1" else {"SeriesDescription": name}, draw)
    damage_tree(folder, draw)
    return [
        "library",
        "add",
        "LIBRARY",
        "--id",
        "new",
        "--exam",
        str(folder),
        *(["--yes"] if draw.random() < 0.5 else []),
    ]


def masks(folder, draw):
    written(gray(1), folder / "FLAIR.nii.gz")
    mask = sitk.Cast(lesions(1), draw.choice([sitk.sitkUInt8, sitk.sitkFloat32, sitk.sitkInt16]))
    path = written(mask * draw.choice([1, 2, 255, 0]) + draw.choice([0, 0, 1]), folder / "mask.nii.gz")
    if draw.random() < 0.7:
        damage_bytes(draw.choice([path, folder / "FLAIR.nii.gz"]), draw)
    if draw.random() < 0.5:
        options = ["--flair", str(folder / "FLAIR.nii.gz"), "--mask", str(path), "--rater", "a"]
        return ["library", "add", "LIBRARY", "--id", "new", *options]
    return ["softmask", "--rater", str(path), "--method", "gaussian", "--out", "OUT/soft.nii.gz"]


def evaluation(folder, draw):
    written(lesions(1), folder / "truth.nii.gz")
    written(lesions(1), folder / "prediction.nii.gz")
    rows = [
        ["case", "truth", "prediction"],
        ["1", "truth.nii.gz", "prediction.nii.gz"],
        ["2", "truth.nii.gz", "truth.nii.gz"],
    ]
    row = draw.choice(rows)
    row[draw.randrange(3)] = draw.choice(["", "x", "../truth.nii.gz", "truth.nii.gz", "é", "case", '"', "1;2", "\0"])
    text = "\n".join(draw.choice([",", ",", ";"]).join(row) for row in rows)
    (folder / "pairs.csv").write_bytes(text.encode(draw.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"])))
    if draw.random() < 0.5:
        damage_bytes(folder / draw.choice(["truth.nii.gz", "prediction.nii.gz", "pairs.csv"]), draw)
    return ["evaluate", "--table", str(folder / "pairs.csv"), "--out", "OUT/metrics"]


def recipe(folder, draw):
    text = (resources_folder() / "Recipes" / "softseg2020.toml").read_text(encoding="utf-8")
    lines = text.splitlines()
    for _ in range(draw.randrange(1, 4)):
        number = draw.randrange(len(lines))
        lines[number] = draw.choice(
            ["", "[", "x = 1", "a = [[", '"é" = 2', "extends = 3", lines[number] * 2, lines[number][:-2]]
        )
    (folder / "r.toml").write_bytes(
        "\n".join(lines).encode(draw.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"]), "replace")
    )
    return ["recipes", "diff", str(folder / "r.toml"), "softseg2020"]


def bundle(folder, draw):
    model = write_random_bundle(folder / "model", seed=0)
    if draw.random() < 0.7:
        write_changed_json(model / "model.json", json.loads((model / "model.json").read_text()), draw)
    else:
        damage_tree(model, draw)
    return ["models", "import", str(model)]


def records(folder, draw):
    """A library of its own whose record or settings are changed."""
    library = create_library(folder / "library")
    add_case(
        library, patient="1", images={Modality.FLAIR: gray(1)}, raters={"a": labels(1, highest=1)}, status="approved"
    )
    documents = sorted(library.rglob("*.json"))
    path = draw.choice(documents)
    write_changed_json(path, json.loads(path.read_text()), draw)
    return ["library", draw.choice(["list", "check", "show"]), str(library)]


KINDS = {each.__name__: each for each in (nnunet, msd, bids, exam, masks, evaluation, recipe, bundle, records)}


def describe(folder, document, draw):
    """The description and the tree, one of them or both changed."""
    path = folder / "dataset.json"
    path.write_text(json.dumps(document))
    which = draw.random()
    if which < 0.7:
        write_changed_json(path, document, draw)
    if which > 0.5:
        damage_tree(folder, draw)


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
        said = capsys.readouterr().err
        where = f"{kind} {seed}: {' '.join(words)}"
        assert code in (0, 2), f"{where}\n{said}"
        assert "Traceback" not in said, where
        if code:
            last = said.rstrip().splitlines()[-1]
            assert last.startswith("error: "), f"{where}\n{said}"
            assert " — " in last, f"{where}\n{said}"
        assert PATIENT not in said, f"{where}\n{said}"
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
