"""Pictures of the sections "Soft label" and "Keep and export", for screenshots.py: two raters, a library of six cases."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from scipy import ndimage

from Docs.make.shown_folder import library_to_be_seen

LARGEST_SHOWN_VOXELS, SMALL_VOXELS, ZOOM = 900, 250, 0.32
# Pseudonym, how uncertain the model was, status, raters.
CASES = (
    ("P08", 0.21, "approved", ("anna", "bob")),
    ("P11", 0.66, "corrected", ("anna",)),
    ("P03", 0.52, "corrected", ("bob",)),
    ("P14", 0.35, "approved", ("anna",)),
    ("P02", 0.44, "corrected", ("anna",)),
    ("P09", 0.12, "approved", ("bob",)),
)


def play(exam: Path, result: Path, shoot) -> None:
    """Take the pictures; result: of ``mssoftseg segment`` on the exam. shoot(reader, name, *sections)."""
    from Testing.MSSoftSeg.people.curator import at_work
    from Testing.SlicerHost import start

    with (
        tempfile.TemporaryDirectory(prefix="share-") as scratch,
        library_to_be_seen() as library,
        at_work(start()) as person,
    ):
        place = _fill(library, exam, result, Path(scratch))
        person.load_exam(exam)
        person.workbench.showResult(result)
        person.wait(lambda: person.review.exam is not None, "the result")
        person.choose_library(library)
        person.log_in("anna")
        person.type("patientEdit", "P17")
        person.type("sessionEdit", "01")
        person.ui("notesEdit").plainText = "Two lesions in the left thalamus are not certain."
        _look_at(place)
        for group in ("ratersGroup", "exportGroup"):
            person.ui(group).collapsed = True
        shoot(person, "library", "librarySection")
        _open_and_preview(person, place, shoot)
        _compare(person, place, shoot)


def _open_and_preview(person, place, shoot) -> None:
    import slicer

    person.worklist.select("sub-P08")
    person.open("sub-P08")
    if person.ui("openAnywayButton").visible:
        person.click("openAnywayButton")
        person.settle()
    crosshair = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCrosshairNode")
    person.click("softPreviewButton")
    person.wait(lambda: person.curation.softLabel.view.is_shown, "the soft label")
    _look_at(place)
    crosshair.SetCursorPositionRAS([place[0], place[1], place[2]])
    shoot(person, "soft_label", "softLabelSection")
    person.click("softCompareButton")
    person.rest(2.0)
    _look_at(place)
    shoot(person, "soft_label_raters", "softLabelSection")
    person.click("softPreviewButton")
    person.rest(1.0)


def _compare(person, place, shoot) -> None:
    person.ui("ratersGroup").collapsed = person.ui("exportGroup").collapsed = False
    person.ui("worklistGroup").collapsed = True
    person.click("compareRatersButton")
    person.wait(lambda: "DSC" in person.ui("agreementLabel").text, "the agreement")
    person.rest(2.0)
    _look_at(place)
    person.ui("exportFolderEdit").currentPath = "/data/for nnU-Net"
    person.ui("exportFormatCombo").currentIndex = person.ui("exportFormatCombo").findData("nnunet")
    shoot(person, "raters", "librarySection")
    person.click("compareRatersButton")


def _look_at(place) -> None:
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        node.JumpSliceByCentering(*place)
        across, down, depth = node.GetFieldOfView()
        factor = ZOOM * 220 / max(across, 1)
        node.SetFieldOfView(factor * across, factor * down, depth)


def _fill(library: Path, exam: Path, result: Path, scratch: Path) -> tuple[float, ...]:
    """A library of cases with one or two raters; a place worth looking at, RAS mm."""
    from MSSoftSegGUI.scene.volume_files import read_volume, write_volume

    mask, matrix = read_volume(result / "lesion_mask.nii.gz")
    masks = {"anna": mask.astype(np.uint8), "bob": _second_reading(mask)}
    files = {}
    for name, labels in masks.items():
        files[name] = scratch / f"{name}.nii"
        write_volume(labels, matrix, files[name])
    for patient, psu, status, raters in CASES:
        findings = scratch / patient
        findings.mkdir()
        shutil.copy(result / "lesions.csv", findings)
        facts = json.loads((result / "result.json").read_text(encoding="utf-8"))
        facts["uncertainty"]["psu"] = psu
        (findings / "result.json").write_text(json.dumps(facts), encoding="utf-8")
        for rater in raters:
            _save(library, exam, patient, rater, status, files[rater], findings)
    numbers, _count = ndimage.label(mask)
    sizes = np.bincount(numbers.ravel())[1:]
    shown = int(np.where(sizes < LARGEST_SHOWN_VOXELS, sizes, 0).argmax()) + 1
    k, j, i = np.argwhere(numbers == shown).mean(axis=0).round()
    return tuple(float(each) for each in (matrix @ [i, j, k, 1.0])[:3])


def _second_reading(mask: np.ndarray) -> np.ndarray:
    """What another rater might have drawn: a little wider or narrower, one lesion in five missed, one in six only possible."""
    numbers, _count = ndimage.label(mask)
    labels = np.zeros(mask.shape, np.uint8)
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        inside = numbers[box] == number
        is_small = inside.sum() < SMALL_VOXELS
        if number % 5 == 4 and is_small:
            continue
        wider = tuple(slice(max(0, part.start - 2), part.stop + 2) for part in box)
        inside = numbers[wider] == number
        inside = ndimage.binary_erosion(inside) if number % 3 == 0 else ndimage.binary_dilation(inside)
        labels[wider][inside] = 2 if number % 6 == 5 and is_small else 1
    return labels


def _save(library: Path, exam: Path, patient: str, rater: str, status: str, mask: Path, findings: Path) -> None:
    from MSSoftSegLib.jobs.run import parse_job, run

    images = {slot: str(exam / f"{slot.upper()}.nii.gz") for slot in ("flair", "t1", "t2")}
    spec = {"library": str(library), "patient": patient, "images": images, "rater": rater, "mask": str(mask)}
    job = {"job": patient, "kind": "library-save", "spec": {**spec, "status": status, "result": str(findings)}}
    outcome = run(parse_job(job), lambda event: None)
    if outcome.error is not None:
        raise outcome.error
