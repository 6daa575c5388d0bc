"""From what was measured to ``results/speed/speed.md`` and its chart.

python Benchmarks/speed/draw.py
"""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from results import CHART_FILE, TABLE_FILE, kept

OURS, OTHERS, BOUND = "#1f77b4", "#b0b0b0", "#2ca02c"


def lines(parts: dict[str, dict]) -> Iterator[str]:
    """The page with the tables."""
    yield "# Speed: what was measured"
    yield ""
    yield "`make bench`, drawn from [speed.json](speed.json). Ratios are of turns taken together; seconds are of processors"
    yield "unless the clock is named. Where other programs ran too (`wanted cores`), the clock's seconds are longer for it."
    if "inference" in parts:
        yield from _inference(parts["inference"])
    if "preprocessing" in parts:
        yield from _preprocessing(parts["preprocessing"])
    if "whole_job" in parts:
        yield from _whole_job(parts["whole_job"])
    if "growth" in parts:
        yield from _growth(parts["growth"])
    if "backends" in parts:
        yield from _backends(parts["backends"])


def _machine(facts: dict) -> str:
    return (
        f"{facts['processor']}, {facts['cores']} cores ({', '.join(facts['instructions'])}), torch {facts['torch']}; "
        f"wanted cores: {facts['wanted_cores']}."
    )


def _inference(part: dict) -> Iterator[str]:
    voxels, window = ("×".join(map(str, part[name])) for name in ("voxels", "window"))
    yield from ("", "## Eight mirrorings of one brain, same weights, one thread", "")
    yield f"{part['network']}, {voxels} voxels; windows of {window}, half overlapping;"
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
    yield "SimpleITK's alignment has the settings of its examples, which nobody tuned: here it does not converge."
    yield "Brain extraction beside HD-BET's masks: [brain_extraction.md](../brain_extraction.md)."


def _beside_ours(seconds: dict[str, float], name: str) -> str:
    """Seconds and ratio, two cells; empty for what takes none."""
    return f"{seconds[name]:.1f} | {seconds[name] / seconds['ours']:.1f}" if name in seconds else " | "


def _backends(part: dict) -> Iterator[str]:
    yield from ("", "## Other back ends", "")
    voxels = "×".join(map(str, part["voxels"]))
    yield f"One pass over the whole brain, {voxels} voxels, all cores, seconds of the clock, median of {part['rounds']} in turns."
    yield _machine(part["machine"])
    yield from ("", "| | s | times as long as ours | furthest probability from float32 |", "|---|---|---|---|")
    for name, seconds in sorted(part["seconds"].items(), key=lambda item: item[1]):
        ratio, apart = part["ratio_to_ours"][name], part["probability_apart"][name]
        yield f"| {name} | {seconds:.2f} | {ratio:.2f} | {apart:.3f} |"
    yield ""
    yield "The image is noise, where probabilities are apart most. None was adopted: the fastest would take tenths of a second"
    yield "off eight mirrorings in a job of half a minute, for a package of its own and a compilation for every size of brain."
    for name, why in part["lacking"].items():
        yield f"Not measured: {name} ({why})."


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
    for click in ("cold", "second"):
        of = part[click]
        yield (
            f"| {click} | {of['first_answer_s']:.1f} | {of['result_s']:.1f} | {of['processor_s']:.1f} "
            f"| {of['peak_memory_mib']:.0f} |"
        )
    yield from ("", "| stage, s of the clock | cold | second |", "|---|---|---|")
    second = part["second"]["stages_s"]
    for stage, seconds in part["cold"]["stages_s"].items():
        yield f"| {stage} | {seconds:.1f} | {second.get(stage, 0):.1f} |"
    yield ""
    yield "Bias fields are found while the images are aligned: their time is the alignment's."


def _growth(part: dict) -> Iterator[str]:
    yield from ("", "## Growth, one thread", "", "| voxels, times a brain's | s of one pass |", "|---|---|")
    for share, seconds in part["voxels"].items():
        yield f"| {share} | {seconds:.2f} |"
    yield from ("", "| lesions | s to cut and measure them |", "|---|---|")
    for count, seconds in part["lesions"].items():
        yield f"| {count} | {seconds:.2f} |"
    yield from ("", _machine(part["machine"]))


def chart(parts: dict[str, dict]) -> None:
    """Bars of the peers beside the growth with voxels."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3), width_ratios=(3, 1), layout="constrained")
    _bars(left, parts["inference"])
    growth = {float(share): seconds for share, seconds in parts["growth"]["voxels"].items()}
    right.plot(list(growth), list(growth.values()), "o-", color=OURS)
    right.set_xlabel("voxels, times a brain's")
    right.set_ylabel("s of one pass")
    right.set_ylim(bottom=0)
    right.set_xlim(left=0)
    figure.savefig(CHART_FILE, dpi=110)


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
    parts = kept()
    TABLE_FILE.write_text("\n".join(lines(parts)) + "\n", encoding="utf-8")
    if "inference" in parts and "growth" in parts:
        chart(parts)


if __name__ == "__main__":
    main()
