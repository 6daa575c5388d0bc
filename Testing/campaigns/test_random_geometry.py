"""Images stored in any axis order, oblique, anisotropic and cropped: every command answers at the same place in the patient.

A patient is drawn by formula, so that each voxel's truth is known on any grid. Each of the storages drawn goes through soft
masks, evaluation, the library, a segmentation of preprocessed images and a comparison of visits. Wrong side or shifted: zero of
eleven hundred in ``make campaigns``, of two dozen in ``make test``. Raw exams: Testing/MSSoftSegLib/inference/test_orientation.py
"""

from __future__ import annotations

import csv
import itertools
import json
import random
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.evaluate import evaluate
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.change.small_results import write_result_of
from Testing.MSSoftSegLib.change.small_visits import Spot, pose, visit
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

STORAGES = 300 if CAMPAIGN else 6
SEGMENTED = 100 if CAMPAIGN else 3
COMPARED = 30
ORDERS = ["".join(order) for sides in itertools.product("LR", "PA", "SI") for order in itertools.permutations(sides)]
# Places in mm (LPS) from the middle and radii: no two alike, all on the left, so that a mirrored answer is on the wrong side.
LESIONS = (((14.0, -9.0, 3.0), 5.0), ((17.0, 6.0, -5.0), 4.0), ((8.0, 14.0, 7.0), 4.5))


def offsets(grid):
    """Of every voxel from the middle of the patient, in mm (LPS), (z, y, x, 3)."""
    size, spacing = np.array(grid.size), np.array(grid.spacing_mm)
    index = np.stack(np.meshgrid(*map(np.arange, size[::-1]), indexing="ij"), -1)[..., ::-1]
    return index * spacing @ np.reshape(grid.direction, (3, 3)).T + np.array(grid.origin_mm)


def lesions_on(grid, middle):
    """1 in the lesions, else 0."""
    from_middle = offsets(grid) - middle
    inside = [np.linalg.norm(from_middle - place, axis=-1) <= radius for place, radius in LESIONS]
    return np.any(inside, axis=0).astype(np.uint8)


def brain_on(grid, middle, contrast):
    """A lopsided brain whose value says where it is; nothing around it."""
    x, y, z = np.moveaxis(offsets(grid) - middle, -1, 0)
    values = 300 + 3 * x + 2 * y - 4 * z + 40 * np.sin(x / (3 + contrast)) + 200 * lesions_on(grid, middle)
    return np.where((x / 24) ** 2 + (y / 26) ** 2 + (z / 20) ** 2 <= 1, values, 0).astype(np.float32)


def drawn_grid(draw, middle, *, finest_mm=1.0, coarsest_mm=3.5):
    """Any turn up to 40 degrees about each axis, any spacing, and a field of view that cuts at the brain here and there."""
    turn = Rotation.from_euler("xyz", [round(draw.uniform(-40, 40), 2) for _ in range(3)], degrees=True).as_matrix()
    spacing = np.array([round(draw.uniform(finest_mm, coarsest_mm), 2) for _ in range(3)])
    low = np.array([draw.uniform(-30, -24) for _ in range(3)])
    high = np.array([draw.uniform(24, 30) for _ in range(3)])
    size = np.ceil((high - low) / spacing).astype(int)
    origin = np.asarray(middle) + turn @ (low + spacing / 2)
    return Grid(tuple(map(int, size)), tuple(spacing.tolist()), tuple(origin.tolist()), tuple(turn.ravel().tolist()))


def drawn_middle(draw):
    return np.array([round(draw.uniform(-120, 120), 1) for _ in range(3)])


def stored(image, letters, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.DICOMOrient(image, letters), str(path))
    return path


def upright(path):
    return sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS"))


def same_place(one, other):
    """Whether two files have one grid: the same size, and each corner at the same place."""
    first, second = sitk.ReadImage(str(one)), sitk.ReadImage(str(other))
    corners = itertools.product(*((0, n - 1) for n in first.GetSize()))
    return first.GetSize() == second.GetSize() and all(
        np.allclose(first.TransformIndexToPhysicalPoint(c), second.TransformIndexToPhysicalPoint(c), atol=1e-3)
        for c in corners
    )


