"""From what was measured to ``results/speed/speed.md`` and its chart; ``speed_amx.md`` where processors have AMX.

python Benchmarks/speed/draw.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from answers import FURTHEST, LEAST_CORRELATION, LEAST_DICE, is_same
from matplotlib import pyplot
from matplotlib.axes import Axes
from results import PLACES, Place
from targets import targets

OURS, OTHERS, BOUND = "#1f77b4", "#b0b0b0", "#2ca02c"


def lines(place: Place) -> Iterator[str]:
    """The page with the tables."""
    parts = place.kept()
    yield f"# Speed: what was measured on processors {_kind(place.name)}"
    yield ""
    yield f"The same on processors {_kind(place.other)}: [{place.other}.md]({place.other}.md)."
    yield ""
    yield f"`make bench`, drawn from [{place.name}.json]({place.name}.json). Ratios are of turns taken together; seconds are of"
    yield "processors unless the clock is named. Where other programs ran too (`wanted cores`), the clock's seconds are longer."
    yield from _targets(parts)
    drawn = {
        "inference": _inference,
        "inference_fine": _inference,
        "preprocessing": _preprocessing,
        "whole_job": _whole_job,
        "training": _training,
        "growth": _growth,
        "backends": _backends,
    }
    for name, told in drawn.items():
        if name in parts:
            yield from told(parts[name])


def _kind(name: str) -> str:
    return "with matrix units (AMX)" if name.endswith("amx") else "without matrix units"


def _targets(parts: dict[str, dict]) -> Iterator[str]:
    yield from ("", "## Asked and measured", "", "| what | asked | measured | |", "|---|---|---|---|")
    yield from (target.row() for target in targets(parts))


def _machine(facts: dict) -> str:
    return (
        f"{facts['processor']}, {facts['cores']} cores ({', '.join(facts['instructions'])}), torch {facts['torch']}; "
        f"wanted cores: {facts['wanted_cores']}."
    )


def _inference(part: dict) -> Iterator[str]:
    voxels, window = ("×".join(map(str, part[name])) for name in ("voxels", "window"))
    yield from ("", f"## Eight mirrorings of a brain of {voxels} voxels, same weights, one thread", "")
    yield f"{part['network']}; windows of {window}, half overlapping;"
    yield f"{part['mirrorings']} mirrorings in turns. Ours in {part['precision']}, the brain in one pass,"
    yield "as the shipped model is asked. Convolutions alone: nothing but these, the bound."
    yield _machine(part["machine"])
    yield from ("", "| | s | times as long as ours | furthest probability from ours |", "|---|---|---|---|")
    for peer, seconds in sorted(part["seconds_of_eight"].items(), key=lambda item: item[1]):
        apart = part["probability_apart"][peer]
        told = f"{apart:.3f}" if "MONAI" in peer or "nnU-Net" in peer else ""
        yield f"| {peer} | {seconds:.1f} | {part['ratio_to_ours'][peer]:.2f} | {told} |"
    yield ""
    yield "The last column compares with ours in the same windows, on noise, of which windows think differently: bfloat16 against"
    yield "float32, and nnU-Net's predictor, which sums in 16 bits, trusts the rims of its windows by other weights."


def _preprocessing(part: dict) -> Iterator[str]:
    yield from ("", "## Preprocessing of one T1, one thread", "")
    yield f"A digital patient's T1 onto FLAIR, median of {part['rounds']}. Off: distance from the true motion, mean over"
    yield "the brain. Unevenness: coefficient of variation of the brighter half of the brain after bias correction."
    yield _machine(part["machine"])
    yield from ("", "| alignment | s | times as long as ours | off, mm |", "|---|---|---|---|")
    for name, off in sorted(part["off_mm"].items(), key=lambda item: item[1]):
        yield f"| {name} | {_beside_ours(part['alignment_s'], name)} | {off:.2f} |"
    yield from ("", "| bias field | s | times as long as ours | unevenness |", "|---|---|---|---|")
    for name, left in sorted(part["unevenness"].items(), key=lambda item: item[1]):
        yield f"| {name} | {_beside_ours(part['bias_s'], name)} | {left:.3f} |"
    yield ""
    yield "SimpleITK's alignment has the settings of its examples and, of its optimizers, the one that arrives soonest."
    yield "Brain extraction beside HD-BET's masks: [brain_extraction.md](../brain_extraction.md)."


def _beside_ours(seconds: dict[str, float], name: str) -> str:
    """Seconds and ratio, two cells; empty for what takes none."""
    return f"{seconds[name]:.1f} | {seconds[name] / seconds['ours']:.1f}" if name in seconds else " | "


def _backends(part: dict) -> Iterator[str]:
    yield from ("", "## Other back ends", "")
    voxels = "×".join(map(str, part["voxels"]))
    yield f"One pass over the whole brain, {voxels} voxels, one thread, median of {part['rounds']} in turns."
    yield f"int8: weights and activations, ranges seen on {part['calibrating_patients']} digital patients."
    if part["exam"]:
        yield f"The answer: mean of eight mirrorings of a real exam ({part['exam']}) beside plain float32's; asked: probability"
        yield f"{FURTHEST} apart at most, Dice {LEAST_DICE}, correlation of the entropies {LEAST_CORRELATION}."
    yield _machine(part["machine"])
    yield from (
        "",
        "| | s | times as long as ours | probability apart | Dice | entropies | same answer |",
        "|---|---|---|---|---|---|---|",
    )
    for name, seconds in sorted(part["seconds"].items(), key=lambda item: item[1]):
        cells = [f"{seconds:.2f}", f"{part['ratio_to_ours'][name]:.2f}", *_answer(part["on_exam"].get(name))]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield "Ours is a first pass, which asks the system for its memory; the later ones of eight mirrorings find it there."
    better = [name for name, of in part["on_exam"].items() if part["ratio_to_ours"].get(name, 1) < 1 and is_same(of)]
    yield f"Faster than ours with the same answer: {', '.join(better) or 'none'}. None was adopted: each would be a package of"
    yield "its own or need a compiler, and OpenVINO and torch.compile compile anew for every size of brain."
    for name, why in part["lacking"].items():
        yield f"Not measured: {name} ({why})."


def _answer(of: dict[str, float] | None) -> list[str]:
    """Four cells: how an answer compares with plain float32's."""
    if of is None:
        return [""] * 4
    numbers = [f"{of['apart']:.3f}", f"{of['dice']:.4f}", f"{of['entropy_correlation']:.4f}"]
    return [*numbers, "yes" if is_same(of) else "no"]


