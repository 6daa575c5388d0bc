"""The same voxels give the same answer, bit by bit, in whatever axis order a file stores them.

Through every entry that takes preprocessed images, and for 3D networks and 2D ones, whose slices are axial.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.geometry import orientation_letters, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import network_input, predict
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.reading import read_labeled_cases
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.training.adaptation.rehearsal import make_rehearsal_cases
from MSSoftSegLib.training.data.prepared import prepare_cases
from Testing.MSSoftSegLib.network.bundles import write_random_bundle
from Testing.MSSoftSegLib.training.data.recipes import small_recipe
from Testing.MSSoftSegLib.training.small_cases import write_small_cases

CPU = Device(torch.device("cpu"), torch.float32)
NETWORKS = {"3d": {"kind": "lesion-unet", "widths": [4, 6, 8]}, "2d": {"kind": "unet-2d", "widths": [4, 6]}}
FLIPPED_TO = str.maketrans("LPS", "RAI")
ORDERS = [
    "".join(letter.translate(FLIPPED_TO) if turned else letter for letter, turned in zip(order, turns, strict=True))
    for order in itertools.permutations("LPS")
    for turns in itertools.product((False, True), repeat=3)
]
# One order of each kind through the slower entries: axes exchanged, and flipped.
ODD_ORDERS = ("PSR", "SAL")


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> LabeledCase:
    return write_small_cases(tmp_path_factory.mktemp("axis-order"), 1, 11)[0]


@pytest.fixture(scope="module", params=NETWORKS)
def model(request, tmp_path_factory) -> Path:
    """Random weights answer something else for every other order of axes."""
    return write_random_bundle(tmp_path_factory.mktemp("models") / "random", network=NETWORKS[request.param])


def stored_as(case: LabeledCase, letters: str, folder: Path) -> LabeledCase:
    """The same case with every file's axes in another order."""
    folder.mkdir(parents=True, exist_ok=True)

    def turned(path: Path) -> Path:
        image = sitk.DICOMOrient(sitk.ReadImage(str(path)), letters)
        assert orientation_letters(image) == letters
        sitk.WriteImage(image, str(folder / path.name))
        return folder / path.name

    return dataclasses.replace(
        case,
        images={modality: turned(path) for modality, path in case.images.items()},
        raters={rater: turned(path) for rater, path in case.raters.items()},
    )


def upright(path: Path) -> np.ndarray:
    return voxels(sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS"))


def working_exam(case: LabeledCase):
    return take_exam_as_given(read_exam(case.images), working_spacing_mm=1.0)


@pytest.mark.parametrize("model", ["3d"], indirect=True)
def test_all_forty_eight_orders_give_the_network_the_same_images(case, model, tmp_path):
    description = read_bundle(model).description
    alone = dataclasses.replace(case, images={Modality.FLAIR: case.images[Modality.FLAIR]}, raters={})
    expected = network_input(working_exam(stored_as(alone, "LPS", tmp_path / "LPS")), description)
    for letters in ORDERS:
        found = network_input(working_exam(stored_as(alone, letters, tmp_path / letters)), description)
        assert torch.equal(found, expected), letters


def test_the_probability_lies_in_the_files_own_order_and_is_the_same(case, model, tmp_path):
    bundle = read_bundle(model)
    maps = []
    for letters in ("LPS", *ODD_ORDERS):
        working = working_exam(stored_as(case, letters, tmp_path / letters))
        found = predict(working, bundle.description, load_networks(bundle), reference="flair", tta="none", device=CPU)
        assert orientation_letters(found.native.probability) == letters
        maps.append(voxels(sitk.DICOMOrient(found.native.probability, "LPS")))
    assert maps[0].std() > 1e-3
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])


def test_a_network_would_answer_something_else_in_another_order(case, model, tmp_path):
    bundle = read_bundle(model)
    working = working_exam(case)
    turned = dataclasses.replace(
        working,
        images={name: sitk.DICOMOrient(image, "PSR") for name, image in working.images.items()},
        brain_mask=sitk.DICOMOrient(working.brain_mask, "PSR"),
    )
    with pytest.raises(ValueError, match="LPS, not PSR"):
        predict(turned, bundle.description, load_networks(bundle), reference="flair", tta="none", device=CPU)


@pytest.mark.parametrize("model", ["2d"], indirect=True)
def test_segment_does_not_look_at_the_order(case, model, tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path / "cache"))
    maps = []
    for letters in ("LPS", "PSR"):
        images = stored_as(case, letters, tmp_path / letters).images
        files = [word for modality, path in images.items() for word in (f"--{modality}", str(path))]
        out = tmp_path / f"out-{letters}"
        options = ["--preprocessed", "--tta", "none", "--model", str(model), "--device", "cpu", "--out", str(out)]
        assert run_command(["segment", *files, *options]) == 0
        maps.append(upright(out / "lesion_probability.nii.gz"))
    np.testing.assert_array_equal(maps[1], maps[0])


def test_pseudo_labels_do_not_look_at_the_order(case, model, tmp_path):
    weights = {}
    for letters in ("LPS", *ODD_ORDERS):
        stored_as(case, letters, tmp_path / f"exams-{letters}" / "one")
        for rater in case.raters:
            (tmp_path / f"exams-{letters}" / "one" / f"{rater}.nii.gz").unlink()
        library = tmp_path / f"library-{letters}"
        places = ["--unlabelled", str(tmp_path / f"exams-{letters}"), "--out", str(library)]
        options = ["--model", str(model), "--preprocessed", "--mode", "confidence-weighted", "--device", "cpu"]
        assert run_command(["pseudolabel", *places, *options]) == 0
        (labeled,) = read_labeled_cases(library, statuses=("segmented",))
        weights[letters] = upright(labeled.confidence)
    for letters in ODD_ORDERS:
        np.testing.assert_array_equal(weights[letters], weights["LPS"])


def test_the_comparison_of_models_does_not_look_at_the_order(case, model, tmp_path):
    from MSSoftSegLib.jobs.evaluate.model_scoring import load_model, score_case

    loaded = load_model(read_bundle(model))
    first, *others = (
        score_case(stored_as(case, letters, tmp_path / letters), loaded, CPU, tta="none")
        for letters in ("LPS", *ODD_ORDERS)
    )
    for other in others:
        assert other == pytest.approx(first, abs=1e-3)


def test_rehearsal_does_not_look_at_the_order(case, model, tmp_path):
    maps = []
    for letters in ("LPS", *ODD_ORDERS):
        turned = stored_as(case, letters, tmp_path / letters)
        (rehearsed,) = make_rehearsal_cases([turned], read_bundle(model), tmp_path / f"maps-{letters}", CPU)
        maps.append(upright(rehearsed.soft_label))
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])


def test_training_does_not_look_at_the_order(case, tmp_path):
    recipe = small_recipe()
    cases = [stored_as(case, letters, tmp_path / letters) for letters in ("LPS", *ODD_ORDERS)]
    named = [dataclasses.replace(each, case=f"case-{number}") for number, each in enumerate(cases)]
    first, *others = prepare_cases(named, recipe, tmp_path / "prepared")
    for other in others:
        np.testing.assert_array_equal(other.images(), first.images())
        np.testing.assert_array_equal(other.label(), first.label())
