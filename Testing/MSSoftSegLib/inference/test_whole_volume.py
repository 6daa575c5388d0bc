"""One pass, or many slabs: the same answer. Eight flips: the same anatomy."""

import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import DeviceMissing, OutOfMemory, RequestError
from MSSoftSegLib.inference import whole_volume
from MSSoftSegLib.inference.augmentation import flips
from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.inference.predict import predict_members
from MSSoftSegLib.inference.whole_volume import predict_logits
from MSSoftSegLib.network.architecture import LesionUNet

FLOAT = Device(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return LesionUNet(input_channels=3, widths=(6, 8, 10)).eval()


def images(seed, shape=(32, 24, 16)):
    torch.manual_seed(seed)
    smooth = torch.nn.functional.avg_pool3d(torch.randn(1, 3, *shape), 3, 1, 1)
    return smooth * torch.tensor([1.0, 5.0, 0.2]).view(1, 3, 1, 1, 1) + 1


@settings(max_examples=12)
@given(pieces=st.sampled_from([2, 3, 4, 5, 8]), seed=st.integers(0, 100))
def test_slabs_give_the_whole_volume_answer(network, pieces, seed):
    whole = predict_logits(network, images(seed), FLOAT, pieces=1)
    split = predict_logits(network, images(seed), FLOAT, pieces=pieces)
    assert torch.allclose(whole, split, atol=2e-4 * float(whole.abs().max()))
    assert not torch.equal(whole, torch.zeros_like(whole))


def test_slabs_agree_in_sixteen_bits_as_well_as_sixteen_bits_can(network):
    device = Device(torch.device("cpu"), torch.bfloat16)
    whole = torch.sigmoid(predict_logits(network, images(3), device, pieces=1))
    split = torch.sigmoid(predict_logits(network, images(3), device, pieces=2))
    assert float((whole - split).abs().mean()) < 0.01


def test_after_slabs_the_network_is_as_it_was(network):
    before = predict_logits(network, images(5), FLOAT, pieces=1)
    predict_logits(network, images(5), FLOAT, pieces=4)
    assert torch.equal(before, predict_logits(network, images(5), FLOAT, pieces=1))
    assert not any("forward" in vars(module) for module in network.modules())


def test_too_little_memory_is_announced_and_changes_nothing(network, monkeypatch, caplog):
    whole = predict_logits(network, images(7), FLOAT)
    monkeypatch.setattr(whole_volume, "BYTES_PER_VOXEL", 10**12)
    with caplog.at_level(logging.WARNING, logger="MSSoftSegLib"):
        split = predict_logits(network, images(7), FLOAT)
    assert "2 pieces" in caplog.text
    assert torch.allclose(whole, split, atol=2e-4 * float(whole.abs().max()))


class Failing(torch.nn.Module):
    """Fails with the given error until it is called in slabs, or for ever."""

    def __init__(self, error, calls):
        super().__init__()
        self.error, self.calls = error, calls
        self.layer = torch.nn.Conv3d(3, 1, 1)

    def forward(self, images):
        if self.calls > 0:
            self.calls -= 1
            raise self.error
        return self.layer(images)


def test_a_device_that_runs_out_of_memory_gets_smaller_pieces():
    failing = Failing(torch.OutOfMemoryError("CUDA out of memory"), calls=2)
    assert predict_logits(failing, images(0), FLOAT).shape == (1, 1, 32, 24, 16)
    assert failing.calls == 0


def test_no_memory_at_all_is_an_error_with_a_remedy():
    with pytest.raises(OutOfMemory, match="not even in 16 pieces") as caught:
        predict_logits(Failing(RuntimeError("DefaultCPUAllocator: can't allocate memory"), calls=99), images(0), FLOAT)
    assert caught.value.exit_code == 3


def test_another_failure_is_not_taken_for_a_lack_of_memory():
    with pytest.raises(RuntimeError, match="shape"):
        predict_logits(Failing(RuntimeError("shape mismatch"), calls=99), images(0), FLOAT)


def test_flips_are_the_eight_subsets_of_the_axes():
    assert len(set(flips("flips8"))) == 8
    assert flips("flips8")[0] == ()
    assert flips("none") == ((),)
    with pytest.raises(ValueError, match="unknown"):
        flips("flips9")


class Pointwise(torch.nn.Module):
    """A stand-in whose answer at a voxel depends on that voxel alone, so that every flip must give the same map."""

    def forward(self, images):
        return images[:, :1] * 4


def test_members_are_flipped_back_to_where_they_belong():
    members = predict_members([Pointwise()], images(2), tta="flips8", temperature=2.0, device=FLOAT)
    expected = 1 / (1 + np.exp(-2 * images(2)[0, 0].numpy()))
    assert len(members) == 8
    for member in members:
        np.testing.assert_allclose(member.numpy(), expected, rtol=1e-5)


def test_an_ensemble_averages_probabilities(network):
    class Constant(torch.nn.Module):
        def __init__(self, logit):
            super().__init__()
            self.logit = logit

        def forward(self, images):
            return torch.full_like(images[:, :1], self.logit)

    (member,) = predict_members([Constant(0.0), Constant(20.0)], images(0), tta="none", temperature=1.0, device=FLOAT)
    assert float(member.mean()) == pytest.approx((0.5 + 1.0) / 2, abs=1e-6)


def test_repeated_runs_are_identical(network):
    device = choose_device("cpu")
    assert torch.equal(predict_logits(network, images(9), device), predict_logits(network, images(9), device))


def test_a_device_that_is_not_there_is_something_that_the_machine_lacks():
    with pytest.raises(DeviceMissing) as caught:
        choose_device("cuda:99")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("request_", ["tpu", "cuda:x", "gpu"])
def test_what_names_no_device_is_a_wrong_request(request_):
    with pytest.raises(RequestError) as caught:
        choose_device(request_)
    assert caught.value.exit_code == 2