def ran(*words):
    assert run_command([str(word) for word in words]) == 0, words


def at_the_truth(soft, grid, middle):
    """Whether what is found lies at the lesions: its center is theirs, to a fifth of a voxel, and it is on the left."""
    truth, places = lesions_on(grid, middle), offsets(grid) - middle
    centers = [(places * np.clip(w, 0, None)[..., None]).sum((0, 1, 2)) / w.sum() for w in (soft, truth)]
    assert np.abs(centers[0] - centers[1]).max() <= 0.2 * max(grid.spacing_mm)
    assert centers[0][0] > 5


def test_a_soft_mask_lies_where_its_rater_drew(tmp_path):
    for number in range(STORAGES):
        draw = random.Random(f"soft {number}")
        middle = drawn_middle(draw)
        grid = drawn_grid(draw, middle)
        letters, folder = draw.choice(ORDERS), tmp_path / str(number)
        mask = grid.image(lesions_on(grid, middle))
        flair = grid.image(brain_on(grid, middle, 0))
        method = draw.choice(["none", "gaussian", "kats", "barilan", "ramp", "svls"])
        for order in ("LPS", letters):
            rater = stored(mask, order, folder / f"{order}.nii.gz")
            image = stored(flair, order, folder / f"F{order}.nii.gz")
            needs_flair = ["--flair", image] if method in ("kats", "barilan") else []
            options = ["--method", method, *needs_flair]
            ran("softmask", "--rater", rater, *options, "--out", folder / f"soft{order}.nii.gz", "--overwrite")
            assert same_place(folder / f"soft{order}.nii.gz", rater), number
        plain, turned = (upright(folder / f"soft{order}.nii.gz") for order in ("LPS", letters))
        np.testing.assert_allclose(turned, plain, atol=2e-6, err_msg=f"{number} {method} {letters}")
        if method != "kats":  # which grows towards what is bright
            at_the_truth(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "softLPS.nii.gz"))), *_of(folder, middle))
        shutil.rmtree(folder)
    record("geometry: soft masks", {"storages": STORAGES, "wrong side or shifted": 0})


def _of(folder, middle):
    """The grid of what was stored upright, and the patient's middle."""
    return Grid.of(sitk.ReadImage(str(folder / "softLPS.nii.gz"))), middle


