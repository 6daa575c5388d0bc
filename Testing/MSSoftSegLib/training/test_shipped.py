"""The model that ships is made stage by stage: who is held out stays out, a killed run goes on, the bundle can be read."""

from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.training.engine.batches import stream_of
from MSSoftSegLib.training.shipped import __main__ as program
from MSSoftSegLib.training.shipped.plan import FULL, SMOKE
from MSSoftSegLib.training.shipped.stages import ShippedRun
from MSSoftSegLib.training.synthesis.samples import SyntheticSamples, SyntheticSource
from Testing.MSSoftSegLib.training.tiny_data import write_tiny_data

PLAN = dataclasses.replace(SMOKE, held_out="patient03")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The public data's layout, with one labelled exam of the patient who is held out."""
    folder = write_tiny_data(tmp_path_factory.mktemp("data"))
    mask = sitk.ReadImage(str(folder / "lesion_masks" / "patient03" / "lesion_consensus_1mm.nii.gz"))
    brain = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "lesion_masks" / "patient03" / "brainmask_1mm.nii.gz")))
    exam = folder / "mni" / "patient03"
    exam.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for name in ("FLAIR", "T1", "T2"):
        array = (brain * (100 + 10 * rng.standard_normal(brain.shape))).astype(np.float32)
        image = sitk.GetImageFromArray(array)
        image.CopyInformation(mask)
        sitk.WriteImage(image, str(exam / f"{name}.nii.gz"))
    sitk.WriteImage(mask, str(exam / "lesion_consensus.nii.gz"))
    return folder


@pytest.fixture(scope="module")
def samples(data):
    source = SyntheticSource(data, without=("patient03",), shape=(32, 40, 32), per_patient=3)
    return SyntheticSamples(source, PLAN.recipe(PLAN.stages[0]).sampling, seed=4)


def test_a_sample_follows_from_seed_and_number_whatever_was_drawn_before(samples, data):
    later = samples[7]
    samples[0]
    again = samples[7]
    fresh = SyntheticSamples(samples.source, samples.sampling, seed=4)[7]
    for other in (again, fresh):
        assert torch.equal(later.images, other.images)
        assert torch.equal(later.label, other.label)
    assert later.draws["patient"] == 2
    assert not torch.equal(later.images, samples[8].images)


def test_samples_have_the_patch_asked_for_and_weigh_the_brain_only(samples):
    for number in range(6):
        sample = samples[number]
        assert sample.images.shape == (3, *PLAN.patch)
        assert sample.label.shape == sample.weight.shape == (1, *PLAN.patch)
        assert torch.equal(sample.weight > 0, (sample.images != 0).any(dim=0, keepdim=True))


def test_the_held_out_patient_is_in_no_stage_before_she_judges(data, tmp_path):
    run = ShippedRun(PLAN, data, tmp_path)
    before = [stage for stage in PLAN.stages if not stage.real_share]
    after = [stage for stage in PLAN.stages if stage.real_share]
    assert before
    assert after
    for stage in before:
        task = run.task(stage)
        assert task.training == ()
        assert {shape.patient for shape in stream_of(task).lesions} == {"patient01", "patient02"}
    for stage in after:
        task = run.task(stage)
        assert [case.patient for case in task.training] == ["patient03"]
        assert {shape.patient for shape in stream_of(task).synthetic.lesions} == {"patient01", "patient02", "patient03"}


def test_real_exams_come_as_often_as_asked(data, tmp_path):
    task = ShippedRun(PLAN, data, tmp_path).task(PLAN.stages[-1])
    stream = stream_of(task)
    cases = [stream[number].case for number in range(60)]
    assert 0.3 < cases.count("patient03") / len(cases) < 0.7


def test_the_full_plan_has_sides_that_the_network_takes():
    for stage in FULL.stages:
        recipe = FULL.recipe(stage)
        assert recipe.sampling.mode == stage.mode
        assert sum(phase.epochs for phase in recipe.training.phases) == stage.epochs
    assert all(side % 16 == 0 for side in (*FULL.shape, *FULL.patch))


def test_the_program_goes_on_where_it_was_and_writes_a_bundle(data, tmp_path, monkeypatch):
    monkeypatch.setattr(program, "SMOKE", PLAN)
    card = tmp_path / "card.md"
    card.write_text("# Card\n", encoding="utf-8")
    arguments = ["--data", str(data), "--run", str(tmp_path / "run"), "--card", str(card), "--smoke"]
    arguments += ["--course", "two steps", "--out", str(tmp_path / "bundle")]
    first = ShippedRun(dataclasses.replace(PLAN, stages=PLAN.stages[:1]), data, tmp_path / "run")
    first.train()
    made = first.task(PLAN.stages[0]).best_weights
    os.utime(made, (1, 1))
    program.main(arguments)
    assert made.stat().st_mtime == 1, "a finished stage is not trained again"
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.description.training["course"] == ["two steps"]
    assert [stage["name"] for stage in bundle.description.training["stages"]] == [stage.name for stage in PLAN.stages]
    (network,) = load_networks(bundle)
    assert sum(weight.numel() for weight in network.parameters()) > 1000
    judged = json.loads((tmp_path / "run" / "judgement.json").read_text(encoding="utf-8"))
    assert set(judged) == {"all images", "without t2", "without t1", "without t1 and t2"}
    assert all(entry["truth_lesions"] >= 1 for entry in judged.values())
