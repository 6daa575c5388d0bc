"""What was asked of speed, what was measured, and whether that is enough: rows for the head of speed.md, none by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from answers import FURTHEST, LEAST_CORRELATION, LEAST_DICE, is_same
from results import AMX

NOT_MEASURED = "not measured"
# Growth that is called linear: time = voxels to this power at most.
LINEAR = 1.1


@dataclass(frozen=True)
class Target:
    """asked and measured: in words with numbers. met: None where it could not be measured."""

    what: str
    asked: str
    measured: str
    met: bool | None

    def row(self) -> str:
        """As a line of Markdown."""
        verdict = NOT_MEASURED if self.met is None else "met" if self.met else "missed"
        return f"| {self.what} | {self.asked} | {self.measured} | {verdict} |"


def targets(parts: dict[str, dict]) -> Iterator[Target]:
    """Those of the parts that were measured."""
    of_part = {
        "inference": _inference,
        "inference_fine": _inference,
        "backends": _same_answer,
        "whole_job": _whole_job,
        "starting": _starting,
        "training": _training,
        "growth": _growth,
    }
    for name, told in of_part.items():
        if name in parts:
            yield from told(parts[name])
    if "inference_fine" not in parts:
        yield Target("eight mirrorings of a brain in 0.8 mm voxels", "as at 1 mm", "", None)
    yield Target("inference and training on a GPU (CUDA)", "bf16, graphs, flips in a batch", "no GPU was there", None)


def _inference(part: dict) -> Iterator[Target]:
    has_amx = AMX in part["machine"]["instructions"]
    brain = f"{'×'.join(map(str, part['voxels']))} voxels, {'with' if has_amx else 'without'} AMX"
    for peer, with_amx in (("nnU-Net's predictor, float32", 10.0), ("MONAI windows, float32", 6.0)):
        if peer in part["ratio_to_ours"]:
            ratio, least = part["ratio_to_ours"][peer], with_amx if has_amx else 4.0
            told = f"{ratio:.1f} times"
            yield Target(f"{peer}: {brain}", f"≥ {least:g} times ours", told, ratio >= least)
    ours = 1 / part["ratio_to_ours"]["convolutions alone"]
    yield Target(
        f"ours beside the convolutions alone: {brain}",
        "≤ 1.5 times",
        f"{ours:.2f} times",
        ours <= 1.5,
    )


def _same_answer(part: dict) -> Iterator[Target]:
    of = part["on_exam"].get("ours, bfloat16")
    if of is not None:
        asked = f"≤ {FURTHEST}; ≥ {LEAST_DICE}; ≥ {LEAST_CORRELATION}"
        told = f"{of['apart']:.3f}; {of['dice']:.4f}; {of['entropy_correlation']:.4f}"
        what = "ours against plain float32, real exam: furthest probability; Dice; entropies' correlation"
        yield Target(what, asked, told, is_same(of))


def _whole_job(part: dict) -> Iterator[Target]:
    cold, second = part["cold"], part["second"]
    for what, seconds, most in (
        (f"{part['exam']}, cold: result", cold["result_s"], 40),
        (f"{part['exam']}, cold: first answer", cold["first_answer_s"], 28),
        (f"{part['exam']}, second click: result", second["result_s"], 12),
        ("worker ready", part["worker_ready_s"], 5),
    ):
        yield Target(what, f"≤ {most} s", f"{seconds:.1f} s", seconds <= most)
    peak = max(click["peak_memory_mib"] for click in (cold, second))
    yield Target("peak memory of the whole job", "≤ 4096 MiB", f"{peak:.0f} MiB", peak <= 4096)


def _starting(part: dict) -> Iterator[Target]:
    seconds = part["module_import_s"]
    yield Target("module import in Slicer (SlicerHost)", "≤ 0.3 s", f"{seconds:.2f} s", seconds <= 0.3)


def _training(part: dict) -> Iterator[Target]:
    for peer, of in part["peers"].items():
        if "MONAI" in peer:
            told, faster = f"{of['ratio_to_ours']:.1f} times", of["ratio_to_ours"] > 1
            yield Target(f"a training step of the shipped recipe by {peer}", "longer than ours", told, faster)
    share = part["peers"]["ours"]["waited_share"]
    told = f"{share:.1%}"
    yield Target("a training step waits for its samples", "never; ≤ 5 % of it", told, share <= 0.05)


def _growth(part: dict) -> Iterator[Target]:
    for what, numbers in (("time with voxels", part["voxels"]), ("memory with voxels", part.get("peak_mib", {}))):
        if not numbers:
            yield Target(f"growth of {what}", "linear", "", None)
            continue
        power = exponent({float(share): value for share, value in numbers.items()})
        yield Target(f"growth of {what}", "linear", f"voxels to the power {power:.2f}", power <= LINEAR)
    lesions = {int(count): seconds for count, seconds in part["lesions"].items()}
    power = exponent({float(count): seconds for count, seconds in lesions.items()})
    yield Target("growth of time with lesions", "linear", f"lesions to the power {power:.2f}", power <= LINEAR)


def exponent(numbers: dict[float, float]) -> float:
    """Between the smallest and the largest: 1 where twice as much takes twice as long."""
    low, high = min(numbers), max(numbers)
    return math.log(numbers[high] / numbers[low]) / math.log(high / low)