def test_a_measure_does_not_depend_on_how_masks_are_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "draw_figures", lambda cases: {})
    wanted, rows = [], [["case", "truth", "prediction"]]
    mixed = []
    for number in range(STORAGES):
        draw = random.Random(f"measure {number}")
        middle = drawn_middle(draw)
        grid = drawn_grid(draw, middle)
        truth = lesions_on(grid, middle)
        moved = lesions_on(grid, middle + np.array([draw.uniform(-3, 3) for _ in range(3)]))
        wanted.append(2 * (truth & moved).sum() / (truth.sum() + moved.sum()))
        letters = draw.choice(ORDERS)
        one = stored(grid.image(truth), letters, tmp_path / f"t{number}.nii.gz")
        other = stored(grid.image(moved), letters, tmp_path / f"p{number}.nii.gz")
        rows.append([str(number), one.name, other.name])
        mixed.append((one, stored(grid.image(moved), draw.choice(ORDERS), tmp_path / f"m{number}.nii.gz"), wanted[-1]))
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    ran("evaluate", "--table", tmp_path / "pairs.csv", "--out", tmp_path / "out")
    with (tmp_path / "out" / "metrics.csv").open(newline="") as file:
        found = {row["case"]: float(row["dsc"]) for row in csv.DictReader(file)}
    for number, value in enumerate(wanted):
        assert found[str(number)] == pytest.approx(value, abs=1e-6), number
    # One file of a pair in another order: refused, or measured rightly; never compared index by index.
    counts = {"pairs": STORAGES, "mixed pairs": 0, "of these refused": 0}
    for number, (one, other, value) in enumerate(mixed[: STORAGES // 3]):
        out = tmp_path / f"mixed{number}"
        code = run_command(["evaluate", "--truth", str(one), "--prediction", str(other), "--out", str(out)])
        counts["mixed pairs"] += 1
        if code == 2:
            counts["of these refused"] += 1
            continue
        assert code == 0
        with (out / "metrics.csv").open(newline="") as file:
            assert float(next(csv.DictReader(file))["dsc"]) == pytest.approx(value, abs=1e-6), number
    record("geometry: measures", {**counts, "wrong": 0})


def test_a_library_keeps_every_voxel_at_its_place(tmp_path):
    library = create_library(tmp_path / "library")
    for number in range(STORAGES):
        draw = random.Random(f"library {number}")
        middle = drawn_middle(draw)
        words = ["library", "add", library, "--id", f"p{number}"]
        kept = {}
        for contrast, modality in enumerate((Modality.FLAIR, Modality.T1, Modality.T2)):
            # Each contrast on a grid of its own.
            grid = drawn_grid(draw, middle)
            image = grid.image(np.rint(brain_on(grid, middle, contrast)))
            kept[modality] = stored(image, draw.choice(ORDERS), tmp_path / f"{modality}.nii.gz")
            words += [f"--{modality}", kept[modality]]
            if modality is Modality.FLAIR:
                mask = sitk.GetImageFromArray(lesions_on(grid, middle))
                mask.CopyInformation(image)
                letters = sitk.DICOMOrientImageFilter_GetOrientationFromDirectionCosines(
                    sitk.ReadImage(str(kept[modality])).GetDirection()
                )
                drawn = stored(mask, letters, tmp_path / "mask.nii.gz")
        ran(*words, "--mask", drawn, "--rater", "a")
        case = CaseId(f"p{number}")
        for modality, path in kept.items():
            found = resolve_inside(library, case.image(modality))
            assert same_values_at_places(found, path), (number, modality)
        (label,) = (library / "derivatives").rglob(f"sub-p{number}_*desc-a_dseg.nii.gz")
        assert same_values_at_places(label, drawn), number
    record("geometry: library", {"cases": STORAGES, "images": 3 * STORAGES, "wrong side or shifted": 0})


def same_values_at_places(found, original):
    """Whether every voxel of one file is found in the other, at its place in the patient and with its value."""
    one, other = sitk.ReadImage(str(original)), sitk.ReadImage(str(found))
    direction = np.reshape(other.GetDirection(), (3, 3)) * other.GetSpacing()
    places = (offsets(Grid.of(one)) - other.GetOrigin()) @ np.linalg.inv(direction).T
    x, y, z = np.moveaxis(np.rint(places).astype(int), -1, 0)
    sizes_agree = sorted(one.GetSize()) == sorted(other.GetSize())
    on_voxels = np.abs(places - np.rint(places)).max() < 1e-2 and min(x.min(), y.min(), z.min()) >= 0
    return sizes_agree and on_voxels and (sitk.GetArrayFromImage(other)[z, y, x] == sitk.GetArrayFromImage(one)).all()


@pytest.mark.parametrize("network", [{"kind": "lesion-unet", "widths": [4, 6]}, {"kind": "unet-2d", "widths": [4, 6]}])
def test_a_segmentation_of_preprocessed_images_does_not_depend_on_how_they_are_stored(tmp_path, network, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    # Random weights answer something else for every other order of axes.
    write_random_bundle(tmp_path / "models" / "random", network=network)
    for number in range(SEGMENTED // 2 or 1):
        draw = random.Random(f"segment {number} {network['kind']}")
        middle = drawn_middle(draw)
        grid = drawn_grid(draw, middle, finest_mm=1.5, coarsest_mm=3.0)
        images = [grid.image(brain_on(grid, middle, contrast)) for contrast in range(3)]
        answers = []
        letters = draw.choice([order for order in ORDERS if order != "LPS"])
        for order in ("LPS", letters):
            folder = tmp_path / order
            files = [
                word
                for image, name in zip(images, ("flair", "t1", "t2"), strict=True)
                for word in (f"--{name}", stored(image, order, folder / f"{name}.nii.gz"))
            ]
            options = ["--preprocessed", "--tta", "none", "--model", "random", "--device", "cpu", "--no-cache"]
            ran("segment", *files, *options, "--no-keep-working", "--out", folder / "out")
            assert same_place(folder / "out" / "lesion_probability.nii.gz", folder / "flair.nii.gz")
            maps = [upright(folder / "out" / f"lesion_{name}.nii.gz") for name in ("probability", "mask", "instances")]
            # Lesions of one volume are numbered in the file's own order: how large each voxel's lesion is does not change.
            answers.append([*maps[:2], np.bincount(maps[2].ravel())[maps[2]]])
        assert answers[0][0].std() > 1e-4
        (plain, *plain_lesions), (turned, *turned_lesions) = answers
        # Which sums are taken first may depend on addresses in memory: the last bit of a probability is not promised.
        np.testing.assert_allclose(turned, plain, rtol=0, atol=1e-6, err_msg=f"{number} {letters}")
        for one, other in zip(plain_lesions, turned_lesions, strict=True):
            np.testing.assert_array_equal(other, one, err_msg=f"{number} {letters}")
        for order in ("LPS", letters):
            shutil.rmtree(tmp_path / order)
    record(f"geometry: preprocessed, {network['kind']}", {"storages": SEGMENTED // 2, "wrong side or shifted": 0})


@pytest.mark.skipif(not CAMPAIGN, reason="make campaigns: seconds a pair")
def test_a_comparison_of_visits_says_the_side_on_which_something_is_new(tmp_path):
    for number in range(COMPARED):
        draw = random.Random(f"change {number}")
        side = draw.choice((-1, 1))
        place = tuple(round(draw.uniform(low, high), 1) for low, high in ((10, 14), (-12, 12), (-8, 8)))
        new = Spot((side * place[0], place[1], place[2]), 4.5)
        old = [Spot((-side * 12, 4, 2), 5), Spot((0, 18, -6), 4)]
        turn = [round(draw.uniform(-6, 6), 1) for _ in range(2)]
        shifts = [tuple(round(draw.uniform(-8, 8), 1) for _ in range(3)) for _ in range(2)]
        poses = [pose(t, s) for t, s in zip(turn, shifts, strict=True)]
        folder = tmp_path / str(number)
        before = visit(old, seed=2 * number, where=poses[0], slices_mm=draw.choice((1.0, 2.0, 3.0)))
        after = visit([*old, new], seed=2 * number + 1, where=poses[1], slices_mm=draw.choice((1.0, 2.0, 3.0)))
        write_result_of(before, folder / "before")
        write_result_of(after, folder / "after")
        ran("change", "--before", folder / "before", "--after", folder / "after", "--out", folder / "out")
        (pair,) = json.loads((folder / "out" / "change.json").read_text())["pairs"]
        assert sorted(group["change"] for group in pair["groups"]) == ["new", "stable", "stable"], (number, pair)
        (group,) = (each for each in pair["groups"] if each["change"] == "new")
        labels = sitk.ReadImage(str(folder / "out" / pair["name"] / "after" / "change_labels.nii.gz"))
        inside = np.argwhere(sitk.GetArrayFromImage(labels) == group["id"])[:, ::-1].mean(axis=0)
        found = labels.TransformContinuousIndexToPhysicalPoint(inside.tolist())
        wanted = poses[1].TransformPoint((np.array([100.0, -40.0, 30.0]) + new.place).tolist())
        assert np.linalg.norm(np.subtract(found, wanted)) <= 1.5, (number, found, wanted)
        shutil.rmtree(folder)
    record("geometry: change", {"pairs": COMPARED, "wrong side or shifted": 0})
