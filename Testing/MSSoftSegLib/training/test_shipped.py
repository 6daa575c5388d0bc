"""The model that ships is made stage by stage: who is held out stays out, a killed run goes on, the bundle can be read."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.operating_point import AcquisitionPoint
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.training.shipped import __main__ as program
from MSSoftSegLib.training.shipped.cohort import build_cohort
from MSSoftSegLib.training.shipped.plan import FULL, SMOKE
from MSSoftSegLib.training.shipped.points import state_lesion_free_ml
from MSSoftSegLib.training.shipped.real_exams import RealExam, find_real_exams
from MSSoftSegLib.training.shipped.shares import case_weights
from MSSoftSegLib.training.shipped.stages import ShippedRun
from MSSoftSegLib.training.shipped.withheld import withhold_each_center, withhold_in_folds
from Testing.MSSoftSegLib.training.tiny_data import write_tiny_data


def _write_exam(folder, brain, lesions, *, rng):
    """Brain-extracted images on one grid, brighter in the lesions."""
    folder.mkdir(parents=True)
    for name in ("FLAIR", "T1"):
        array = (brain * (100 + 10 * rng.standard_normal(brain.shape)) + 60 * lesions).astype(np.float32)
        sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}.nii.gz"))
    sitk.WriteImage(sitk.GetImageFromArray(lesions.astype(np.uint8)), str(folder / "lesion.nii.gz"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The development data's layout, small: two centers with preprocessed exams, one of them with two visits."""
    folder = tmp_path_factory.mktemp("data")
    open_ms = write_tiny_data(folder / "open_ms")
    rng = np.random.default_rng(1)
    masks = open_ms / "lesion_masks" / "patient03"
    lesions = sitk.GetArrayFromImage(sitk.ReadImage(str(masks / "lesion_consensus_1mm.nii.gz")))
    brain = sitk.GetArrayFromImage(sitk.ReadImage(str(masks / "brainmask_1mm.nii.gz")))
    _write_exam(open_ms / "mni" / "patient26", brain, lesions, rng=rng)
    for visit in (1, 2):
        _write_exam(folder / "catania" / "c01" / f"visit{visit}", brain, np.roll(lesions, visit, axis=1), rng=rng)
    return folder


@pytest.fixture(scope="module")
def cohort(data, tmp_path_factory):
    return build_cohort(data, tmp_path_factory.mktemp("cohort"), SMOKE.cohort, SMOKE.recipe(SMOKE.stages[0]))


def test_exams_are_found_with_their_center_and_visits_belong_to_one_patient(data):
    exams = find_real_exams(data)
    assert [(exam.center, exam.patient, exam.case.case) for exam in exams] == [
        ("ljubljana", "ljubljana-patient26", "ljubljana-patient26"),
        ("catania", "catania-c01", "catania-c01-visit1"),
        ("catania", "catania-c01", "catania-c01-visit2"),
    ]


def test_a_folder_without_exams_is_refused_in_words(tmp_path):
    with pytest.raises(RequestError, match="no labelled exams"):
        find_real_exams(tmp_path)


def test_the_cohort_has_every_kind_and_a_second_call_takes_up_what_is_there(data, cohort):
    kinds = [case.kind for case in cohort]
    assert {kind: kinds.count(kind) for kind in kinds} == {"real": 3, "filled": 3, "planted": 3, "synthetic": 2}
    folder = cohort[0].prepared.folder.parents[1]
    stamps = {case.prepared.case: (case.prepared.folder / "images.npy").stat().st_mtime_ns for case in cohort}
    again = build_cohort(data, folder, SMOKE.cohort, SMOKE.recipe(SMOKE.stages[0]))
    assert [case.prepared for case in again] == [case.prepared for case in cohort]
    assert {c.prepared.case: (c.prepared.folder / "images.npy").stat().st_mtime_ns for c in again} == stamps


def test_a_filled_case_has_no_label_and_a_planted_one_has_another(cohort):
    real = {case.prepared.case: case.prepared for case in cohort if case.kind == "real"}
    for case in cohort:
        if case.kind == "filled":
            assert not case.prepared.label().any()
        if case.kind == "planted":
            own = next(prepared for name, prepared in real.items() if case.prepared.case.startswith(name))
            assert case.prepared.shape == own.shape
            assert not np.array_equal(case.prepared.label(), own.label())


def test_derived_cases_are_the_same_in_another_folder(data, cohort, tmp_path):
    other = build_cohort(data, tmp_path, SMOKE.cohort, SMOKE.recipe(SMOKE.stages[0]))
    for first, second in zip(cohort, other, strict=True):
        assert np.array_equal(first.prepared.images(), second.prepared.images()), first.prepared.case
        assert np.array_equal(first.prepared.label(), second.prepared.label())