def _training(part: dict) -> Iterator[str]:
    yield from ("", "## Training by the shipped recipe, one thread and one process for the samples", "")
    patch = "×".join(map(str, part["patch"]))
    yield f"{part['recipe']}: {part['network']}, patch {patch}, batch {part['batch']}, deep supervision, AdamW; ours in"
    yield f"{part['precision']}. {part['cases']} digital patients; {part['rounds']} turns of {part['steps']} steps."
    yield "The peer: MONAI's network and loss in a LightningModule, CacheDataset and RandCropByPosNegLabeld; it augments less (it"
    yield "neither bends nor thickens slices). Waiting: share of the clock that goes by until a step has its samples."
    yield _machine(part["machine"])
    heads = ("", "steps a second", "s of a step", "times as long as ours", "s of its samples", "waiting")
    yield from ("", f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|")
    for name, of in sorted(part["peers"].items(), key=lambda item: item[1]["step_s"]):
        numbers = f"{1 / of['step_s']:.2f} | {of['step_s']:.2f} | {of['ratio_to_ours']:.2f} | {of['samples_s']:.2f}"
        yield f"| {name} | {numbers} | {of['waited_share']:.1%} |"
    sample_s = part["peers"]["ours"]["samples_s"]
    yield ""
    yield f"N processes that make such samples feed steps of {sample_s:.2f} s / N and longer. On a GPU nothing was measured;"
    yield "`mssoftseg train … --preflight` measures both on the machine at hand, and the slower decides its estimate."


def _whole_job(part: dict) -> Iterator[str]:
    yield from ("", "## A whole job", "")
    yield f"{part['exam']}, three contrasts, brain by the atlas, eight mirrorings."
    yield _machine(part["machine"])
    yield f"The worker answers {part['worker_ready_s']:.1f} s after its start."
    yield from (
        "",
        "| click | first answer, s of the clock | result, s of the clock | s of processors | peak MiB |",
        "|---|---|---|---|---|",
    )
    for click in filter(part.get, ("cold", "second", "again", "woken")):
        of = part[click]
        yield (
            f"| {click} | {of['first_answer_s']:.1f} | {of['result_s']:.1f} | {of['processor_s']:.1f} "
            f"| {of['peak_memory_mib']:.0f} |"
        )
    yield from ("", "| stage, s of the clock | cold | second |", "|---|---|---|")
    second = part["second"]["stages_s"]
    for stage, seconds in part["cold"]["stages_s"].items():
        yield f"| {stage} | {seconds:.1f} | {second.get(stage, 0):.1f} |"
    unnamed = [part[click]["result_s"] - sum(part[click]["stages_s"].values()) for click in ("cold", "second")]
    yield f"| no stage: imports, previews, files | {unnamed[0]:.1f} | {unnamed[1]:.1f} |"
    yield ""
    yield "Bias fields are found while the images are aligned: their time is the alignment's."
    if "woken" in part:
        yield "*Again*: cold once more, with files in main memory. *Woken*: like it, but the worker had loaded its packages while"
        yield "the exam was looked at, as the panel lets it."


def _growth(part: dict) -> Iterator[str]:
    yield from ("", "## Growth, one thread", "")
    peaks = part.get("peak_mib", {})
    yield from ("| voxels, times a brain's | s of one pass | most memory of a pass, MiB |", "|---|---|---|")
    for share, seconds in part["voxels"].items():
        peak = f"{peaks[share]:.0f}" if share in peaks else "not measured"
        yield f"| {share} | {seconds:.2f} | {peak} |"
    yield from ("", "| lesions | s to cut and measure them |", "|---|---|")
    for count, seconds in part["lesions"].items():
        yield f"| {count} | {seconds:.2f} |"
    yield from ("", _machine(part["machine"]))


def chart(parts: dict[str, dict], path: Path) -> None:
    """Bars of the peers beside the growth with voxels."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3), width_ratios=(3, 1), layout="constrained")
    _bars(left, parts["inference"])
    growth = {float(share): seconds for share, seconds in parts["growth"]["voxels"].items()}
    right.plot(list(growth), list(growth.values()), "o-", color=OURS)
    right.set_xlabel("voxels, times a brain's")
    right.set_ylabel("s of one pass")
    right.set_ylim(bottom=0)
    right.set_xlim(left=0)
    figure.savefig(path, dpi=110)


def _bars(axes: Axes, part: dict) -> None:
    peers = sorted(part["seconds_of_eight"].items(), key=lambda item: -item[1])
    colors = [BOUND if "alone" in peer else OURS if "ours" in peer else OTHERS for peer, _ in peers]
    bars = axes.barh([peer for peer, _ in peers], [seconds for _, seconds in peers], color=colors)
    told = [f"{seconds:.1f} s, {part['ratio_to_ours'][peer]:.1f}×" for peer, seconds in peers]
    axes.bar_label(bars, told, padding=3)
    axes.margins(x=0.3)
    axes.set_xlabel("seconds of one processor: eight mirrorings of a 1 mm brain, same weights")


def main() -> None:
    """Draw what is there."""
    for place in PLACES:
        parts = place.kept()
        if parts:
            place.table_file.write_text("\n".join(lines(place)) + "\n", encoding="utf-8")
        if "inference" in parts and "growth" in parts:
            chart(parts, place.chart_file)


if __name__ == "__main__":
    main()
