"""Brain extraction by the atlas on real exams: agreement with the published brain masks, and time per stage.

Run from a checkout:  python Benchmarks/brain_extraction.py DATA   (DATA: the folder open_ms of the development data)
Writes Benchmarks/results/brain_extraction.md. Masks are compared on the native grid of FLAIR, so that what lies beyond
its field of view does not count.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import STAGES, preprocess, resample_mask
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings

EXAMS = ("patient12_study1", "patient12_study2", "patient03_study2")
SUBSETS = (
    (Modality.FLAIR, Modality.T1, Modality.T2),
    (Modality.FLAIR, Modality.T1),
    (Modality.FLAIR, Modality.T2),
    (Modality.FLAIR,),
)
RESULT = Path(__file__).parent / "results" / "brain_extraction.md"
NOTE = """
Dice, and brain missed and added, against `brainmask_common`. That mask of patient 03 ends about a centimeter inside the
frontal and occipital cortex and is cut through the cerebellum (1,197 mL; it was made for what two visits show in common):
what is added there is brain. Seconds are of the first row of each exam, without a cache; the other rows reuse its steps.
"""


def main(data: Path) -> None:
    """Measure all exams and subsets, write the table."""
    lines = [
        "# Brain extraction by the atlas",
        "",
        "| exam | images | Dice | reference mL | missed mL | added mL | " + " | ".join(f"{s} s" for s in STAGES) + " |",
        "|" + "---|" * (6 + len(STAGES)),
    ]
    for name in EXAMS:
        with tempfile.TemporaryDirectory() as folder:
            cache = StepCache(Path(folder))
            for subset in SUBSETS:
                lines.append(row(data / "raw" / name, subset, cache, timed=subset == SUBSETS[0]))
                sys.stdout.write(lines[-1] + "\n")
                sys.stdout.flush()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines) + "\n" + NOTE, encoding="utf-8")


def row(folder: Path, subset: Sequence[Modality], cache: StepCache, *, timed: bool) -> str:
    """One line of the table."""
    exam = Exam(
        {m: ExamImage(m, read_image(folder / f"{m.upper()}.nii.gz"), f"{m.upper()}.nii.gz", None) for m in subset}
    )
    started: dict[str, float] = {}
    ended: dict[str, float] = {}

    def progress(stage: str, fraction: float) -> None:
        started.setdefault(stage, time.perf_counter())
        ended[stage] = time.perf_counter()

    working = preprocess(exam, PreprocessingSettings(brain="atlas"), cache=cache, progress=progress)
    flair = Grid.of(exam.image(Modality.FLAIR))
    found = voxels(resample_mask(working.brain_mask, flair, working.working_from_native(Modality.FLAIR))) > 0
    true = voxels(reference_mask(folder, flair)) > 0
    to_ml = flair.voxel_volume_mm3 / 1000
    dice = 2 * np.sum(found & true) / (found.sum() + true.sum())
    volumes = (true.sum() * to_ml, np.sum(true & ~found) * to_ml, np.sum(found & ~true) * to_ml)
    seconds = [f"{ended[s] - started[s]:.1f}" if timed else "" for s in STAGES]
    names = "+".join(m.upper() for m in subset)
    return f"| {folder.name} | {names} | {dice:.3f} | " + " | ".join([*(f"{v:.0f}" for v in volumes), *seconds]) + " |"


def reference_mask(folder: Path, flair: Grid) -> sitk.Image:
    """The published mask on the grid of FLAIR; its transform maps common points to FLAIR points."""
    mask = sitk.ReadImage(str(folder / "brainmask_common.nii.gz"))
    flair_from_common = sitk.ReadTransform(str(folder / "FLAIR_to_common.txt"))
    return resample_mask(mask, flair, flair_from_common.GetInverse())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python Benchmarks/brain_extraction.py DATA")
    main(Path(sys.argv[1]))