def test_shares_hold_for_kinds_centers_and_patients(cohort):
    kinds, centers = dict(FULL.kind_shares), dict(FULL.center_shares)
    weights = case_weights(cohort, kinds, centers)
    of = {name: sum(w for w, case in zip(weights, cohort, strict=True) if case.kind == name) for name in kinds}
    assert of == pytest.approx(kinds)
    real = [(case.center, w / kinds["real"]) for w, case in zip(weights, cohort, strict=True) if case.kind == "real"]
    catania = sum(weight for center, weight in real if center == "catania")
    assert catania == pytest.approx(centers["catania"] / (centers["catania"] + centers["ljubljana"]))


def test_a_withheld_center_is_in_no_stage_of_its_model(data, cohort, tmp_path):
    (catania, _) = withhold_each_center(find_real_exams(data))
    run = ShippedRun(SMOKE, SMOKE.judged, tuple(cohort), tmp_path, without=catania)
    shown = {stage.name: run.cases(stage) for stage in run.stages}
    assert {case.kind for case in shown["synthetic"]} == {"synthetic"}
    assert {case.center for case in shown["patches"]} == {"", "ljubljana"}
    assert run.task(run.stages[1]).initial_weights == run.task(run.stages[0]).best_weights


def test_the_full_plan_has_the_steps_that_it_states():
    for stage in (*FULL.stages, *FULL.judged):
        training = FULL.recipe(stage).training
        assert sum(phase.epochs for phase in training.phases) * training.steps_per_epoch == stage.steps


def test_the_program_judges_goes_on_where_it_was_and_writes_a_bundle(data, cohort, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    os.symlink(cohort[0].prepared.folder.parents[1], run / "cohort")
    card = tmp_path / "card.md"
    card.write_text("# Card\n", encoding="utf-8")
    first = ShippedRun(SMOKE, SMOKE.stages[:1], tuple(cohort), run)
    first.train()
    made = first.task(SMOKE.stages[0]).best_weights
    os.utime(made, (1, 1))
    arguments = ["--data", str(data), "--run", str(run), "--card", str(card), "--smoke", "--judge"]
    program.main([*arguments, "--course", "two steps", "--out", str(tmp_path / "bundle")])
    assert made.stat().st_mtime == 1, "a finished stage is not trained again"
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.description.training["course"] == ["two steps"]
    assert [point.slices_mm_from for point in bundle.description.acquisitions] == [0.0]
    (network,) = load_networks(bundle)
    assert sum(weight.numel() for weight in network.parameters()) > 1000
    judged = json.loads((run / "judgement.json").read_text(encoding="utf-8"))
    assert set(judged) == {"all images", "without T1", "lesion_free", "points"}
    assert judged["all images"]["summary"]["all"]["patients"] == 2
    assert len(judged["lesion_free"]) == 3
    assert judged["points"][0]["lesion_free_ml"] <= max(brain["ml"] for brain in judged["lesion_free"]) + 0.01
    assert "catania-c01-visit2" in (run / "judgement.md").read_text(encoding="utf-8")
    folded = json.loads((run / "judgement-in-folds.json").read_text(encoding="utf-8"))
    assert set(folded) == {"all images", "lesion_free", "points"}
    assert folded["all images"]["summary"]["all"]["patients"] == 2
    assert bundle.description.acquisitions == tuple(AcquisitionPoint.model_validate(p) for p in folded["points"])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=20))
def test_folds_hold_every_patient_once_and_deal_out_each_center(people):
    visits = {(center, f"{center}{number}"): count for center, number, count in people}
    exams = [stand_in(center, patient) for (center, patient), count in visits.items() for _ in range(count)]
    folds = withhold_in_folds(exams)
    assert len(folds) == min(4, len(visits)) == len({fold.name for fold in folds})
    assert sorted(patient for fold in folds for patient in fold.patients) == sorted(patient for _, patient in visits)
    for center in "abc":
        shares = [sum(patient.startswith(center) for patient in fold.patients) for fold in folds]
        assert max(shares) - min(shares) <= 1


def stand_in(center: str, patient: str) -> RealExam:
    return RealExam(center, LabeledCase(case=patient, patient=patient, images={}, raters={}))


def test_what_is_found_in_brains_without_lesions_is_stated_for_slices_of_their_kind():
    values = {"temperature": 1.0, "threshold": 0.5, "min_lesion_mm3": 3.0, "chosen_on": "-"}
    points = tuple(AcquisitionPoint(**values, slices_mm_from=start) for start in (0.0, 2.5, 9.0))
    found = [(1.0, float(ml)) for ml in range(11)] + [(6.5, 40.0), (7.0, 40.0)]
    thin, thick, nobody = state_lesion_free_ml(points, found)
    assert (thin.lesion_free_ml, thick.lesion_free_ml, nobody.lesion_free_ml) == (5.0, 40.0, None)
