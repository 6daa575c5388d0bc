"""Every command that writes, on inputs so small that it takes a moment: what it is given, where it writes, how it is repeated.

Each maker fills ``inputs``, and ``targets`` with what is there before, and returns the command. It writes below ``targets`` only.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from Testing.campaigns.damaged_inputs import SIDECAR, lesions
from Testing.MSSoftSegLib.change.small_results import write_result_of
from Testing.MSSoftSegLib.change.small_visits import Spot, pose, visit
from Testing.MSSoftSegLib.dicom.made_exams import SIEMENS, write_made
from Testing.MSSoftSegLib.dicom.made_series import head, label_map, write_series
from Testing.MSSoftSegLib.jobs.detached_jobs import small_training
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import gray, labels, written
from Testing.MSSoftSegLib.library.test_importing import isbi_tree
from Testing.MSSoftSegLib.network.bundles import write_random_bundle
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion
from Testing.MSSoftSegLib.training.small_cases import write_small_cases


@dataclass(frozen=True)
class Command:
    """words: as in a shell. again: what is added to repeat it. first: begin of names that are whole before the rest is there.
    done: what one of is said where there is nothing left to do. grows: part of its folder is there before the rest.
    """

    words: list[str]
    first: str = ""
    done: tuple[str, ...] = ("already", "not empty", "exists")
    again: tuple[str, ...] = ()
    overwrites: bool = True
    grows: bool = False


def exam_files(folder: Path, *, size=(24, 22, 12)) -> list[str]:
    """A bright blob in a small brain, three contrasts of it, as options."""
    words = []
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in size[::-1]), indexing="ij")
    brain = (x**2 + y**2 + z**2 < 0.9).astype(np.float32)
    for number, name in enumerate(("flair", "t1", "t2")):
        values = brain * (200 + 60 * np.sin(7 * x + number) + 200 * (((x - 0.3) ** 2 + y**2 + z**2) < 0.04))
        image = sitk.GetImageFromArray(values.astype(np.float32))
        image.SetSpacing((1.0, 1.0, 2.0))
        words += [f"--{name}", str(written(image, folder / f"{name}.nii.gz"))]
    return words


def a_library(targets: Path) -> Path:
    """Two approved cases, one of them of two raters."""
    library = create_library(targets / "library")
    images = {Modality.FLAIR: gray(1), Modality.T1: gray(2)}
    raters = {"A": labels(1, highest=1), "B": labels(2, highest=1)}
    add_case(library, patient="old1", images=images, raters=raters, status="approved", preprocessed=True)
    add_case(
        library, patient="old2", images={Modality.FLAIR: gray(3)}, raters={"A": labels(4, highest=1)}, status="approved"
    )
    return library


def segment(inputs, targets):
    model = write_random_bundle(inputs / "model", network={"kind": "unet-2d", "widths": [4, 6]})
    words = [
        "segment",
        *exam_files(inputs),
        "--preprocessed",
        "--model",
        str(model),
        "--device",
        "cpu",
        "--tta",
        "none",
    ]
    return Command([*words, "--out", str(targets / "out")])


def preprocess(inputs, targets):
    exam, brain = write_small_exam(inputs / "raw")
    return Command(["preprocess", "--exam", str(exam), "--brain", str(brain), "--out", str(targets / "out")])


def train(inputs, targets):
    spec = small_training(inputs)
    text = Path(str(spec["recipe"])).read_text().replace("epochs = 4", "epochs = 2")
    Path(str(spec["recipe"])).write_text(text)
    words = ["train", "--library", str(spec["library"]), "--recipe", str(spec["recipe"]), "--device", "cpu"]
    return Command(
        [*words, "--precision", "32", "--out", str(targets / "out")],
        again=("--resume",),
        overwrites=False,
    )


def pseudolabel(inputs, targets):
    model = write_random_bundle(inputs / "model", network={"kind": "unet-2d", "widths": [4, 6]})
    for case, name in zip(write_small_cases(inputs / "made", 2, 5), ("one", "two"), strict=True):
        (inputs / "exams" / name).mkdir(parents=True)
        for path in case.images.values():
            shutil.copyfile(path, inputs / "exams" / name / path.name)
    words = ["pseudolabel", "--model", str(model), "--unlabelled", str(inputs / "exams"), "--preprocessed"]
    return Command([*words, "--device", "cpu", "--out", str(targets / "library")])


def regions(inputs, targets):
    brain = GRID.image(np.ones(GRID.size[::-1], np.uint8))
    flair = GRID.image(np.random.default_rng(0).normal(100, 5, GRID.size[::-1]).astype(np.float32))
    same = {Modality.FLAIR: sitk.Euler3DTransform()}
    exam = WorkingExam({Modality.FLAIR: flair}, brain, Modality.FLAIR, same, {Modality.FLAIR: GRID}, {})
    write_working_folder(exam, inputs / "exam")
    write_image(box_brain().labels(), inputs / "own.nii.gz")
    numbers = {"cerebral_white": [1], "cortex": [2], "deep_gray": [3], "infratentorial": [5], "lateral_ventricle": [6]}
    (inputs / "numbers.json").write_text(json.dumps(numbers))
    mask = (lesion((10, 16)) + lesion((27, 33))).astype(np.uint8)
    write_image(GRID.image(mask), inputs / "mask.nii.gz")
    own = [
        "--regions",
        str(inputs / "own.nii.gz"),
        "--scheme",
        "custom",
        "--region-numbers",
        str(inputs / "numbers.json"),
    ]
    place = ["--mask", str(inputs / "mask.nii.gz"), "--exam", str(inputs / "exam"), "--out", str(targets / "out")]
    return Command(["regions", *place, *own])


def change(inputs, targets):
    old, new = [Spot((-12, 4, 2), 5)], Spot((12, 0, 0), 4.5)
    write_result_of(visit(old, seed=1), inputs / "before")
    write_result_of(visit([*old, new], seed=2, where=pose(3, (2, -1, 1))), inputs / "after")
    words = [
        "change",
        "--before",
        str(inputs / "before"),
        "--after",
        str(inputs / "after"),
        "--out",
        str(targets / "out"),
    ]
    return Command(words)


def softmask(inputs, targets):
    raters = [str(written(lesions(seed), inputs / f"{seed}.nii.gz")) for seed in (1, 2)]
    options = ["--rater", raters[0], "--rater", raters[1], "--merge", "union", "--method", "gaussian"]
    return Command(["softmask", *options, "--out", str(targets / "out.nii.gz")])


def pairs(inputs) -> Path:
    written(lesions(1), inputs / "truth.nii.gz")
    written(lesions(1) | lesions(2), inputs / "prediction.nii.gz")
    table = inputs / "pairs.csv"
    table.write_text("case,truth,prediction\n1,truth.nii.gz,prediction.nii.gz\n2,truth.nii.gz,truth.nii.gz\n")
    return table


def evaluate(inputs, targets):
    return Command(["evaluate", "--table", str(pairs(inputs)), "--out", str(targets / "out")])


def compare_results(inputs, targets):
    for name, prediction in (("old", "truth"), ("new", "prediction")):
        table = pairs(inputs)
        table.write_text(table.read_text().replace("prediction.nii.gz\n2", f"{prediction}.nii.gz\n2"))
        assert run_command(["evaluate", "--table", str(table), "--out", str(inputs / name)]) == 0
    both = ["--compare", str(inputs / "old"), str(inputs / "new")]
    return Command(["evaluate", *both, "--out", str(targets / "out")])


def two_models(inputs) -> list[str]:
    models = [write_random_bundle(inputs / name, seed=seed) for seed, name in enumerate(("old", "new"))]
    return [str(model) for model in models]


def compare_models(inputs, targets):
    cases = write_small_cases(inputs / "made", 2, 5)
    write_datalist(cases, inputs / "cases.json")
    words = [
        "evaluate",
        "--library",
        str(inputs / "cases.json"),
        "--compare",
        *two_models(inputs),
        "--base-patients",
        "0",
    ]
    return Command([*words, "--out", str(targets / "out")], first="models/judgements.jsonl")


def models_promote(inputs, targets):
    (targets / "models").mkdir()
    return Command(["models", "promote", two_models(inputs)[1], "--accept-worse"], first="models/new/")


def models_discard(inputs, targets):
    shutil.copytree(two_models(inputs)[1], targets / "models" / "new")
    return Command(
        ["models", "promote", "new", "--discard"], first="models/promotions.jsonl", done=("no model is called",)
    )


def models_remove(inputs, targets):
    shutil.copytree(two_models(inputs)[1], targets / "models" / "new")
    return Command(["models", "remove", "new", "--yes"], done=("no imported model is called",))


def library_init(inputs, targets):
    (inputs / "nothing").write_text("nothing")
    return Command(["library", "init", str(targets / "library"), "--name", "Campaign"])


def library_add(inputs, targets):
    flair, mask = written(gray(7), inputs / "f.nii.gz"), written(labels(8, highest=1), inputs / "m.nii.gz")
    files = ["--id", "new", "--flair", str(flair), "--mask", str(mask), "--rater", "C"]
    return Command(["library", "add", str(a_library(targets)), *files])


def library_add_dicom(inputs, targets):
    for number, name in enumerate(("t1_mprage_sag_p2_iso", "t2_space_dark-fluid_sag_p2_iso"), start=1):
        made = next(each for each in SIEMENS if each.name == name)
        write_made(made, inputs / f"S{number}", number, echo_ms=made.times[1], dialect="Siemens")
    return Command(["library", "add", str(a_library(targets)), "--id", "new", "--dicom", str(inputs), "--yes"])


def library_set_status(inputs, targets):
    (inputs / "nothing").write_text("nothing")
    return Command(["library", "set-status", str(a_library(targets)), "old1", "corrected"])


def library_merge(inputs, targets):
    (inputs / "nothing").write_text("nothing")
    return Command(["library", "merge", str(a_library(targets)), "--merge", "union", "--method", "gaussian"])


def library_agreement(inputs, targets):
    library = a_library(inputs)
    raters = ["--rater", "A", "--rater", "B"]
    return Command(["library", "agreement", str(library), "old1", *raters, "--out", str(targets / "out.nii.gz")])


def imported(source: Path, targets: Path, layout: str) -> Command:
    return Command(["library", "import", str(a_library(targets)), "--format", layout, "--from", str(source)])


def import_nnunet(inputs, targets):
    for number, name in enumerate(("P1", "P2", "P3")):
        for channel in range(2):
            written(gray(10 * number + channel), inputs / "imagesTr" / f"{name}_{channel:04d}.nii.gz")
        written(lesions(number), inputs / "labelsTr" / f"{name}.nii.gz")
    document = {"channel_names": {"0": "FLAIR", "1": "T1"}, "labels": {"background": 0, "lesion": 1}}
    (inputs / "dataset.json").write_text(json.dumps({**document, "numTraining": 3, "file_ending": ".nii.gz"}))
    return imported(inputs, targets, "nnunet")


def import_msd(inputs, targets):
    for seed, name in enumerate(("C1", "C2"), start=1):
        join = sitk.JoinSeriesImageFilter()
        written(join.Execute([gray(seed), gray(10 + seed)]), inputs / "imagesTr" / f"{name}.nii.gz")
        written(lesions(seed), inputs / "labelsTr" / f"{name}.nii.gz")
    listed = [{"image": f"imagesTr/{name}.nii.gz", "label": f"labelsTr/{name}.nii.gz"} for name in ("C1", "C2")]
    document = {
        "modality": {"0": "FLAIR", "1": "T1w"},
        "labels": {"0": "background", "1": "lesion"},
        "training": listed,
    }
    (inputs / "dataset.json").write_text(json.dumps(document))
    return imported(inputs, targets, "msd")


def import_bids(inputs, targets):
    for seed, subject in enumerate(("A", "B")):
        anat = inputs / f"sub-{subject}" / "anat"
        written(gray(seed), anat / f"sub-{subject}_FLAIR.nii.gz")
        written(gray(20 + seed), anat / f"sub-{subject}_T1w.nii.gz")
        (anat / f"sub-{subject}_T1w.json").write_text(json.dumps(SIDECAR))
        drawn = inputs / "derivatives" / "manual" / f"sub-{subject}" / f"sub-{subject}_label-lesion_dseg.nii.gz"
        written(lesions(seed), drawn)
    return imported(inputs, targets, "bids")


def import_isbi2015(inputs, targets):
    return imported(isbi_tree(inputs / "isbi"), targets, "isbi2015")


def exported(library: Path, targets: Path, layout: str, *more: str) -> Command:
    return Command(["library", "export", str(library), "--format", layout, "--out", str(targets / "out"), *more])


def export_nifti(inputs, targets):
    return exported(a_library(inputs), targets, "nifti")


def export_bids(inputs, targets):
    return exported(a_library(inputs), targets, "bids")


def export_nnunet(inputs, targets):
    return exported(a_library(inputs), targets, "nnunet")


def export_monai(inputs, targets):
    return exported(a_library(inputs), targets, "monai-datalist")


def export_dicom_seg(inputs, targets):
    image = head()
    write_series(image, inputs / "dicom")
    library = create_library(inputs / "library")
    add_case(
        library,
        patient="1",
        images={Modality.FLAIR: image},
        raters={"A": label_map(image, highest=1)},
        status="approved",
    )
    return exported(library, targets, "dicom-seg", "--dicom", str(inputs / "dicom"))


def export_isbi_submission(inputs, targets):
    library = create_library(inputs / "library")
    add_case(library, patient="test01", session="02", images={Modality.FLAIR: gray(1)})
    for number, name in enumerate(("test01_02", "test03_04"), start=1):
        written(lesions(number), inputs / "predictions" / f"{name}.nii.gz")
    more = ["--predictions", str(inputs / "predictions"), "--team", "Ours"]
    return exported(library, targets, "isbi-submission", *more)


def models_import(inputs, targets):
    return Command(["models", "import", str(write_random_bundle(inputs / "little"))])


Maker = Callable[[Path, Path], Command]
MAKERS: dict[str, Maker] = {
    each.__name__: each
    for each in (
        *(
            segment,
            preprocess,
            train,
            pseudolabel,
            regions,
            change,
            softmask,
            evaluate,
            compare_results,
            compare_models,
        ),
        *(library_init, library_add, library_add_dicom, library_set_status, library_merge, library_agreement),
        *(import_nnunet, import_msd, import_bids, import_isbi2015),
        *(export_nifti, export_bids, export_nnunet, export_monai, export_dicom_seg),
        *(export_isbi_submission, models_import, models_promote, models_discard, models_remove),
    )
}
