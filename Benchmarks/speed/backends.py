"""(f) The shipped network by other back ends: seconds of one pass over a brain, and whether the answer stays the same.

    pip install openvino nncf onnx onnxruntime      # in an environment of your own; none of them is needed by the product
    python Benchmarks/speed/backends.py [--exam FOLDER] [--rounds 7]

Whole brain, one thread, processor seconds in turns. What is not installed (or has no compiler) is left out and named. The
twin that is handed over is MONAI's network with our weights: plain layers, which every back end knows. int8 is calibrated on
digital patients. --exam: a real exam, aligned and brain-extracted, about which each is asked eight times, mirrored.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from answers import Ask, compared, exam_images, mean_probability
from machine import described
from networks import brain, monai_twin
from other_engines import exported, in_int8, in_onnx_runtime, in_openvino
from patients import network_inputs, prepared_patients
from results import find_place, keep
from torch import Tensor, nn

from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.inference.sliding_window import predict_windowed_logits
from MSSoftSegLib.kept_memory import keep_memory_meanwhile
from MSSoftSegLib.segmenting.ready_model import ReadyModel, open_model
from MSSoftSegLib.training.recipe import find_recipe
from MSSoftSegLib.training.shipped.plan import RECIPE

FILTERS = (8, 16, 32, 64, 128)
OURS, REFERENCE = "ours, bfloat16", "PyTorch as it is, float32"
CALIBRATING_PATIENTS = 4


def in_torch(network: nn.Module, precision: torch.dtype) -> Ask:
    """A network as PyTorch runs it."""

    def ask(images: Tensor) -> Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            return network(images).float()

    return ask


def back_ends(model: ReadyModel, images: Tensor, folder: Path, patients: Path) -> tuple[dict[str, Ask], dict[str, str]]:
    """Each that can be had, ready; and why the others cannot."""
    network, device = model.networks[0], choose_device("cpu")
    twin = monai_twin(network, FILTERS)  # type: ignore[arg-type]

    def ours(given: Tensor) -> Tensor:
        with keep_memory_meanwhile():
            return predict_windowed_logits(network, given, device, window=None)

    found: dict[str, Ask] = {
        OURS: ours,
        REFERENCE: in_torch(twin, torch.float32),
        "PyTorch as it is, bfloat16": in_torch(twin, torch.bfloat16),
    }
    plain = monai_twin(network, FILTERS).to(memory_format=torch.channels_last_3d)  # type: ignore[arg-type, call-overload]
    makers: dict[str, Callable[[], Ask]] = {
        "torch.compile, bfloat16": lambda: in_torch(torch.compile(plain, dynamic=False), torch.bfloat16),
        "ONNX Runtime, float32": lambda: in_onnx_runtime(exported(twin, images, folder)),
        "OpenVINO, float32": lambda: in_openvino(exported(twin, images, folder), "f32"),
        "OpenVINO, bfloat16": lambda: in_openvino(exported(twin, images, folder), "bf16"),
        "OpenVINO, int8": lambda: in_int8(exported(twin, images, folder), _calibrating(patients)),
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


def _calibrating(folder: Path) -> list:
    return network_inputs(prepared_patients(folder, find_recipe(RECIPE), CALIBRATING_PATIENTS))


def in_turns(asked: dict[str, Ask], images: Tensor, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of one pass of each, a round after the other."""
    spent: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, ask in asked.items():
            started = time.process_time()
            ask(images)
            spent[name].append(time.process_time() - started)
    return spent


def on_exam(asked: dict[str, Ask], images: Tensor) -> dict[str, dict[str, float]]:
    """How each one's answer to a real exam compares with plain float32's."""
    reference = mean_probability(asked[REFERENCE], images)
    return {name: compared(mean_probability(ask, images), reference) for name, ask in asked.items()}


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exam", type=Path, help="folder of a real exam, aligned and brain-extracted")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="folder for the digital patients, to be found there the next time")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model, images = open_model("starter", device="cpu"), brain()
    with tempfile.TemporaryDirectory() as folder:
        asked, lacking = back_ends(model, images, Path(folder), given.keep or Path(folder))
        spent = in_turns(asked, images, given.rounds)
        # Without an exam, what was found on one stays: answers do not depend on how busy the machine is.
        earlier = find_place().kept().get("backends", {})
        answers = {"exam": earlier.get("exam"), "on_exam": earlier.get("on_exam", {})}
        if given.exam:
            found = on_exam(asked, exam_images(given.exam, model.bundle.description))
            answers = {"exam": given.exam.name, "on_exam": found}
    ratios = {
        name: statistics.median(other / own for other, own in zip(times, spent[OURS], strict=True))
        for name, times in spent.items()
    }
    measured = {
        "seconds": {name: statistics.median(times) for name, times in spent.items()},
        "ratio_to_ours": ratios,
        **answers,
        "calibrating_patients": CALIBRATING_PATIENTS,
        "lacking": lacking,
        "rounds": given.rounds,
        "voxels": list(images.shape[2:]),
        "machine": described(),
    }
    keep("backends", measured)
    for name, ratio in sorted(ratios.items(), key=lambda item: item[1]):
        sys.stdout.write(f"{name}: {measured['seconds'][name]:.2f} s, {ratio:.2f} times ours\n")
    for name, why in lacking.items():
        sys.stdout.write(f"{name}: {why}\n")


if __name__ == "__main__":
    main()
