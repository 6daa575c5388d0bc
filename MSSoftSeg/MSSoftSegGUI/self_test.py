"""What the module checks of itself inside the application: geometry, the live segmentation, and one whole visit."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import slicer

from MSSoftSegGUI.review.columns import list_columns
from MSSoftSegGUI.review.lesion_rows import LesionRow
from MSSoftSegGUI.scene.segmentation_node import makeSegmentationNode, readMasks, writeLabels
from MSSoftSegGUI.scene.segments import make_label_map
from MSSoftSegGUI.scene.volume_files import read_volume
from MSSoftSegGUI.scene.volume_nodes import SceneExporter, makeVolumeNode, readIjkToRas

RUN_PATIENCE_S = 1800
SHAPE_KJI = (5, 7, 9)
SPACING_MM = (0.9, 1.1, 3.0)


def checkGeometry(test) -> None:
    """A marked voxel lies at the same place of the patient in the scene, in the worker's file and loaded by Slicer."""
    for name, directions in _directions().items():
        matrix = np.eye(4)
        matrix[:3, :3] = directions @ np.diag(SPACING_MM)
        matrix[:3, 3] = (-31.0, 17.0, 5.0)
        marked = np.zeros(SHAPE_KJI, np.float32)
        marked[1, 5, 2] = 1.0
        place = (matrix @ [2, 5, 1, 1])[:3]
        node = makeVolumeNode(marked, matrix, name)
        with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
            path = Path(folder) / "FLAIR.nii"
            SceneExporter(reference=lambda: None).write_volume(node.GetID(), path)
            array, fromFile = read_volume(path)
            loaded = slicer.util.loadVolume(str(path))
        assert np.abs(_placeOfMark(array, fromFile) - place).max() < 0.001, name
        bySlicer = _placeOfMark(slicer.util.arrayFromVolume(loaded), readIjkToRas(loaded))
        assert np.abs(bySlicer - place).max() < 0.001, name


def checkSegmentationFollowsLabels(test) -> None:
    """What is written into the two segments is what the scene, and Slicer's own export, give back."""
    rng = np.random.default_rng(0)
    grid = makeVolumeNode(np.zeros(SHAPE_KJI, np.float32), np.diag([*SPACING_MM, 1.0]), "grid")
    node = makeSegmentationNode(rng.integers(0, 3, SHAPE_KJI).astype(np.uint8), grid, "lesions")
    for _round in range(2):
        labels = rng.integers(0, 3, SHAPE_KJI).astype(np.uint8)
        writeLabels(node, labels, grid)
        assert np.array_equal(make_label_map(*readMasks(node, grid)), labels)
        exported = slicer.util.arrayFromSegmentBinaryLabelmap(node, "MSLesion", grid)
        assert np.array_equal(exported > 0, labels == 1)


def checkVisit(test, widget) -> None:
    """Digital patient, Segment, threshold, reject, save, close, reopen; without torch: a failure that says what to install."""
    workbench = widget.workbench
    workbench.loadSample()
    _wait(lambda: workbench.exam.node("flair") is not None and not workbench.isMakingPatient)
    workbench.segment.ui.ttaCheckBox.checked = False
    workbench.segment.ui.segmentButton.click()
    _wait(lambda: not workbench.runner.view.is_running)
    error = workbench.runner.view.error
    if error is not None:
        assert error.remedy
        test.skipTest(f"nothing was segmented: {error.what} {error.remedy}")
    _wait(lambda: workbench.review.exam is not None)
    presenter = workbench.review.presenter
    assert presenter.view.count > 0
    presenter.select(presenter.view.rows[0].number)
    workbench.review.panel.ui.rejectButton.click()
    before = presenter.view
    path = str(Path(slicer.app.temporaryPath) / "MSSoftSegSelfTest.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear()
    slicer.util.loadScene(path)
    _wait(lambda: workbench.review.exam is not None)
    assert _table(presenter.view.rows) == _table(before.rows)


def _table(rows: Sequence[LesionRow]) -> list[list[str]]:
    """What the table of lesions says."""
    return [[column.text(row) for column in list_columns()] for row in rows]


def _directions() -> dict[str, np.ndarray]:
    turn = np.deg2rad(25)
    oblique = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    permuted = np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]])
    return {"RAS": np.eye(3), "LPS": np.diag([-1.0, -1, 1]), "oblique": oblique, "sagittal": oblique @ permuted}


def _placeOfMark(array: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    k, j, i = np.unravel_index(int(array.argmax()), array.shape)
    return (matrix @ [i, j, k, 1])[:3]


def _wait(condition) -> None:
    end = time.monotonic() + RUN_PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the self-test waited in vain")
        slicer.app.processEvents()
        time.sleep(0.01)
