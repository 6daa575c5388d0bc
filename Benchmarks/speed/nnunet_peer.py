"""nnU-Net's own predictor with given weights, in the environment that has it; started by inference.py.

    .venv-hd-bet/bin/python Benchmarks/speed/nnunet_peer.py WEIGHTS.npz

Reads a line with the path of an array (c, z, y, x) and a path for the answer, predicts, and answers with processor seconds.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.label_handling.label_handling import LabelManager


class _Plans:
    """What the predictor asks of nnU-Net's plans and configuration."""

    def __init__(self, window: tuple[int, ...]) -> None:
        self.patch_size = window


def _network(weights: list[np.ndarray], filters: list[int]) -> torch.nn.Module:
    """nnU-Net's own network: its parameters, in the order in which an encoder and a decoder hold them, are ours."""
    levels = len(filters)
    network = PlainConvUNet(
        input_channels=weights[0].shape[1],
        n_stages=levels,
        features_per_stage=filters,
        conv_op=torch.nn.Conv3d,
        kernel_sizes=3,
        strides=[1] + [2] * (levels - 1),
        n_conv_per_stage=2,
        num_classes=1,
        n_conv_per_stage_decoder=2,
        conv_bias=False,
        norm_op=torch.nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=False,
    )
    blocks = [
        module for stage in network.encoder.stages for module in stage.modules() if hasattr(module, "all_modules")
    ]
    own = [tensor for block in blocks for tensor in (block.conv.weight, block.norm.weight, block.norm.bias)]
    for up, stage in zip(network.decoder.transpconvs, network.decoder.stages, strict=True):
        own.append(up.weight)
        inner = [module for module in stage.modules() if hasattr(module, "all_modules")]
        own += [tensor for block in inner for tensor in (block.conv.weight, block.norm.weight, block.norm.bias)]
    last = network.decoder.seg_layers[-1]
    with torch.no_grad():
        for mine, given in zip([*own, last.weight, last.bias], weights, strict=True):
            mine.copy_(torch.from_numpy(given))
        for up in network.decoder.transpconvs:
            if up.bias is not None:
                up.bias.zero_()
    return network.eval()


def main() -> None:
    """Answer until stdin ends."""
    given = np.load(sys.argv[1])
    weights = [given[f"w{number}"] for number in range(int(given["count"]))]
    torch.set_num_threads(int(given["threads"]))
    predictor = nnUNetPredictor(
        tile_step_size=0.5,
        use_gaussian=True,
        use_mirroring=False,
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.network = _network(weights, given["filters"].tolist())
    predictor.configuration_manager = _Plans(tuple(given["window"].tolist()))
    predictor.label_manager = LabelManager(
        {"background": 0, "lesion": [1]}, regions_class_order=[1], force_use_labels=False
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        source, target = line.strip().split("\t")
        images = torch.from_numpy(np.load(source))
        started = time.process_time()
        logits = predictor.predict_sliding_window_return_logits(images)
        spent = time.process_time() - started
        np.save(target, logits[0].float().numpy())
        sys.stdout.write(f"{spent}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
