"""The layers that are fast on processors, on a real brain with the shipped weights, against PyTorch's own in float32."""

from __future__ import annotations

import torch
from torch.nn import functional

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.inference.predict import network_input
from MSSoftSegLib.network.normalization import SampleNorm
from MSSoftSegLib.network.pair_convolution import PairConv3d
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.segmenting.ready_model import open_model
from Testing.real.data import DATA, needs_data

pytestmark = needs_data


def plainly_normalized(layer, sample):
    return functional.instance_norm(sample.float(), weight=layer.weight, bias=layer.bias, eps=layer.eps).to(
        sample.dtype
    )


def entropy_nats(probability):
    inside = probability.double().clamp(1e-7, 1 - 1e-7)
    return -inside * inside.log() - (1 - inside) * (1 - inside).log()


def test_the_fast_answer_is_the_plain_answer_on_any_number_of_threads(monkeypatch):
    folder = DATA / "mni" / "patient26"
    images = {m: ExamImage(m, read_image(folder / f"{m.upper()}.nii.gz"), "", None) for m in MODALITIES}
    working = take_exam_as_given(Exam(images), working_spacing_mm=1.0)
    model = open_model("starter", device="cpu")
    channels = network_input(working, model.bundle.description).contiguous(memory_format=torch.channels_last_3d)
    brain = torch.from_numpy(voxels(working.brain_mask)) > 0

    def answer(*, threads=None, sixteen=True):
        before = torch.get_num_threads()
        torch.set_num_threads(threads or before)
        try:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=sixteen):
                return torch.sigmoid(model.networks[0](channels).float())[0, 0][brain]
        finally:
            torch.set_num_threads(before)

    fast = [answer(threads=1), answer(threads=2)]
    monkeypatch.setattr(PairConv3d, "_faster_in_pairs", lambda layer, features: False)
    monkeypatch.setattr(SampleNorm, "_normalized", plainly_normalized)
    exact = answer(sixteen=False)
    for each in fast:
        for other in (exact, fast[0]):
            # 16 bits round here and there by more; measured: 0.016 at most.
            apart = (each - other).abs()
            assert (apart > 0.02).float().mean() < 1e-4
            assert apart.max() < 0.05
            mask, its = each >= 0.5, other >= 0.5
            assert 2 * (mask & its).sum() / (mask.sum() + its.sum()) >= 0.99
            assert torch.corrcoef(torch.stack((entropy_nats(each), entropy_nats(other))))[0, 1] >= 0.99
    assert exact.max() > 0.9
