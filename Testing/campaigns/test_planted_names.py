"""Names, birth dates and accession numbers in headers, sidecars and folders reach no output, log, event or error of any command.

DICOM segmentations and reports apart, which belong to the patient's own study. No command opens a connection unasked: each socket
that is bound, connected or looked up for is counted, and there is none.
"""

from __future__ import annotations

import collections
import json
import logging
import shutil
import socket
from dataclasses import replace

import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.cohorts.bids_app import run_bids_app
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.phantom.digital_patient import SMALL_SETTINGS, make_digital_patient
from Testing.campaigns.planted import FOLDER, IDENTITY, WORDS, found_in, leaks, plant
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.dicom.made_series import head, label_map, write_series
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

TIMES = {"RepetitionTime": 9000, "EchoTime": 100, "InversionTime": 2500}
CONNECTING = ("connect", "connect_ex", "bind", "sendto")


def small_brain(seed):
    """Nobody's, with nothing around it, as where a brain was cut out."""
    image = head(size=(24, 26, 12), spacing_mm=(1.5, 1.5, 3.0), turn=(0.2, -0.1, 0.3), seed=seed)
    array = sitk.GetArrayFromImage(image)
    array[:3], array[-3:], array[:, :6], array[:, :, :5] = 0, 0, 0, 0
    made = sitk.GetImageFromArray(array)
    made.CopyInformation(image)
    return made


