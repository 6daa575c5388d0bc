"""Plays the one who keeps cases: an oblique, lopsided patient, a library on disk, and the real desk worker."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, Visit

# Turned about two axes, voxels of 1 × 1.2 × 2 mm, and one axis flipped as scanners store it.
SPACING_MM = (1.0, 1.2, 2.0)
# One large lesion on the patient's left, one small on the right.
LEFT_KJI, RIGHT_KJI = (10, 15, 32), (6, 9, 8)


def oblique_matrix() -> np.ndarray:
    """Voxel (i, j, k) to RAS mm; i runs from the patient's right to the left."""
    about_z, about_x = np.deg2rad(17.0), np.deg2rad(-12.0)
    turn_z = np.array([[np.cos(about_z), -np.sin(about_z), 0], [np.sin(about_z), np.cos(about_z), 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn_z @ turn_x @ np.diag([-1.0, 1.0, 1.0]) @ np.diag(SPACING_MM)
    matrix[:3, 3] = (20.0, -14.0, -21.0)
    return matrix


def lopsided_maps() -> tuple[np.ndarray, np.ndarray]:
    """Probability and entropy: 5 × 5 × 5 voxels on the left, 3 × 3 × 3 on the right."""
    probability = np.zeros(SHAPE_KJI, np.float32)
    for (k, j, i), half in ((LEFT_KJI, 2), (RIGHT_KJI, 1)):
        probability[k - half : k + half + 1, j - half : j + half + 1, i - half : i + half + 1] = 0.9
    return probability, np.where(probability > 0, np.float32(0.3), np.float32(0.0))


def oblique_flair(name: str = "FLAIR"):
    """FLAIR in the scene: noise, and bright where the lesions are."""
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    rng = np.random.default_rng(1)
    flair = rng.normal(100, 10, SHAPE_KJI) + 120 * (lopsided_maps()[0] > 0)
    return makeVolumeNode(flair.astype(np.float32), oblique_matrix(), name)


def make_whole(folder: Path, *, psu: float = 0.42) -> None:
    """Turn a made result into one of the oblique patient, with all facts that ``segment`` writes."""
    from MSSoftSegGUI.scene.volume_files import write_volume

    from MSSoftSegLib.report import result as facts

    probability, entropy = lopsided_maps()
    write_volume(probability, oblique_matrix(), folder / "lesion_probability.nii.gz")
    write_volume(entropy, oblique_matrix(), folder / "lesion_entropy.nii.gz")
    write_volume((probability > 0.5).astype(np.uint8), oblique_matrix(), folder / "lesion_mask.nii.gz")
    shape = tuple(reversed(SHAPE_KJI))
    whole = facts.Result(
        software=facts.SoftwareFacts(version="1", python="3", torch="2"),
        inputs=(
            facts.InputFacts(
                modality="flair",
                path_name="FLAIR.nii",
                sha256=None,
                shape=shape,
                spacing_mm=SPACING_MM,
                orientation="LAS",
            ),
        ),
        reference_modality="flair",
        alignment_target="flair",
        brain_extraction="atlas",
        model=facts.ModelFacts(name="starter", version="0.2.0", sha256="0", recipe="mssoftseg"),
        device="cpu",
        tta="flips8",
        threshold=0.5,
        min_lesion_mm3=3.0,
        connectivity=26,
        lesions=facts.LesionFacts(count=2, volume_ml=0.4, soft_volume_ml=0.3, volume_interval_ml=(0.05, 0.2)),
        uncertainty=facts.UncertaintyFacts(mean_entropy_in_lesions=0.3, psu=psu),
        stages=(),
        peak_memory_mb=1.0,
    )
    (folder / "result.json").write_text(json.dumps(whole.model_dump(mode="json")), encoding="utf-8")


class Curator(Visit):
    """A radiologist whose segmentations are made up and whose desk worker is the real one."""

    @property
    def curation(self):
        """What stands behind the sections."""
        return self.workbench.curation

    @property
    def keeping(self):
        return self.curation.saver

    @property
    def worklist(self):
        return self.curation.worklist

    def segment_oblique(self, case: str = "Anna", **facts):
        """A whole run on the oblique patient; the exam."""
        return self.segment_made(oblique_flair(f"{case} FLAIR"), case, spoil=lambda folder: make_whole(folder, **facts))

    def unsaved(self) -> str:
        """What on the table is in no library yet."""
        return self.curation.worklist._table.unsaved()

    def type(self, name: str, text: str) -> None:
        """Type into a line edit, as a person does."""
        edit = self.ui(name)
        edit.text = text
        edit.textEdited(text)

    def log_in(self, rater: str) -> None:
        """Say who is at work."""
        self.type("raterEdit", rater)
        if self.ui("raterButton").visible:
            self.click("raterButton")

    def choose_library(self, folder: Path) -> None:
        """Choose a library folder and wait until its list is there."""
        self.ui("libraryEdit").currentPath = str(folder)
        self.wait(lambda: not self.worklist.view.is_loading, "the worklist")

    def save(self, button: str = "approveButton") -> None:
        """Save, also where lesions are undecided, and wait for what comes of it."""
        self.click(button)
        if self.curation.isAsking:
            self.click(button)
        self.wait(lambda: not self.keeping.view.is_saving, "the end of the save")
        self.wait(lambda: not self.worklist.view.is_loading, "the worklist")

    def open(self, case: str, *, filter: str = "all") -> None:
        """Open a case from the worklist."""
        combo = self.ui("statusFilterCombo")
        combo.currentIndex = combo.findData(filter)
        self.wait(lambda: not self.worklist.view.is_loading, "the worklist")
        self.worklist.select(case)
        self.click("openButton")
        self.settle()

    def settle(self) -> None:
        """Wait until a case is open, or something is asked."""
        self.wait(lambda: not self.worklist.view.is_opening, "the case")
        self.host.process_events()

    def drawing(self) -> np.ndarray:
        """The labels of the exam on the table, (k, j, i) in the order of the oblique patient's own voxels."""
        from MSSoftSegGUI.scene.exam_drawing import readDrawing

        return readDrawing(self.curation.exam(), oblique_matrix()).copy()

    def draw(self, labels: np.ndarray) -> None:
        """Change the drawing, as an effect of the Segment Editor does; labels in the order that ``drawing`` has."""
        from MSSoftSegGUI.scene.exam_drawing import isFromModel, readNativeMatrix
        from MSSoftSegGUI.scene.same_voxels import put_on_grid
        from MSSoftSegGUI.scene.segmentation_node import writeLabels

        exam = self.curation.exam()
        labels = put_on_grid(labels, oblique_matrix(), readNativeMatrix(exam.flair))
        writeLabels(exam.segmentation, labels, exam.probability if isFromModel(exam) else exam.flair)
        segmentation = exam.segmentation.GetSegmentation()
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)
        self.rest(0.3)


@contextmanager
def at_work(host):
    """A visit in an empty scene with settings of its own; whatever a slot raised fails the test."""
    import slicer

    host.close_scene()
    host.forget_slot_errors()
    for name in ("Library", "KnownLibrary", "Rater"):
        slicer.app.settings().remove(f"MSSoftSeg/{name}")
    person = Curator(host)
    try:
        yield person
    finally:
        for name in ("Library", "KnownLibrary", "Rater"):
            slicer.app.settings().remove(f"MSSoftSeg/{name}")
        host.close_scene()
        person.rest(0.05)
        host.unload_module("MSSoftSeg")
    assert host.slot_errors == []
