"""The Segment button with the real worker: what a user sees when model or device are not what they were, and when all is well."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from MSSoftSegGUI.review.material import read_material
from MSSoftSegGUI.review.presenter import ReviewPresenter
from MSSoftSegGUI.scene.volume_files import read_volume, write_volume
from MSSoftSegGUI.scene.working_images import find_working_images, put_brain_mask_on_flair
from MSSoftSegGUI.segment.job_documents import Selections
from MSSoftSegGUI.segment.presenter import SegmentPresenter
from MSSoftSegGUI.worker.client import WorkerClient

from Testing.MSSoftSeg.stand_ins.real_processes import EventLoop, RealProcess, python_command
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.network.bundles import write_random_bundle


class FileExporter:
    """Nodes are files: read as Slicer would hold them, written as the panel writes them."""

    def write_volume(self, node_id, path):
        array, ras_from_ijk = read_volume(node_id)
        write_volume(array, ras_from_ijk, path)

    write_mask = write_volume


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """One worker for all tests, as in the panel; a small exam; two models."""
    folder = tmp_path_factory.mktemp("office")
    write_small_exam(folder)
    write_random_bundle(folder / "good")
    bad = write_random_bundle(folder / "bad")
    (bad / "weights.safetensors").write_bytes(b"altered")
    loop, processes, views, results = EventLoop(), [], [], []

    def make_process():
        processes.append(RealProcess(loop))
        return processes[-1]

    worker = WorkerClient(
        lambda: python_command("MSSoftSegLib.jobs.worker"),
        make_process,
        loop.later,
        grace_s=900,
    )
    presenter = SegmentPresenter(
        worker, FileExporter(), loop.later, runs_folder=folder / "runs", show=views.append, on_result=results.append
    )

    class Office:
        def run(self, kind="segment", **choices):
            exam = folder / "exam"
            settings = {"t1": str(exam / "T1.nii.gz"), "brain_mask": str(folder / "brain.nii.gz"), "tta": "none"}
            selections = Selections(flair=str(exam / "FLAIR.nii.gz"), **(settings | choices))
            getattr(presenter, kind)(selections)
            loop.until(lambda: not presenter.view.is_running)
            return presenter.view

    office = Office()
    office.folder, office.processes, office.results, office.views = folder, processes, results, views
    yield office
    worker.shutdown()


def test_a_corrupted_model_is_one_card_that_names_the_file_and_a_step_in_the_panel(office):
    view = office.run(model=str(office.folder / "bad"))
    assert view.phase == "failed"
    assert "weights.safetensors" in view.error.what
    assert view.error.remedy == "Choose another model, or import its weights again under Environment."
    assert list((office.folder / "runs").iterdir()) == []


def test_a_device_that_vanished_is_one_card_and_the_worker_lives_on(office):
    view = office.run(model=str(office.folder / "good"), device="cuda:63")
    assert view.phase == "failed"
    assert "cuda:63" in view.error.what.lower()
    assert view.error.remedy == "Choose the device Auto or CPU and click Segment again."
    assert len(office.processes) == 1


def test_a_result_is_read_into_a_review_whose_mask_is_the_workers_own(office):
    view = office.run(model=str(office.folder / "good"), device="cpu")
    assert view.phase == "done", view.error
    finished = office.results[-1]
    material = read_material(finished.folder)
    shown = []
    review = ReviewPresenter(show=shown.append, jump=lambda place: None)
    review.open(material)
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(finished.folder / "lesion_mask.nii.gz")))
    flair = sitk.ReadImage(str(office.folder / "exam" / "FLAIR.nii.gz"))
    assert np.array_equal(review.labels, mask)
    assert shown[-1].count == finished.summary["lesions"]
    assert shown[-1].volume_ml == pytest.approx(finished.summary["volume_ml"], abs=6e-4)
    assert material.probability.shape == flair.GetSize()[::-1]
    _, flair_ras_from_ijk = read_volume(office.folder / "exam" / "FLAIR.nii.gz")
    assert np.allclose(material.ras_from_ijk, flair_ras_from_ijk, atol=1e-3)
    percents = [each.percent for each in office.views if each.phase == "running"]
    assert percents == sorted(percents)
    assert len(office.processes) == 1


def test_the_brain_mask_of_preprocessing_lies_on_flairs_voxels_and_is_the_one_that_was_given(office):
    view = office.run("preprocess")
    assert view.phase == "done", view.error
    folder = office.results[-1].folder
    assert set(find_working_images(folder)) == {"flair", "t1"}
    brain = put_brain_mask_on_flair(folder)
    given, ras_from_ijk = read_volume(office.folder / "brain.nii.gz")
    assert np.allclose(brain.ras_from_ijk, ras_from_ijk, atol=1e-3)
    overlap = 2 * np.logical_and(brain.array, given).sum() / (brain.array.sum() + (given > 0).sum())
    assert overlap > 0.97
