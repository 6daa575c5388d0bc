"""Inputs of every kind and what damages them; each maker writes into a folder and returns the command that takes it.

LIBRARY and OUT stand in a command for the places that it may write to.
"""

from __future__ import annotations

import json

import numpy as np
import pydicom
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.resources import find_resources
from Testing.campaigns.mutations import JUNK, damage_bytes, damage_tree, write_changed_json
from Testing.MSSoftSegLib.dicom.made_exams import BARE, write_made
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import SIZE, gray, labels, oblique_grid, written
from Testing.MSSoftSegLib.library.test_worklist import result_folder
from Testing.MSSoftSegLib.network.bundles import write_random_bundle


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
    text = (find_resources() / "Recipes" / "softseg2020.toml").read_text(encoding="utf-8")
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
    command = draw.choice(["list", "check", "show", "history", "agreement"])
    return ["library", command, str(library), *(["1"] if command in ("show", "history") else [])]


DICOM_WORDS = (
    *("PatientName", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID", "SOPClassUID"),
    *("Rows", "Columns", "BitsAllocated", "PixelRepresentation", "SamplesPerPixel", "PhotometricInterpretation"),
    *("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "InstanceNumber"),
    *("RepetitionTime", "EchoTime", "InversionTime", "ImageType", "ScanningSequence", "MRAcquisitionType", "Modality"),
    *("SeriesNumber", "SeriesDescription", "RescaleSlope", "RescaleIntercept", "NumberOfFrames", "StudyDate"),
    *("SpecificCharacterSet", "ContrastBolusAgent", "AcquisitionTime", "PixelData", "PatientSex"),
)


def spoil_elements(paths, draw):
    """One element of some files, or of all, removed or replaced by junk, as far as a writer lets one."""
    word = draw.choice(DICOM_WORDS)
    junk = draw.choice([*JUNK, "1\\\\2", ["0", "0", "0"], "1e400", "\x1b$B", b"\0", "nan"])
    for path in paths if draw.random() < 0.5 else draw.sample(paths, draw.randrange(1, 4)):
        try:
            dataset = pydicom.dcmread(path)
            if draw.random() < 0.3:
                del dataset[word]
            else:
                setattr(dataset, word, junk)
            dataset.save_as(path)
        except Exception:  # a file that is damaged already, or a value that pydicom does not write
            continue


def dicom(folder, draw):
    """A visit of two series, of which one may be another study's; elements spoiled, files damaged."""
    for number, made in enumerate(BARE[:2], start=1):
        other = {"StudyInstanceUID": "1.9.8"} if draw.random() < 0.1 else {}
        write_made(made, folder / f"S{number}", number, echo_ms=made.times[1], dialect="times only", **other)
    for _ in range(draw.randrange(1, 4)):
        spoil_elements(sorted(path for path in folder.rglob("IM*") if path.is_file()), draw)
    if draw.random() < 0.5:
        damage_tree(folder, draw)
    if draw.random() < 0.5:
        return ["dicom", str(folder)]
    return [
        "library",
        "add",
        "LIBRARY",
        "--id",
        "new",
        "--dicom",
        str(folder),
        *(["--yes"] if draw.random() < 0.5 else []),
    ]


def cohort(folder, draw):
    """A table of exams, or a BIDS tree, of images that are too small for a brain, and a table of what is there."""
    lines = [["participant", "session", "flair", "t1"], ["01", "a", "f.nii.gz", ""], ["02", "", "f.nii.gz", "t.nii.gz"]]
    written(gray(1), folder / "f.nii.gz")
    written(gray(2), folder / "t.nii.gz")
    row = draw.choice(lines)
    row[draw.randrange(4)] = draw.choice(
        ["", "x", "../f.nii.gz", "f.nii.gz", "\u00e9", "participant", '"', "01", "1;2", "\0"]
    )
    text = "\n".join(draw.choice([",", ",", ";", "\t"]).join(row) for row in lines)
    (folder / "cohort.csv").write_bytes(text.encode(draw.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"])))
    if draw.random() < 0.3:
        damage_bytes(folder / draw.choice(["cohort.csv", "f.nii.gz"]), draw)
    return ["cohort", str(folder / draw.choice(["cohort.csv", "."])), "--out", "OUT/cohort", "--tables-only"]


def result(folder, draw):
    """What a model found, given to a library."""
    written(gray(1), folder / "FLAIR.nii.gz")
    made = result_folder(folder / "result")
    written(lesions(1), made / "lesion_mask.nii.gz")
    if draw.random() < 0.5:
        path = made / "result.json"
        write_changed_json(path, json.loads(path.read_text()), draw)
    else:
        damage_tree(made, draw)
    return ["library", "add", "LIBRARY", "--id", "new", "--flair", str(folder / "FLAIR.nii.gz"), "--result", str(made)]


def describe(folder, document, draw):
    """The description and the tree, one of them or both changed."""
    path = folder / "dataset.json"
    path.write_text(json.dumps(document))
    which = draw.random()
    if which < 0.7:
        write_changed_json(path, document, draw)
    if which > 0.5:
        damage_tree(folder, draw)


KINDS = {
    each.__name__: each
    for each in (nnunet, msd, bids, exam, masks, evaluation, recipe, bundle, records, dicom, cohort, result)
}
