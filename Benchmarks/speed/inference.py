"""(a) The same weights asked by us, by MONAI and by nnU-Net: processor seconds of eight mirrorings of one brain.

    python Benchmarks/speed/inference.py [--nnunet .venv-hd-bet/bin/python] [--rounds 8] [--fine]

One mirroring each in turns on one thread, so that whatever else the machine does hits all alike; processor time, not the clock.
The bound: nothing but the convolutions of eight passes, in our layout and precision.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from machine import described
from monai.inferers import SlidingWindowInferer
from networks import BRAIN, CHANNELS, FINE_BRAIN, WINDOW, brain, in_order, monai_twin
from results import keep
from torch import Tensor, nn

from MSSoftSegLib.inference.augmentation import flips
from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.inference.sliding_window import predict_windowed_logits
from MSSoftSegLib.kept_memory import keep_memory_meanwhile
from MSSoftSegLib.network.dynunet import DynUNet
from MSSoftSegLib.segmenting.ready_model import open_model

# What a network answers to an image, and the processor seconds that it took.
Peer = Callable[[Tensor], tuple[Tensor, float]]
OURS, OUR_WINDOWS, BOUND = "ours, whole brain", "ours, half-overlapping windows", "convolutions alone"
MONAI_32, MONAI_16 = "MONAI windows, float32", "MONAI windows, bfloat16"
NNUNET = "nnU-Net's predictor, float32"


def ours(network: nn.Module, device: Device, window: tuple[int, int, int] | None) -> Peer:
    """As the product asks a network."""

    def ask(images: Tensor) -> tuple[Tensor, float]:
        with keep_memory_meanwhile():
            predict_windowed_logits(network, images, device, window=None)
            started = time.process_time()
            logits = predict_windowed_logits(network, images, device, window=window)
            return logits, time.process_time() - started

    return ask


def monai(network: nn.Module, *, precision: torch.dtype) -> Peer:
    """MONAI's inferer on MONAI's network, nnU-Net's window and overlap."""
    inferer = SlidingWindowInferer(WINDOW, sw_batch_size=1, overlap=0.5, mode="gaussian")

    def ask(images: Tensor) -> tuple[Tensor, float]:
        started = time.process_time()
        with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision is not torch.float32):
            logits = inferer(images, network)
        return logits.float(), time.process_time() - started

    return ask


def convolutions(network: nn.Module, device: Device, images: Tensor) -> Peer:
    """What cannot be left out: each convolution on an input of its own."""
    calls: list[tuple[nn.Module, Tensor]] = []

    def remember(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls.append((layer, inputs[0].clone(memory_format=torch.preserve_format)))

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d)]
    hooks = [layer.register_forward_pre_hook(remember) for layer in layers]
    predict_windowed_logits(network, images, device, window=None)
    for hook in hooks:
        hook.remove()

    def ask(_images: Tensor) -> tuple[Tensor, float]:
        with keep_memory_meanwhile(), torch.inference_mode(), device.autocast():
            calls[0][0](calls[0][1])
            started = time.process_time()
            for layer, features in calls:
                layer(features)
            return torch.empty(0), time.process_time() - started

    return ask


@contextmanager
def nnunet(python: Path, network: nn.Module, filters: tuple[int, ...], folder: Path) -> Iterator[Peer]:
    """nnU-Net in its own environment, a process that answers in turn."""
    weights = {f"w{number}": tensor.numpy() for number, tensor in enumerate(in_order(network))}
    facts = {"count": len(weights), "threads": 1, "filters": filters, "window": WINDOW}
    np.savez(folder / "weights.npz", **weights, **facts)
    script = Path(__file__).with_name("nnunet_peer.py")
    command = [str(python), str(script), str(folder / "weights.npz")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while process.stdout.readline().strip() != "ready":
            if process.poll() is not None:
                raise SystemExit("nnU-Net's predictor did not start")

        def ask(images: Tensor) -> tuple[Tensor, float]:
            np.save(folder / "images.npy", images[0].numpy())
            process.stdin.write(f"{folder / 'images.npy'}\t{folder / 'logits.npy'}\n")
            process.stdin.flush()
            spent = float(process.stdout.readline())
            return torch.from_numpy(np.load(folder / "logits.npy"))[None, None], spent

        yield ask
        process.stdin.close()


def in_turns(peers: dict[str, Peer], images: Tensor, rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Processor seconds of each mirroring by each peer; and how far, at most, its probability is from ours anywhere."""
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    apart = dict.fromkeys(peers, 0.0)
    for axes in flips("flips8")[:rounds]:
        flipped = images.flip(axes) if axes else images
        answers = {}
        for name, ask in peers.items():
            answers[name], spent = ask(flipped)
            seconds[name].append(spent)
            sys.stderr.write(f"{name}: {spent:.2f} s\n")
        for name, logits in answers.items():
            reference = answers[OURS if name == BOUND or ("windows" not in name and name != NNUNET) else OUR_WINDOWS]
            if logits.numel():
                apart[name] = max(apart[name], float((logits.sigmoid() - reference.sigmoid()).abs().max()))
    return seconds, apart


def measured(images: Tensor, nnunet_python: Path, rounds: int) -> dict[str, object]:
    """All peers on these images, as it is kept."""
    model, device = open_model("starter", device="cpu"), choose_device("cpu")
    network = model.networks[0]
    assert isinstance(network, DynUNet)
    filters = tuple(model.bundle.description.network.filters)  # type: ignore[union-attr]
    twin = monai_twin(network, filters)
    peers = {
        BOUND: convolutions(network, device, images),
        OURS: ours(network, device, None),
        OUR_WINDOWS: ours(network, device, WINDOW),
        MONAI_16: monai(twin, precision=torch.bfloat16),
        MONAI_32: monai(twin, precision=torch.float32),
    }
    with tempfile.TemporaryDirectory() as name:
        if nnunet_python.is_file():
            with nnunet(nnunet_python, network, filters, Path(name)) as last:
                seconds, apart = in_turns({**peers, NNUNET: last}, images, rounds)
        else:
            sys.stderr.write(f"{nnunet_python} is not there: nnU-Net is left out\n")
            seconds, apart = in_turns(peers, images, rounds)
    return {
        "machine": described(),
        "network": f"DynUNet {filters}, {CHANNELS} channels",
        "voxels": list(images.shape[2:]),
        "window": WINDOW,
        "precision": str(device.precision).removeprefix("torch."),
        "mirrorings": len(next(iter(seconds.values()))),
        "seconds_of_eight": {peer: 8 * statistics.median(spent) for peer, spent in seconds.items()},
        "seconds": seconds,
        "ratio_to_ours": {
            peer: statistics.median(other / own for other, own in zip(spent, seconds[OURS], strict=True))
            for peer, spent in seconds.items()
        },
        "probability_apart": apart,
    }


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nnunet", type=Path, default=Path(".venv-hd-bet/bin/python"), help="Python that has nnunetv2")
    parser.add_argument("--rounds", type=int, default=8, help="of the eight mirrorings, how many")
    parser.add_argument("--fine", action="store_true", help="the brain in voxels of 0.8 mm, not 1 mm")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shape = FINE_BRAIN if given.fine else BRAIN
    keep("inference_fine" if given.fine else "inference", measured(brain(shape), given.nnunet, given.rounds))


if __name__ == "__main__":
    main()
