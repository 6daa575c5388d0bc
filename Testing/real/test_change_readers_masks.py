"""Two visits of a real patient compared by a rater's masks alone, where no model saw anything: every lesion is followed."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.change.classes import LEAST_SHOWN_Z, MIRRORED, ChangeClass
from MSSoftSegLib.change.comparison import compare_visits
from MSSoftSegLib.change.halfway import half_way
from MSSoftSegLib.change.readers_mask import ReaderMask, apply_readers_mask, correct_visit
from MSSoftSegLib.change.visit import NativeImage, Visit
from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from Testing.real.data import DATA

PATIENT = DATA.parent / "catania" / "c01"
pytestmark = pytest.mark.skipif(not PATIENT.is_dir(), reason="../shared/data is not available")
# Both visits lie in one space, whose voxels are 1 mm.
STILL = half_way(np.eye(4), np.eye(4))


def read_without_model(name: str) -> Visit:
    """A visit in which the model found nothing."""
    flair = read_image(PATIENT / name / "FLAIR.nii.gz")
    working = take_exam_as_given(
        Exam({Modality.FLAIR: ExamImage(Modality.FLAIR, flair, "", None)}), working_spacing_mm=1.0
    )
    native = Grid.of(flair)
    nothing = np.zeros(native.size[::-1], np.float32)
    return Visit(
        name,
        working,
        working.grid.image(np.zeros(working.grid.size[::-1], np.float32)),
        native.image(nothing),
        native.image(nothing.astype(np.uint16)),
        Modality.FLAIR,
        {Modality.FLAIR: NativeImage(native.spacing_mm, name)},
        0.5,
        ("none", "0", "0"),
    )


@pytest.fixture(scope="module")
def visits():
    """Both visits without lesions, and with those of the rater."""
    bare = [read_without_model(name) for name in ("visit1", "visit2")]
    return bare, [apply_readers_mask(each, ReaderMask(PATIENT / each.name / "lesion.nii.gz", "r")) for each in bare]


@pytest.fixture(scope="module")
def rows(visits):
    """What is said of the rater's lesions."""
    return compare_visits(*visits[1], STILL).changes


def test_every_lesion_that_was_drawn_is_in_one_group_with_the_volume_that_was_drawn(visits, rows):
    for place, visit in enumerate(visits[1]):
        numbers = [n for row in rows for n in (row.group.before, row.group.after)[place]]
        assert sorted(numbers) == list(range(1, visit.lesion_count + 1))
        drawn = read_image(PATIENT / visit.name / "lesion.nii.gz")
        ml = np.count_nonzero(voxels(drawn)) * np.prod(drawn.GetSpacing()) / 1000
        assert visit.volume_ml == pytest.approx(ml)
        assert sum((row.before_mm3, row.after_mm3)[place] for row in rows) / 1000 == pytest.approx(ml)


def test_new_and_resolved_are_named_only_where_the_images_show_it(rows):
    named = [row for row in rows if row.change in (ChangeClass.NEW, ChangeClass.RESOLVED)]
    assert named
    assert all(row.evidence.focus_z >= LEAST_SHOWN_Z for row in named)
    doubted = [row for row in rows if "images" in row.decision.reason and row.change is ChangeClass.NOT_DECIDABLE]
    assert all(row.decision.probability <= 0.787 for row in doubted)


def test_what_the_rater_deletes_from_the_later_visit_is_new_no_more(visits, rows):
    new = next(row for row in rows if row.change is ChangeClass.NEW)
    later = visits[1][1]
    labels = voxels(later.native_instances)
    kept = correct_visit(later, ((labels > 0) & ~np.isin(labels, new.group.after)).astype(np.uint8))
    left = compare_visits(visits[1][0], kept, STILL).changes
    apart = [np.linalg.norm(np.subtract(row.center_ras_mm, new.center_ras_mm)) for row in left if not row.group.before]
    assert min(apart, default=99.0) > 2.0
    assert sum(len(row.group.after) for row in left) == later.lesion_count - len(new.group.after)


def test_swapped_the_answer_is_the_mirrored_one(visits, rows):
    back = compare_visits(*visits[1][::-1], STILL).changes
    assert [MIRRORED[row.change] for row in rows] == [row.change for row in back]
