"""(f) One pass of the shipped network over a brain by other back ends: ONNX Runtime, OpenVINO, torch.compile.

    pip install openvino onnx onnxruntime      # in an environment of your own; none of them is needed by the product
    python Benchmarks/speed/backends.py [--rounds 7]

Whole brain, both cores, seconds of the clock in turns. What is not installed (or has no compiler) is left out and named. The
twin that is handed over is MONAI's network with our weights: plain layers, which every back end knows.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import described
from networks import brain, monai_twin
from results import keep
from torch import Tensor, nn

from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.inference.sliding_window import predict_windowed_logits
from MSSoftSegLib.kept_memory import keep_memory_meanwhile
from MSSoftSegLib.segmenting.ready_model import open_model

FILTERS = (8, 16, 32, 64, 128)
OURS = "ours, bfloat16"
Ask = Callable[[Tensor], Tensor]


def in_torch(network: nn.Module, precision: torch.dtype) -> Ask:
    """A network as PyTorch runs it."""

    def ask(images: Tensor) -> Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            return network(images).float()

    return ask


def exported(network: nn.Module, images: Tensor, folder: Path) -> Path:
    """The network as ONNX at the size of the images."""
    path = folder / "network.onnx"
    torch.onnx.export(network, (images,), str(path), dynamo=False, opset_version=17)
    return path


def in_openvino(path: Path, precision: str) -> Ask:
    """OpenVINO on all cores. precision: f32 or bf16."""
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(
        str(path), "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    )
    return lambda images: torch.from_numpy(np.array(compiled([images.numpy()])[0]))


def in_onnx_runtime(path: Path) -> Ask:
    """ONNX Runtime on all cores, float32."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: torch.from_numpy(session.run(None, {name: images.numpy()})[0])


def back_ends(images: Tensor, folder: Path) -> tuple[dict[str, Ask], dict[str, str]]:
    """Each that can be had, ready; and why the others cannot."""
    device = choose_device("cpu")
    network = open_model("starter", device="cpu").networks[0]
    twin = monai_twin(network, FILTERS)

    def ours(given: Tensor) -> Tensor:
        with keep_memory_meanwhile():
            return predict_windowed_logits(network, given, device, window=None)

    found: dict[str, Ask] = {
        OURS: ours,
        "PyTorch as it is, float32": in_torch(twin, torch.float32),
        "PyTorch as it is, bfloat16": in_torch(twin, torch.bfloat16),
    }
    compiled = torch.compile(monai_twin(network, FILTERS).to(memory_format=torch.channels_last_3d))
    makers: dict[str, Callable[[], Ask]] = {
        "torch.compile, bfloat16": lambda: in_torch(compiled, torch.bfloat16),
        "ONNX Runtime, float32": lambda: in_onnx_runtime(exported(twin, images, folder)),
        "OpenVINO, float32": lambda: in_openvino(exported(twin, images, folder), "f32"),
        "OpenVINO, bfloat16": lambda: in_openvino(exported(twin, images, folder), "bf16"),
    }
    lacking = {}
    for name, maker in makers.items():
        try:
            ask = maker()
            ask(images)
            found[name] = ask
        except Exception as problem:
            lacking[name] = f"{type(problem).__name__}: {str(problem).splitlines()[0][:120]}"
    return found, lacking


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    images = brain()
    with tempfile.TemporaryDirectory() as folder:
        asked, lacking = back_ends(images, Path(folder))
        reference = torch.sigmoid(asked["PyTorch as it is, float32"](images))
        apart = {name: float((torch.sigmoid(ask(images)) - reference).abs().max()) for name, ask in asked.items()}
        spent: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, ask in asked.items():
                started = time.perf_counter()
                ask(images)
                spent[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(times) for name, times in spent.items()}
    ratios = {name: median / medians[OURS] for name, median in medians.items()}
    measured = {"seconds": medians, "ratio_to_ours": ratios, "probability_apart": apart, "lacking": lacking}
    keep("backends", {**measured, "rounds": rounds, "voxels": list(images.shape[2:]), "machine": described()})
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        sys.stdout.write(f"{name}: {median:.2f} s, {ratios[name]:.2f} times ours, apart {apart[name]:.3f}\n")
    for name, why in lacking.items():
        sys.stdout.write(f"{name}: {why}\n")


if __name__ == "__main__":
    main()
