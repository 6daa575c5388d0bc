"""How well a preflight tells the time of a training: estimated against real, before and after one of its kind was measured.

    python -m Benchmarks.preflight_accuracy --folder SCRATCH

Every recipe is trained twice for one short epoch on made-up cases of a brain's size: the first time the estimate rests on a few
steps that the preflight tries, the second on the first training's own rates. A table in results/preflight_accuracy.md.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.library.labeled_case import LabeledCase

# With the samples of a step: fewer than the recipe's sixteen slices, for a processor.
RECIPES = {"mssoftseg": 1, "softseg2020": 4}
CASES = 5
STEPS = 12
SHAPE = (144, 176, 144)
TABLE = Path(__file__).parent / "results" / "preflight_accuracy.md"
HEAD = f"""# Time that a preflight tells, and time that the training takes

`python -m Benchmarks.preflight_accuracy`: {CASES} preprocessed cases of {SHAPE[2]} × {SHAPE[1]} × {SHAPE[0]} mm, one epoch of
{STEPS} steps, on a processor with {{threads}} thread(s) of {{cores}}; softseg2020 with {RECIPES["softseg2020"]} slices a step.

*tried*: estimated from steps that the preflight took itself, in computing time; *known*: from the rates of the training before,
in wall time. *wall*: what the training took; *computed*: what its process computed meanwhile. On a machine with other things
to do, wall is more than computed (programs that wanted a processor, over the processors there are, in *busy*), so
*tried* is to be held against *computed*, *known* against *wall*.

| recipe | by | preflight took | it computed | estimated | wall | computed | wall ÷ estimated | computed ÷ estimated | busy |
|---|---|---|---|---|---|---|---|---|---|
"""


def made_up_cases(folder: Path) -> Path:
    """A data list of brains of noise with lesions by one rater."""
    rng, cases = np.random.default_rng(7), []
    z, y, x = np.ogrid[tuple(slice(-1, 1, side * 1j) for side in SHAPE)]
    brain = z**2 + y**2 + x**2 <= 0.95
    for number in range(CASES):
        place = folder / f"case-{number}"
        place.mkdir(parents=True)
        lesions = np.zeros(SHAPE, np.uint8)
        for center in rng.uniform(0.3, 0.7, size=(12, 3)) * SHAPE:
            corner = center.astype(int)
            lesions[tuple(slice(side, side + 4) for side in corner)] = 1
        images = {}
        for modality in (Modality.FLAIR, Modality.T1, Modality.T2):
            values = (100 + 40 * lesions + rng.normal(0, 8, SHAPE)) * brain
            images[modality] = written(values.astype(np.float32), place / f"{modality}.nii.gz")
        raters = {"anna": written(lesions * brain, place / "anna.nii.gz")}
        cases.append(LabeledCase(f"case-{number}", f"patient-{number}", images, raters, preprocessed=True))
    return write_datalist(cases, folder / "cases.json")


def written(array: np.ndarray, path: Path) -> Path:
    """The array as an image of 1 mm."""
    sitk.WriteImage(sitk.GetImageFromArray(np.ascontiguousarray(array)), str(path))
    return path


def ran(kind: str, spec: dict[str, object]) -> tuple[float, float, dict[str, object]]:
    """Wall time of a job, computing time of its process, and its summary."""
    results: list[dict[str, object]] = []
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    outcome = run(
        parse_job({"job": kind, "kind": kind, "spec": spec}),
        lambda event: results.append(event["summary"]) if event["event"] == "result" else None,
    )
    if outcome.error is not None:
        raise outcome.error
    return time.monotonic() - began_s, time.process_time() - began_cpu_s, results[-1]


def main() -> None:
    """Measure and write the table, a row at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--recipe", action="append", help="measure this one only, and add its rows to the table")
    asked = parser.parse_args()
    folder = asked.folder
    os.environ["MSSOFTSEG_CACHE"], os.environ["MSSOFTSEG_JOBS"] = str(folder / "cache"), str(folder / "jobs")
    listed = folder / "cases.json" if (folder / "cases.json").is_file() else made_up_cases(folder)
    facts = {"threads": torch.get_num_threads(), "cores": os.cpu_count()}
    if not asked.recipe:
        TABLE.write_text(HEAD.format(**facts), encoding="utf-8")
    for name in asked.recipe or RECIPES:
        recipe = folder / f"{name}-short.toml"
        lines = [f'extends = "{name}"', f'name = "{name}-short"', "[sampling]", f"batch = {RECIPES[name]}"]
        recipe.write_text("\n".join([*lines, "[training]", f"steps_per_epoch = {STEPS}", "models = 1"]) + "\n")
        for by in ("tried", "known"):
            spec = {"library": str(listed), "recipe": str(recipe), "out": str(folder / f"{name}-{by}"), "device": "cpu"}
            took_s, took_cpu_s, told = ran("train-preflight", spec | {"epochs": 1})
            wall_s, computed_s, _ = ran("train", spec | {"epochs": 1})
            busy = os.getloadavg()[0] / (os.cpu_count() or 1)
            estimated_s = float(str(told["estimated_s"]))
            times = f"{took_s:.1f} s | {took_cpu_s:.1f} s | {estimated_s:.0f} s | {wall_s:.0f} s | {computed_s:.0f} s"
            ratios = f"{wall_s / estimated_s:.2f} | {computed_s / estimated_s:.2f}"
            row = f"| {name} | {by} | {times} | {ratios} | {busy:.1f} |\n"
            with TABLE.open("a", encoding="utf-8") as stream:
                stream.write(row)


if __name__ == "__main__":
    main()
