"""A real prior in a folder: a result that is written again with the same lesions is not another one, with others it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.change.document import visit_facts
from MSSoftSegLib.change.visit import NativeImage, Visit
from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_image, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.result_files import INSTANCES_FILE
from Testing.real.data import DATA

MODULE = Path(__file__).resolve().parents[2] / "MSSoftSeg"
VISIT = DATA.parent / "tabriz" / "t04" / "visit1"
pytestmark = pytest.mark.skipif(not VISIT.is_dir(), reason="../shared/data is not available")


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    """The lesions of a real exam on its oblique, thick slices, as a result's file, and what a comparison says of them."""
    folder = tmp_path_factory.mktemp("2019")
    flair, mask = read_image(VISIT / "FLAIR.nii.gz"), read_image(VISIT / "lesion.nii.gz")
    brain = read_image(VISIT / "brain_mask.nii.gz")
    native = Grid.of(flair)
    inside = (voxels(mask) > 0).astype(np.float32)
    instances = native.image(
        label_instances(inside, threshold=0.5, min_lesion_mm3=0.0, voxel_volume_mm3=native.voxel_volume_mm3)
    )
    write_image(instances, folder / INSTANCES_FILE)
    working = take_exam_as_given(
        Exam({Modality.FLAIR: ExamImage(Modality.FLAIR, sitk.Mask(flair, brain > 0), "", None)}), working_spacing_mm=4.0
    )
    images = {Modality.FLAIR: NativeImage(native.spacing_mm, "x")}
    nothing = working.grid.image(np.zeros(working.grid.size[::-1], np.float32))
    visit = Visit(
        "before", working, nothing, native.image(inside), instances, Modality.FLAIR, images, 0.5, ("none", "0", "0")
    )
    return folder, visit_facts(visit, None)


def test_a_real_result_is_other_once_a_lesion_is_gone_and_not_when_it_is_only_written_again(
    prior, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(MODULE))
    from MSSoftSegGUI.prior.comparison import ComparedVisit
    from MSSoftSegGUI.prior.kept_result import is_result_other

    folder, facts = prior
    compared, kept = ComparedVisit(digest=facts.label_digest), tmp_path / "2019"
    shutil.copytree(folder, kept)
    assert is_result_other(kept, compared) is False
    image = read_image(folder / INSTANCES_FILE)
    labels = voxels(image)
    assert labels.max() > 5
    grid = Grid.of(image)
    write_image(grid.image(np.where(labels > 0, labels.max() + 1 - labels, 0).astype(np.uint16)), kept / INSTANCES_FILE)
    assert is_result_other(kept, compared) is False, "numbered otherwise"
    write_image(grid.image(np.where(labels == labels.max(), 0, labels).astype(np.uint16)), kept / INSTANCES_FILE)
    assert is_result_other(kept, compared) is True, "its smallest lesion is gone"
    (kept / INSTANCES_FILE).unlink()
    assert is_result_other(kept, compared) is None
