"""Inference with every kind of network: pieces, groups of slices and windows leave the answer what it is."""

import logging

import pytest
import torch
from monai.inferers import SlidingWindowInferer
from pydantic import ValidationError

from MSSoftSegLib.errors import OutOfMemory
from MSSoftSegLib.inference import whole_volume
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import predict_members
from MSSoftSegLib.inference.sliding_window import predict_windowed_logits
from MSSoftSegLib.inference.whole_volume import predict_logits
from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.dynunet import DynUNet
from MSSoftSegLib.network.slices import SLICES_AT_ONCE, SliceNetwork
from MSSoftSegLib.network.unet_2d import UNet2D
from MSSoftSegLib.network.window import window_of
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

FLOAT = Device(torch.device("cpu"), torch.float32)


def images(shape=(20, 33, 18), *, channels=2, seed=0):
    smooth = torch.randn(1, channels, *shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool3d(smooth, 3, 1, 1) * 3


@pytest.fixture(scope="module")
def dynunet():
    torch.manual_seed(2)
    return DynUNet(input_channels=2, filters=(4, 6, 8)).eval()


@pytest.mark.parametrize("pieces", [2, 3, 8])
def test_a_dynunet_in_slabs_gives_the_whole_volume_answer(dynunet, pieces):
    whole = predict_logits(dynunet, images(), FLOAT, pieces=1)
    split = predict_logits(dynunet, images(), FLOAT, pieces=pieces)
    assert whole.shape == (1, 1, 20, 33, 18)
    assert whole.std() > 0.01
    assert torch.allclose(whole, split, atol=2e-4 * float(whole.abs().max()))


class Recorded(SliceNetwork):
    """A 2D stand-in that notes how many slices it is given, and fails beyond a number of them."""

    def __init__(self, most):
        super().__init__(multiple=4)
        self.most, self.seen = most, []

    def slice_logits(self, images):
        if images.shape[0] > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.seen.append(images.shape[0])
        return images[:, :1] * 2


def test_a_2d_network_that_runs_out_of_memory_gets_fewer_slices_at_once(caplog):
    network = Recorded(most=2)
    with caplog.at_level(logging.WARNING, logger="MSSoftSegLib"):
        logits = predict_logits(network, images(), FLOAT)
    assert torch.equal(logits, images()[:, :1] * 2)
    assert max(network.seen) == 2
    assert network.slices_at_once == SLICES_AT_ONCE
    assert "4 pieces" in caplog.text


def test_a_2d_network_for_which_one_slice_is_too_much_is_an_error_with_a_remedy():
    with pytest.raises(OutOfMemory, match="not even in 16 pieces"):
        predict_logits(Recorded(most=0), images(), FLOAT)


@pytest.mark.parametrize(("spare", "announced"), [(1, False), (-1, True)])
def test_a_2d_network_needs_the_memory_of_a_group_of_slices_not_of_the_volume(monkeypatch, caplog, spare, announced):
    network = UNet2D(input_channels=2, widths=(4, 8)).eval()

    class Memory:
        available = SLICES_AT_ONCE * 16 * 16 * network.bytes_per_voxel + spare

    monkeypatch.setattr(whole_volume.psutil, "virtual_memory", lambda: Memory)
    with caplog.at_level(logging.WARNING, logger="MSSoftSegLib"):
        predict_logits(network, images((40, 16, 16)), FLOAT)
    assert ("pieces" in caplog.text) == announced


class Looking(torch.nn.Module):
    """Answers voxel by voxel, and notes the sizes that it was shown."""

    def __init__(self):
        super().__init__()
        self.shown = set()

    def forward(self, images):
        self.shown.add(tuple(images.shape[2:]))
        return images[:, :1] * 4


@pytest.mark.parametrize("window", [(8, 16, 8), (16, 40, 16), (20, 32, 18)])
def test_windows_cover_every_voxel_and_leave_a_voxelwise_answer_unchanged(window):
    network = Looking()
    found = predict_windowed_logits(network, images(), FLOAT, window=window)
    assert network.shown == {window}
    assert torch.allclose(found, images()[:, :1] * 4, atol=1e-4)


def test_a_volume_that_fits_into_the_window_is_seen_whole():
    network = Looking()
    predict_windowed_logits(network, images(), FLOAT, window=(20, 33, 18))
    predict_windowed_logits(network, images(), FLOAT, window=None)
    assert network.shown == {(20, 33, 18)}


def test_windows_give_a_dynunet_the_statistics_of_its_patches(dynunet):
    volume = images((16, 16, 64))
    volume[..., 32:] *= 20  # another region must not change what is seen here
    windowed = predict_windowed_logits(dynunet, volume, FLOAT, window=(16, 16, 16))
    alone = predict_windowed_logits(dynunet, volume[..., :24], FLOAT, window=(16, 16, 16))
    assert torch.allclose(windowed[..., :8], alone[..., :8], atol=1e-4)
    whole = predict_logits(dynunet, volume, FLOAT)
    assert not torch.allclose(whole[..., :8], alone[..., :8], atol=0.1)


@pytest.mark.parametrize(
    ("network", "sampling", "expected"),
    [
        ({"kind": "dynunet", "filters": [4, 6, 8]}, {"mode": "patch", "size": [64, 80, 96]}, (64, 80, 96)),
        ({"kind": "dynunet", "filters": [4, 6, 8]}, {"mode": "whole", "size": []}, None),
        ({"kind": "dynunet", "filters": [4, 6, 8]}, None, None),
        ({"kind": "lesion-unet", "widths": [4, 6]}, {"mode": "patch", "size": [64, 80, 96]}, None),
    ],
)
def test_only_a_dynunet_trained_on_patches_looks_through_its_patch(tmp_path, network, sampling, expected):
    description = read_bundle(write_random_bundle(tmp_path / "model", network=network)).description
    recipe = {"name": "any"} if sampling is None else {"name": "any", "sampling": sampling}
    assert window_of(description.model_copy(update={"recipe": recipe})) == expected


def test_a_lesion_unet_looks_through_the_window_of_its_description(tmp_path):
    path = write_random_bundle(tmp_path / "model", network={"kind": "lesion-unet", "widths": [4, 6]})
    description = read_bundle(path).description
    assert window_of(description) is None
    assert window_of(description.model_copy(update={"window": (16, 20, 16)})) == (16, 20, 16)
    for wrong, words in (((16, 18, 16), "multiples of 4"), ((0, 16, 16), "greater than or equal to 8")):
        with pytest.raises(ValidationError, match=words):
            ModelDescription.model_validate(description.model_dump() | {"window": wrong})


def test_windows_of_a_lesion_unet_overlap_by_a_quarter_and_what_one_window_sees_is_that_windows_answer():
    network = LesionUNet(input_channels=3, widths=(4, 6)).eval()
    volume = torch.randn(1, 3, 16, 16, 28, generator=torch.Generator().manual_seed(3))
    found = predict_windowed_logits(network, volume, FLOAT, window=(16, 16, 16))
    left, right = (predict_logits(network, volume[..., part], FLOAT) for part in (slice(0, 16), slice(12, 28)))
    torch.testing.assert_close(found[..., :12], left[..., :12], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[..., 16:], right[..., 4:], rtol=1e-4, atol=1e-5)
    low, high = torch.minimum(left[..., 12:], right[..., :4]), torch.maximum(left[..., 12:], right[..., :4])
    assert (found[..., 12:16] >= low - 1e-4).all()
    assert (found[..., 12:16] <= high + 1e-4).all()


def test_a_side_that_fits_into_the_window_of_a_lesion_unet_is_not_filled_up_with_zeros():
    network = LesionUNet(input_channels=3, widths=(4, 6)).eval()
    volume = torch.randn(1, 3, 12, 16, 28, generator=torch.Generator().manual_seed(4))
    found = predict_windowed_logits(network, volume, FLOAT, window=(16, 16, 16))
    alone = predict_logits(network, volume[..., :16], FLOAT)
    torch.testing.assert_close(found[..., :12], alone[..., :12], rtol=1e-4, atol=1e-5)


def test_members_use_the_models_activation_over_the_whole_volume():
    volume = images(seed=4)
    volume[0, 0, 3, 4, 5] = 2.0
    peak = float(volume[:, 0].max()) * 4
    (member,) = predict_members(
        [Looking()], volume, tta="none", temperature=1.0, device=FLOAT, activation="normalized-relu"
    )
    assert torch.allclose(member, (volume[0, 0] * 4).clamp(min=0) / peak, atol=1e-6)


def test_the_floor_keeps_a_lesion_free_volume_empty():
    arguments = {"tta": "none", "temperature": 1.0, "device": FLOAT, "activation": "normalized-relu"}
    (quiet,) = predict_members([Looking()], images() * 1e-3, floor=1.0, **arguments)
    (stretched,) = predict_members([Looking()], images() * 1e-3, floor=1e-9, **arguments)
    assert quiet.max() < 0.05
    assert stretched.max() == pytest.approx(1.0)


@pytest.mark.parametrize("window", [(16, 20, 16), (24, 32, 18)])
def test_windows_are_weighed_as_monai_weighs_them(dynunet, window):
    volume = images()
    theirs = SlidingWindowInferer(roi_size=window, sw_batch_size=1, overlap=0.5, mode="gaussian")
    with torch.inference_mode():
        expected = theirs(volume, lambda part: predict_logits(dynunet, part, FLOAT))
    found = predict_windowed_logits(dynunet, volume, FLOAT, window=window)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_windows_that_hold_nothing_are_not_looked_into_and_hold_no_lesion():
    network = Looking()
    volume = torch.zeros(1, 2, 16, 16, 64)
    volume[..., :8] = 1.0
    looks = []
    network.register_forward_hook(lambda *_: looks.append(1))
    found = predict_windowed_logits(network, volume, FLOAT, window=(16, 16, 16))
    assert len(looks) == 1
    assert torch.allclose(found[..., :8], torch.tensor(4.0))
    assert torch.sigmoid(found[..., 24:]).max() < 1e-6
