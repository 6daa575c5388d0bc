"""``mss.read_exam``: the images of one visit, from a folder or from single files."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam import reading
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.modality import Modality

FileName = str | PathLike[str]


def read_exam(
    folder: FileName | None = None,
    *,
    flair: FileName | None = None,
    t1: FileName | None = None,
    t2: FileName | None = None,
    pd: FileName | None = None,
) -> Exam:
    """The images of one visit, each float32 (z, y, x) on its own native grid; nothing is resampled.

    Give either a folder, whose files are recognized by name and sidecar, or single files: .nii, .nii.gz, .nrrd or .mha. A FLAIR
    is always needed; T1 and T2 make the result more reliable. ``exam.image("flair")`` is the SimpleITK image.

    RequestError where it is neither or both; BadExam where there is no FLAIR, or the images do not belong together; BadImage
    where a file cannot be trusted (damaged, not finite, oriented in two ways …). Each says which file and what to do.
    """
    given = {Modality.FLAIR: flair, Modality.T1: t1, Modality.T2: t2, Modality.PD: pd}
    files = {modality: Path(name) for modality, name in given.items() if name is not None}
    if folder is not None and files:
        raise RequestError("an exam folder and single files are given", remedy="give one or the other")
    if folder is not None:
        return reading.read_exam_folder(Path(folder))
    if not files:
        raise RequestError(
            "no exam is given", remedy="give an exam folder, or flair=… and what there is of t1=… and t2=…"
        )
    return reading.read_exam(files)
