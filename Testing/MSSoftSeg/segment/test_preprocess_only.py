"""Preprocess only, correct the brain mask, Segment: the run takes the mask as the reader left it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.run import parse_job
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, flair_node, matrix_of

BRAIN = np.zeros(SHAPE_KJI, np.uint8)
BRAIN[4:16, 6:24, 8:32] = 1
# What the reader takes away: one side only, so that a mirrored mask would be noticed.
ERASED = (slice(4, 16), slice(6, 24), slice(24, 32))


def write_working(folder: Path, scratch: Path) -> None:
    """What the job leaves, by the job's own writer: FLAIR's grid is the working grid."""
    from MSSoftSegGUI.scene.volume_files import write_volume

    write_volume(BRAIN, matrix_of(), scratch / "mask.nii")
    mask = sitk.ReadImage(str(scratch / "mask.nii"))
    working = WorkingExam(
        images={Modality.FLAIR: sitk.Cast(mask, sitk.sitkFloat32) * 100.0},
        brain_mask=mask,
        target=Modality.FLAIR,
        native_from_working={Modality.FLAIR: sitk.Transform(3, sitk.sitkIdentity)},
        native_grids={Modality.FLAIR: Grid.of(mask)},
        mutual_information={},
    )
    folder.mkdir(parents=True)
    write_working_folder(working, folder)


def preprocessed(reader, flair, scratch: Path):
    """Click Preprocess only and let the job end well; the brain mask's node."""
    import slicer

    reader.choose(flair)
    reader.click("preprocessButton")
    reader.wait(lambda: reader.workbench.runner.view.phase in ("running", "failed"))
    document = reader.worker.jobs[-1]
    assert parse_job(document).kind == "preprocess"
    write_working(Path(document["spec"]["out"]), scratch)
    reader.worker.tell("result", path=document["spec"]["out"], summary={})
    reader.wait(lambda: slicer.mrmlScene.GetFirstNodeByName("Anna brain mask") is not None)
    reader.wait(lambda: not reader.workbench.runner.view.is_running)
    return slicer.mrmlScene.GetFirstNodeByName("Anna brain mask")


def test_the_working_image_and_the_mask_are_in_the_scene_and_the_mask_is_chosen(reader, tmp_path):
    import slicer

    node = preprocessed(reader, flair_node(), tmp_path)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "Brain", reader.workbench.exam.node("flair"))
    np.testing.assert_array_equal(array > 0, BRAIN > 0)
    assert slicer.mrmlScene.GetFirstNodeByName("Anna FLAIR preprocessed") is not None
    reader.wait(lambda: reader.ui("brainMaskSelector").currentNode() is node)


def test_the_corrected_mask_is_what_segment_is_given(reader, tmp_path):
    import slicer

    flair = flair_node()
    node = preprocessed(reader, flair, tmp_path)
    corrected = BRAIN.copy()
    corrected[ERASED] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(corrected, node, "Brain", flair)
    reader.click("segmentButton")
    reader.wait(lambda: len(reader.worker.jobs) == 2)
    spec = parse_job(reader.worker.jobs[-1]).spec
    given = sitk.ReadImage(str(spec.preprocessing.brain))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(given) > 0, corrected > 0)
    # In LPS, as files are: 24 to 31 along x from −20 in RAS.
    assert given.TransformIndexToPhysicalPoint((0, 0, 0)) == pytest.approx((20.0, 15.0, -10.0))
    reader.worker.finish()
    reader.wait(lambda: reader.review.exam is not None)
