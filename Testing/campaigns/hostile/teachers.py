"""What people give to ``mssoftseg pseudolabel`` that cannot be labelled, or not so, or not there; each with the answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.creation import create_library
from Testing.campaigns.hostile import models as given
from Testing.campaigns.hostile.runs import DONE, FAILED, LACKS, Hostile
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import gray, labels, written
from Testing.MSSoftSegLib.training.small_cases import write_small_cases

Maker = Callable[[Path, Path], list[str]]
NETWORK = {"kind": "unet-2d", "widths": [4, 6]}
SOME = "could not be labelled; the others are done"
SECRET = "Doe_Jane_1980"


def teacher(inputs: Path) -> Path:
    folder = inputs / "teacher"
    return folder if folder.exists() else given.write_random_bundle(folder, network=NETWORK)


def exams(inputs: Path) -> Path:
    """Two preprocessed exams in folders of their own."""
    folder = inputs / "exams"
    for case, name in zip(write_small_cases(inputs / "made", 2, 5), ("one", "two"), strict=True):
        (folder / name).mkdir(parents=True)
        for path in case.images.values():
            shutil.move(path, folder / name / path.name)
    shutil.rmtree(inputs / "made")
    return folder


def asked(model: Path | str, unlabeled: Path, out: Path, *more: str) -> list[str]:
    words = ["pseudolabel", "--model", str(model), "--unlabelled", str(unlabeled), "--out", str(out), "--preprocessed"]
    return [*words, "--device", "cpu", *more] if "--device" not in more else [*words, *more]


def with_options(*more: str) -> Maker:
    return lambda inputs, targets: asked(teacher(inputs), exams(inputs), targets / "library", *more)


def with_teacher(make: Callable[[Path], Path | str]) -> Maker:
    return lambda inputs, targets: asked(make(inputs), exams(inputs), targets / "library")


def with_exams(make: Callable[[Path], Path]) -> Maker:
    return lambda inputs, targets: asked(teacher(inputs), make(inputs), targets / "library")


def with_out(make: Callable[[Path, Path], Path]) -> Maker:
    """make: of the exams and the folder for targets."""

    def words(inputs: Path, targets: Path) -> list[str]:
        folder = exams(inputs)
        return asked(teacher(inputs), folder, make(folder, targets))

    return words


def a_pickle(inputs: Path) -> Path:
    (inputs / "checkpoint.pt").write_bytes(given.bomb())
    return inputs / "checkpoint.pt"


def altered(inputs: Path) -> Path:
    path = teacher(inputs) / given.WEIGHTS
    path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    return teacher(inputs)


def no_numbers(inputs: Path) -> Path:
    return given.changed_values(teacher(inputs), given.not_a_number)


def of_flair_only(inputs: Path) -> Path:
    return given.described(teacher(inputs), inputs=[{"modality": "flair", "required": True}])


def wanting_pd(inputs: Path) -> Path:
    needed = [{"modality": name, "required": True} for name in ("flair", "t1", "pd")]
    return given.described(teacher(inputs), inputs=needed)


def flair_of(folder: Path) -> Path:
    return next(path for path in sorted(folder.iterdir()) if "flair" in path.name.lower())


def changed_exams(change: Callable[[Path], object], *, every: bool = False) -> Maker:
    """One exam, or each, after something was done to its folder."""

    def make(inputs: Path) -> Path:
        folder = exams(inputs)
        for each in sorted(folder.iterdir()) if every else [folder / "one"]:
            change(each)
        return folder

    return with_exams(make)


def cut_short(folder: Path) -> None:
    path = flair_of(folder)
    path.write_bytes(path.read_bytes()[:200])


def changed_image(change: Callable[[sitk.Image], sitk.Image]) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = flair_of(folder)
        sitk.WriteImage(change(sitk.ReadImage(str(path))), str(path))

    return act


def filled_with(value: float) -> Callable[[sitk.Image], sitk.Image]:
    def fill(image: sitk.Image) -> sitk.Image:
        filled = sitk.GetImageFromArray(np.full(image.GetSize()[::-1], value, np.float32))
        filled.CopyInformation(image)
        return filled

    return fill


def shifted(image: sitk.Image) -> sitk.Image:
    image.SetOrigin([each + 400 for each in image.GetOrigin()])
    return image


def fetched_by_nobody(folder: Path) -> None:
    path = flair_of(folder)
    path.unlink()
    path.symlink_to("../.git/annex/objects/gone.nii.gz")


def a_web_page(folder: Path) -> None:
    flair_of(folder).write_bytes(b"<!DOCTYPE html><title>Sign in</title>")


def looped(inputs: Path) -> Path:
    (exams(inputs) / "loop").symlink_to(inputs / "exams", target_is_directory=True)
    return inputs / "exams"


def renamed(name: str) -> Maker:
    return with_exams(lambda inputs: (exams(inputs) / "one").rename(inputs / "exams" / name).parent)


def twice(inputs: Path) -> Path:
    folder = exams(inputs)
    shutil.copytree(folder / "one", folder / "one again")
    return folder


def no_folder(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(inputs: Path) -> Path:
        (inputs / name).write_bytes(content)
        return inputs / name

    return make


def only_labelled(inputs: Path) -> Path:
    library = create_library(inputs / "library")
    add_case(
        library, patient="p", images={Modality.FLAIR: gray(1)}, raters={"A": labels(1, highest=1)}, status="approved"
    )
    return library


def damaged_library(inputs: Path) -> Path:
    library = only_labelled(inputs)
    (library / "derivatives" / "mssoftseg" / "dataset_description.json").write_text("{")
    return library


def newer_record(inputs: Path) -> Path:
    library = create_library(inputs / "library")
    add_case(library, patient="p", images={Modality.FLAIR: gray(1)}, status="unlabelled")
    record = next((library / "derivatives").rglob("sub-p*.json"))
    record.write_text(json.dumps({**json.loads(record.read_text()), "schema_version": 99}))
    return library


def a_strangers(exams: Path, targets: Path) -> Path:
    (targets / "thesis").mkdir()
    (targets / "thesis" / "chapter1.docx").write_text("mine")
    return targets / "thesis"


def a_file(exams: Path, targets: Path) -> Path:
    (targets / "library").write_text("mine")
    return targets / "library"


def a_link_to_nothing(exams: Path, targets: Path) -> Path:
    (targets / "library").symlink_to(targets / "gone" / "library")
    return targets / "library"


def locked_target(exams: Path, targets: Path) -> Path:
    targets.chmod(0o500)
    return targets / "library"


def of_another_teacher(exams: Path, targets: Path) -> Path:
    library = create_library(targets / "library")
    more = {"soft_label": written_label(targets), "soft_label_name": "pseudo", "source_model": "another"}
    add_case(library, patient="p", images={Modality.FLAIR: gray(1)}, status="segmented", **more)
    return library


def written_label(targets: Path) -> sitk.Image:
    return sitk.Cast(labels(1, highest=1), sitk.sitkFloat32)


def with_recipe(text: str) -> Maker:
    def words(inputs: Path, targets: Path) -> list[str]:
        (inputs / "own.toml").write_text(text)
        return asked(teacher(inputs), exams(inputs), targets / "library", "--recipe", str(inputs / "own.toml"))

    return words


def an_image_alone(inputs: Path) -> Path:
    return written(gray(1), inputs / "alone" / "FLAIR.nii.gz").parent


TEACHERS = (
    Hostile("a teacher whom nobody knows", with_teacher(lambda i: "nobody"), "no model is called"),
    Hostile("a checkpoint as teacher", with_teacher(a_pickle), "is a file, not a model bundle's folder"),
    Hostile(
        "a training's folder as teacher", with_teacher(lambda i: teacher(i).parent), "give the bundle in it: teacher"
    ),
    Hostile("a teacher whose weights were altered", with_teacher(altered), "checksum"),
    Hostile("a teacher of no numbers", with_teacher(no_numbers), "not finite"),
    Hostile("a teacher that lies about its inputs", with_teacher(of_flair_only), "does not fit the network"),
    Hostile("a teacher that needs what no exam has", with_teacher(wanting_pd), "none of the 2 exams", FAILED),
)
EXAMS = (
    Hostile("no exams", with_exams(lambda i: i / SECRET), "is not a folder"),
    Hostile("an archive of exams", with_exams(no_folder("exams.zip", b"PK\x03\x04")), "is not a folder"),
    Hostile("an empty folder", with_exams(lambda i: (i / "empty").mkdir() or i / "empty"), "holds no unlabelled exam"),
    Hostile("one exam's own folder", with_exams(an_image_alone), "one folder per exam"),
    Hostile("a library without unlabelled cases", with_exams(only_labelled), "holds no unlabelled exam"),
    Hostile("a damaged library", with_exams(damaged_library), "library"),
    Hostile("a library's record of a newer version", with_exams(newer_record), "newer"),
    Hostile("a folder in itself", with_exams(looped), SOME, FAILED, changes=True),
    Hostile("a folder's name that moves the cursor", renamed(given.ESCAPE + "\nx"), "", DONE, changes=True),
    Hostile("a folder's name in other scripts", renamed("患者 Яна ‮"), "", DONE, changes=True),
    Hostile("an exam twice", with_exams(twice), "", DONE, changes=True),
    Hostile("a FLAIR cut short", changed_exams(cut_short), SOME, FAILED, changes=True),
    Hostile("every FLAIR cut short", changed_exams(cut_short, every=True), "none of the 2 exams", FAILED),
    Hostile("a web page in the place of a FLAIR", changed_exams(a_web_page), SOME, FAILED, changes=True),
    Hostile("a link that nobody fetched", changed_exams(fetched_by_nobody), SOME, FAILED, changes=True),
    Hostile("a FLAIR of one value", changed_exams(changed_image(filled_with(7.0))), SOME, FAILED, changes=True),
    Hostile(
        "a FLAIR of no numbers",
        changed_exams(changed_image(filled_with(np.nan))),
        SOME,
        FAILED,
        changes=True,
    ),
    Hostile("a FLAIR on another grid", changed_exams(changed_image(shifted)), SOME, FAILED, changes=True),
    Hostile(
        "a FLAIR of four dimensions",
        changed_exams(changed_image(lambda x: sitk.JoinSeries([x, x]))),
        SOME,
        FAILED,
        changes=True,
    ),
    Hostile("an exam without FLAIR", changed_exams(lambda f: flair_of(f).unlink()), SOME, FAILED, changes=True),
    Hostile(
        "exams without rights",
        with_exams(lambda i: Path(given.locked(exams(i), str(i / "exams"))[0])),
        "not readable",
        rights=True,
    ),
)
OUTS = (
    Hostile("a file as library", with_out(a_file), "is a file"),
    Hostile("a folder of somebody's as library", with_out(a_strangers), "is not a case library"),
    Hostile("a library among the exams", with_out(lambda e, t: e / "library"), "lies in the folder"),
    Hostile("the exams' own folder as library", with_out(lambda e, t: e), "is not a case library"),
    Hostile("a library below a file", with_out(lambda e, t: a_file(e, t) / "inner"), "file"),
    Hostile("a library where nothing may be written", with_out(locked_target), "cannot be written to", rights=True),
    Hostile("a link to nothing as library", with_out(a_link_to_nothing), "is a link"),
    Hostile("a library's name of 300 letters", with_out(lambda e, t: t / ("x" * 300)), "longer than this disk allows"),
    Hostile("a library of another teacher", with_out(of_another_teacher), "another model or other settings"),
)
OPTIONS = (
    *(
        Hostile(f"{option} {value}", with_options(option, value), option.removeprefix("--").split("-")[0])
        for option, value in (
            *(
                ("--alpha", "-1"),
                ("--alpha", "nan"),
                ("--alpha", "inf"),
                ("--alpha", "much"),
                ("--vpt", "2"),
                ("--vpt", "nan"),
            ),
            *(("--tst", "-5"), ("--tst", "nan"), ("--tst", "inf"), ("--gamma", "nan"), ("--gamma", "1.5")),
            *(
                ("--radius-mm", "0"),
                ("--radius-mm", "inf"),
                ("--mode", "gray"),
                ("--vpt-on", "hope"),
                ("--align-to", "t2"),
            ),
            *(("--brain", "skull"), ("--device", "toaster")),
        )
    ),
    Hostile("a device that is not here", with_options("--device", "cuda:7"), "cuda", LACKS),
    Hostile("a recipe that nobody knows", with_options("--recipe", "nobody"), "no recipe is called"),
    Hostile("a recipe without pseudo-labels", with_options("--recipe", "kats2019"), "has no pseudo_labels"),
    Hostile("a recipe that is no TOML", with_recipe("= ["), "own.toml"),
    Hostile("nobody listens", with_options(), code=DONE, shell='"$@" | true', changes=True),
    Hostile("nobody listens to events", with_options("--json-events"), code=DONE, shell='"$@" >&-', changes=True),
    Hostile(
        "the answer on a full disk", with_options(), "standard output", LACKS, shell='"$@" >/dev/full', changes=True
    ),
)
INPUTS = (*TEACHERS, *EXAMS, *OUTS, *OPTIONS)