def plant_raw_exam(folder):
    """The small digital patient, with her skull and her brain mask, and the same on another scanner."""
    for visit, scanner in (("exam", None), ("later", 1)):
        patient = make_digital_patient(seed=3, settings=replace(SMALL_SETTINGS, scanner_seed=scanner))
        for modality, image in patient.exam.images.items():
            plant(image.image, folder / visit / f"{modality.upper()}.nii.gz")
    plant(patient.brain_mask, folder / "brain.nii.gz", sidecar=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The patient's folder, and elsewhere everything that is written: outputs, library, models, cache, jobs."""
    base = tmp_path_factory.mktemp("place")
    patch = pytest.MonkeyPatch()
    for name in ("models", "cache", "jobs"):
        patch.setenv(f"MSSOFTSEG_{name.upper()}", str(base / "targets" / name))
    write_random_bundle(base / "targets" / "models" / "little")
    exam = base / FOLDER / "exam"
    for number, contrast in enumerate(("FLAIR", "T1", "T2")):
        plant(small_brain(number), exam / f"{contrast}.nii.gz")
    plant(label_map(small_brain(0), highest=1), base / FOLDER / "rater.nii.gz")
    if CAMPAIGN:
        plant_raw_exam(base / FOLDER / "raw")
    write_series(small_brain(0), base / FOLDER / "dicom", identity=IDENTITY, **TIMES)
    anat = base / FOLDER / "bids" / "sub-01" / "anat"
    for name, suffix in (("FLAIR", "FLAIR"), ("T1", "T1w"), ("T2", "T2w")):
        anat.mkdir(parents=True, exist_ok=True)
        for ending in (".nii.gz", ".json"):
            shutil.copyfile(exam / f"{name}{ending}", anat / f"sub-01_{suffix}{ending}")
    description = {"Name": f"data of {WORDS[0]}", "BIDSVersion": "1.9.0", "Authors": [WORDS[0]]}
    (base / FOLDER / "bids" / "dataset_description.json").write_text(json.dumps(description))
    (base / FOLDER / "bids" / "participants.tsv").write_text(f"participant_id\tname\nsub-01\t{WORDS[0]}\n")
    yield base
    patch.undo()


@pytest.fixture
def calls(monkeypatch):
    """What asked for a connection, which none gets."""
    made = []

    def refused(name):
        def ask(*words, **more):
            made.append((name, str(words[-1])))
            raise OSError("no connection is opened here")

        return ask

    for name in CONNECTING:
        monkeypatch.setattr(socket.socket, name, refused(name))
    monkeypatch.setattr(socket, "getaddrinfo", refused("getaddrinfo"))
    return made


def commands(place):
    """Every command that reads of a patient, in an order in which each finds what it needs."""
    patient, out = place / FOLDER, place / "targets"
    library, exam = out / "library", patient / "exam"
    images = ["--flair", exam / "FLAIR.nii.gz", "--t1", exam / "T1.nii.gz", "--t2", exam / "T2.nii.gz"]
    little = ["--model", "little", "--device", "cpu"]
    quick = [*little, "--tta", "none", "--threshold", "0.01"]
    series = ["--dicom", patient / "dicom", "--series", "flair=5"]
    drawn = ["--mask", patient / "rater.nii.gz", "--rater", "a"]
    yield "segment", *images, "--preprocessed", "--out", out / "result", *quick, "--json-events"
    yield "segment", "--exam", exam, "--preprocessed", "--out", out / "result2", *quick
    yield "dicom", *series[1:]
    yield "segment", *series, "--preprocessed", "--out", out / "fromdicom", *quick
    rater = ["--rater", patient / "rater.nii.gz", "--flair", exam / "FLAIR.nii.gz"]
    yield "softmask", *rater, "--method", "barilan", "--out", out / "soft.nii.gz"
    masks = ["--truth", patient / "rater.nii.gz", "--prediction", out / "result" / "lesion_mask.nii.gz"]
    yield "evaluate", *masks, "--out", out / "metrics"
    yield "library", "init", library
    yield "library", "add", library, "--id", "p1", "--exam", exam, *drawn, "--status", "approved"
    yield "library", "add", library, "--id", "p2", *images, "--result", out / "result"
    yield "library", "add", library, "--id", "p3", *series
    yield "library", "list", library
    yield "library", "show", library, "p1"
    yield "library", "check", library
    for form in ("bids", "nnunet", "monai-datalist"):
        yield "library", "export", library, "--format", form, "--out", out / f"as-{form}"
    yield "library", "init", out / "other"
    yield "library", "import", out / "other", "--format", "bids", "--from", patient / "bids"
    yield "pseudolabel", "--unlabelled", patient, "--out", out / "pseudo", *little, "--preprocessed"
    yield "cohort", patient / "bids", "--out", out / "cohort", "--workers", "1", "--preprocessed", *quick
    yield "mssoftseg-bids", patient / "bids", out / "cohort", "group"
    if CAMPAIGN:
        raw = ["--exam", patient / "raw" / "exam", "--brain", patient / "raw" / "brain.nii.gz"]
        yield "preprocess", *raw, "--out", out / "working"
        # What is compared must be lesions in a brain that is else normal: the shipped model, not the little one.
        shipped = ["--model", "starter", "--device", "cpu", "--tta", "none"]
        yield "segment", *raw, "--out", out / "whole", *shipped
        yield (
            "regions",
            "--mask",
            out / "whole" / "lesion_mask.nii.gz",
            "--exam",
            out / "whole",
            "--out",
            out / "regions",
        )
        later = ["--exam", patient / "raw" / "later", "--brain", patient / "raw" / "brain.nii.gz"]
        yield "segment", *later, "--out", out / "later", *shipped
        yield "change", "--before", out / "whole", "--after", out / "later", "--out", out / "change"


def broken(place):
    """The same patient's files cut short, for the words of errors."""
    patient, out = place / FOLDER, place / "targets"
    for path in (*patient.rglob("*.nii.gz"), *patient.rglob("IM*"), *patient.rglob("*.json")):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    for words in commands(place):
        yield [
            word if not str(word).startswith(str(out)) else out / "broken" / str(word)[len(str(out)) + 1 :]
            for word in words
        ]


def run_silently(words, capsys, counts):
    """Run a command; what it said, which names nobody."""
    asked = [str(word) for word in words]
    code = run_bids_app(asked[1:]) if asked[0] == "mssoftseg-bids" else run_command(asked)
    said = "\n".join(capsys.readouterr())
    assert not found_in(said.encode()), (asked[0], said)
    counts[f"exit {code}"] += 1
    counts["commands"] += 1
    return code, said


def test_no_command_says_or_writes_whom_it_is_about_nor_opens_a_connection(place, calls, capsys, caplog):
    caplog.set_level(logging.DEBUG, logger="MSSoftSegLib")
    # What is looked for is there to be found.
    assert set.union(*leaks(place / FOLDER).values()) == set(WORDS)
    counts = collections.Counter()
    for words in commands(place):
        code, said = run_silently(words, capsys, counts)
        # The patient's folder holds exams that cannot be taken as preprocessed: the others are labelled, the exit code says so.
        assert code == (4 if words[0] == "pseudolabel" else 0), (words[0], said)
    assert leaks(place / "targets") == {}
    for words in broken(place):
        run_silently(words, capsys, counts)
    counts["refused"] = counts["commands"] - counts["exit 0"]
    assert counts["refused"] > 10
    assert leaks(place / "targets") == {}
    assert not found_in(caplog.text.encode())
    assert calls == []
    record("planted names", {**counts, "leaks": 0, "connections": 0})
