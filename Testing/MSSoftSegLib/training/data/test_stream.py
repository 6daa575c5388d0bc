"""The stream: what sample number i is follows from the seed and i alone, and lesions of every size come up."""

from __future__ import annotations

import dataclasses
import itertools
import json
import multiprocessing

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.training.data.augmentation.spatial import SpatialDraw, Volume, Window, apply_spatial
from MSSoftSegLib.training.data.prepared import prepare_cases
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.data.stream import SampleStream, StepSampler, collate

from ..small_cases import write_small_cases
from .recipes import EVERYTHING, small_recipe

WHOLE_RECIPE = small_recipe(augmentation=EVERYTHING)
SLICES = {"mode": "slice", "size": [16, 20], "batch": 2}


def equal(first: Sample, second: Sample) -> bool:
    tensors = all(torch.equal(getattr(first, n), getattr(second, n)) for n in ("images", "label", "weight"))
    return tensors and (first.case, first.draws) == (second.case, second.draws)


@pytest.fixture(scope="module")
def lesion_free(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesion-free")
    cases = write_small_cases(folder / "files", 1, seed=1, lesions=False)
    found = prepare_cases(cases, small_recipe(), folder / "out")[0]
    return dataclasses.replace(found, case="lesion-free")


def as_pseudo(case):
    return dataclasses.replace(case, case=f"pseudo-{case.case}", is_pseudo_labelled=True)


def test_a_sample_depends_on_seed_and_number_and_on_nothing_else(prepared):
    stream = SampleStream(prepared, WHOLE_RECIPE, seed=3)
    first = [stream[i] for i in (7, 0, 12)]
    np.random.seed(0)  # noqa: NPY002 - somebody else's global state
    torch.manual_seed(0)
    again = SampleStream(prepared, WHOLE_RECIPE, seed=3)
    assert all(equal(a, again[i]) for a, i in zip(first, (7, 0, 12), strict=True))
    assert not equal(first[0], first[1])
    assert not equal(first[0], SampleStream(prepared, WHOLE_RECIPE, seed=4)[7])


def test_worker_processes_make_the_very_same_samples(prepared):
    stream = SampleStream(prepared, WHOLE_RECIPE, seed=3)
    sampler = StepSampler(batch=2, start=2, stop=5)
    ours = [collate([stream[i] for i in numbers]) for numbers in sampler]
    loader = DataLoader(stream, batch_sampler=sampler, num_workers=2, collate_fn=collate)
    for expected, found in zip(ours, loader, strict=True):
        assert equal(expected, found)


def test_a_process_started_afresh_makes_the_very_same_sample(prepared):
    stream = SampleStream(prepared, WHOLE_RECIPE, seed=11)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        images, label, draws = pool.apply(sample_as_arrays, (prepared, 11, 5))
    expected = stream[5]
    np.testing.assert_array_equal(images, expected.images.numpy())
    np.testing.assert_array_equal(label, expected.label.numpy())
    assert draws == expected.draws


def sample_as_arrays(cases, seed, number):
    torch.set_num_threads(1)
    sample = SampleStream(cases, WHOLE_RECIPE, seed=seed)[number]
    return sample.images.numpy(), sample.label.numpy(), sample.draws


def test_what_was_drawn_is_recorded_so_that_the_patch_can_be_found_again(prepared):
    stream = SampleStream(prepared, WHOLE_RECIPE, seed=5)
    for index in range(6):
        sample = stream[index]
        draws = json.loads(json.dumps(sample.draws))
        case = next(case for case in prepared if case.case == sample.case)
        volume = Volume(case.images(), case.label(), case.brain(), None, case.spacing_mm)
        window = Window(**{name: tuple(value) for name, value in draws["window"].items()})
        spatial = SpatialDraw(**{n: tuple(v) if isinstance(v, list) else v for n, v in draws["spatial"].items()})
        _, label, weight = apply_spatial(volume, window, spatial)
        assert torch.equal(label, sample.label)
        assert torch.equal(weight, sample.weight)
        assert draws["index"] == index
        assert set(draws) == {"index", "place", "window", "spatial", "resolution", "intensity", "dropout"}


@pytest.mark.parametrize("augmentation", [{}, EVERYTHING])
@pytest.mark.parametrize("sampling", [{}, SLICES])
def test_samples_have_the_asked_shape_and_soft_labels_and_weigh_nothing_outside_the_brain(
    prepared, augmentation, sampling
):
    stream = SampleStream(prepared, small_recipe(augmentation=augmentation, sampling=sampling), seed=2)
    shape = (16, 20) if sampling else (16, 16, 16)
    values: set[float] = set()
    for index in range(25):
        sample = stream[index]
        assert sample.images.shape == (3, *shape)
        assert sample.label.shape == sample.weight.shape == (1, *shape)
        assert {t.dtype for t in (sample.images, sample.label, sample.weight)} == {torch.float32}
        assert sample.label.min() >= 0
        assert sample.label.max() <= 1
        assert set(sample.weight.unique().tolist()) <= {0.0, 1.0}
        assert not sample.images[:, sample.weight[0] == 0].any()
        values |= set(sample.label.unique().tolist())
    soft = values - {0.0, 1.0}
    # Without interpolation disagreement is gamma everywhere; with it every value between comes up.
    assert soft == {float(np.float32(0.37))} if not augmentation else len(soft) > 100


def test_a_label_is_cut_only_where_the_recipe_says_so_and_then_after_all_else(prepared):
    soft = SampleStream(prepared, WHOLE_RECIPE, seed=2)
    cut = SampleStream(prepared, small_recipe(augmentation=EVERYTHING, labels={"binarize": True}), seed=2)
    for index in range(8):
        assert torch.equal(cut[index].label, (soft[index].label >= 0.5).float())
        assert torch.equal(cut[index].images, soft[index].images)


def test_half_a_soft_value_survives_the_whole_way_from_file_to_sample(tmp_path):
    """0.37 in a file: through loading, resampling to 0.8 mm, every move and cropping."""
    case = write_small_cases(tmp_path / "files", 1, seed=6)[0]
    flair = next(iter(case.images.values()))
    soft = np.zeros((26, 30, 24), np.float32)
    soft[7:19, 8:22, 6:18] = 0.37
    path = like(flair, soft, tmp_path / "soft.nii.gz")
    case = dataclasses.replace(case, raters={}, soft_label=path)
    recipe = small_recipe(data={"spacing_mm": 0.8}, augmentation=EVERYTHING, sampling={"lesion_share": 1.0})
    stream = SampleStream(prepare_cases([case], recipe, tmp_path / "out"), recipe, seed=1)
    for index in range(20):
        label = stream[index].label
        assert label.min() >= 0
        assert label.max() == pytest.approx(0.37, abs=1e-6)
        assert torch.count_nonzero((label - 0.37).abs() < 1e-6) > 50
        assert torch.count_nonzero((label > 0.01) & (label < 0.36)) > 0


def like(reference_path, array, path):
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(sitk.ReadImage(str(reference_path)))
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_samples_laid_around_a_lesion_is_the_recipes(prepared, lesion_free, share):
    choice = SampleStream([*prepared, lesion_free], small_recipe(sampling={"lesion_share": share}), seed=0).choice
    drawn = [choice.draw(rng=np.random.default_rng(i)) for i in range(800)]
    # Five standard deviations of a binomial of 800.
    assert np.mean([place.on_lesion for place in drawn]) == pytest.approx(share, abs=5 * 0.5 / np.sqrt(800))
    cases = choice.cases
    for place in drawn:
        assert cases[place.case].brain()[place.voxel]
        if place.on_lesion:
            assert cases[place.case].label()[place.voxel] > 0


def test_small_lesions_are_chosen_as_often_as_large_ones_and_cases_alike(prepared):
    choice = SampleStream(prepared, small_recipe(sampling={"lesion_share": 1.0}), seed=0).choice
    drawn = [choice.draw(rng=np.random.default_rng(i)) for i in range(1200)]
    for number, case in enumerate(prepared):
        places = [np.ravel_multi_index(place.voxel, case.shape) for place in drawn if place.case == number]
        assert len(places) / 1200 == pytest.approx(1 / len(prepared), abs=0.07)
        starts, voxels = case.lesion_starts(), case.lesion_voxels()
        sizes = np.diff(starts)
        assert len(sizes) == 3
        assert sizes.max() > 3 * sizes.min()
        shares = [np.isin(places, voxels[a:b]).mean() for a, b in itertools.pairwise(starts)]
        np.testing.assert_allclose(shares, 1 / len(sizes), atol=0.12)


@settings(max_examples=60)
@given(index=st.integers(0, 10**9), flat=st.booleans())
def test_the_chosen_lesion_voxel_is_in_the_sample_however_it_is_turned(prepared, index, flat):
    sampling = {**(SLICES if flat else {}), "lesion_share": 1.0}
    stream = SampleStream(prepared, small_recipe(augmentation=EVERYTHING, sampling=sampling), seed=0)
    assert stream[index].label.max() > 0


def test_slices_without_lesion_never_appear_at_share_one_and_only_they_at_share_zero(prepared, lesion_free):
    cases = [*prepared, lesion_free]
    always = SampleStream(cases, small_recipe(sampling={**SLICES, "lesion_share": 1.0}), seed=0)
    assert all(always[i].label.max() > 0 for i in range(60))
    never = SampleStream(cases, small_recipe(sampling={**SLICES, "lesion_share": 0.0}), seed=0)
    plain = [never[i] for i in range(60)]
    assert all(sample.label.max() == 0 and sample.weight.max() == 1 for sample in plain)
    assert {sample.case for sample in plain} == {case.case for case in cases}


def test_without_any_lesion_patches_show_brain_and_slices_at_share_one_are_refused(lesion_free):
    stream = SampleStream([lesion_free], small_recipe(sampling={"lesion_share": 1.0}), seed=0)
    assert stream[0].weight.max() == 1
    with pytest.raises(RequestError, match="lesion"):
        SampleStream([lesion_free], small_recipe(sampling={**SLICES, "lesion_share": 1.0}), seed=0)
    with pytest.raises(RequestError, match="no case"):
        SampleStream([], small_recipe(), seed=0)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_pseudo_labeled_cases_make_up_their_share_however_many_they_are(prepared, share):
    cases = [prepared[0], *map(as_pseudo, prepared[:3])]
    stream = SampleStream(cases, small_recipe(pseudo_labels={"share": share}), seed=0)
    drawn = [stream.choice.draw(rng=np.random.default_rng(i)) for i in range(800)]
    found = np.mean([cases[place.case].is_pseudo_labelled for place in drawn])
    assert found == pytest.approx(share, abs=0.085)
    alone = SampleStream(cases[1:], small_recipe(pseudo_labels={"share": share}), seed=0)
    assert alone[0].case.startswith("pseudo")


def test_confidence_of_a_pseudo_label_becomes_its_weight(tmp_path):
    case = write_small_cases(tmp_path / "files", 1, seed=6)[0]
    flair = next(iter(case.images.values()))
    soft = like(flair, np.full((26, 30, 24), 0.25, np.float32), tmp_path / "soft.nii.gz")
    sure = like(flair, np.full((26, 30, 24), 0.8, np.float32), tmp_path / "omega.nii.gz")
    case = dataclasses.replace(case, raters={}, soft_label=soft, confidence=sure)
    stream = SampleStream(prepare_cases([case], WHOLE_RECIPE, tmp_path / "out"), WHOLE_RECIPE, seed=1)
    for index in range(5):
        sample = stream[index]
        inside = sample.images.ne(0).any(dim=0)
        assert torch.all(sample.weight[0][~inside] == 0)
        torch.testing.assert_close(sample.weight[0][inside], torch.full((int(inside.sum()),), 0.8))


def test_a_whole_brain_is_padded_to_sixteen_and_holds_every_voxel(prepared):
    whole = {"mode": "whole", "size": [], "batch": 1}
    for case in prepared:
        sample = SampleStream([case], small_recipe(sampling=whole), seed=0)[0]
        assert all(side % 16 == 0 for side in sample.label.shape[1:])
        assert sample.weight.sum() == np.count_nonzero(case.brain())
        assert sample.label.sum() == pytest.approx(float(np.sum(case.label())), rel=1e-6)
    turned = SampleStream(prepared, small_recipe(sampling=whole, augmentation={"quarter_turns": True}), seed=0)
    assert all(turned[i].weight.sum() > 0 for i in range(4))


def test_a_batch_pads_smaller_brains_with_what_weighs_nothing():
    def ones(*shape):
        return Sample(torch.ones(2, *shape), torch.ones(1, *shape), torch.ones(1, *shape), str(shape), {"n": shape})

    batch = collate([ones(4, 6, 5), ones(3, 7, 5)])
    assert batch.images.shape == (2, 2, 4, 7, 5)
    assert batch.weight.sum(dim=(1, 2, 3, 4)).tolist() == [4 * 6 * 5, 3 * 7 * 5]
    assert torch.all(batch.label[1, :, :3] == 1)
    assert batch.case == "(4, 6, 5), (3, 7, 5)"
    assert batch.draws == {"samples": [{"n": (4, 6, 5)}, {"n": (3, 7, 5)}]}
    assert batch.to(torch.float64).images.dtype == torch.float64


@settings(max_examples=60)
@given(batch=st.integers(1, 5), world=st.integers(1, 4), start=st.integers(0, 50), steps=st.integers(0, 6))
def test_all_processes_together_see_each_sample_once_and_a_resumed_run_the_rest(batch, world, start, steps):
    ranks = [
        list(StepSampler(batch=batch, start=start, stop=start + steps, rank=rank, world=world)) for rank in range(world)
    ]
    assert all(len(numbers) == batch for rank in ranks for numbers in rank)
    seen = sorted(number for rank in ranks for numbers in rank for number in numbers)
    assert seen == list(range(start * batch * world, (start + steps) * batch * world))
    for step in range(steps):
        of_step = sorted(number for rank in ranks for number in rank[step])
        first = (start + step) * batch * world
        assert of_step == list(range(first, first + batch * world))
    unbroken = list(StepSampler(batch=batch, start=0, stop=start + steps, rank=0, world=world))
    assert unbroken[start:] == ranks[0]
    assert len(StepSampler(batch=batch, start=start, stop=start + steps)) == steps
