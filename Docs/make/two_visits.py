"""Writes two visits of the digital patient, between which lesions came, grew, shrank and went: what the pictures compare.

python Docs/make/two_visits.py FOLDER      FOLDER/2024 and FOLDER/2025, each an exam folder
"""

from __future__ import annotations

import sys
from pathlib import Path

import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]
SEED = 1
VISITS = ("2024", "2025")


def write_two_visits(folder: Path) -> None:
    """The demo's own patient, scanned twice."""
    from MSSoftSegLib.phantom.digital_patient import DEMO_SETTINGS, draw_body
    from MSSoftSegLib.phantom.two_visits import Fate, make_digital_pair, typical_scanner

    fates = {Fate.NEW: 3, Fate.GROWING: 2, Fate.SHRINKING: 2, Fate.VANISHING: 2}
    scanners = tuple(typical_scanner(DEMO_SETTINGS.acquisitions, seed) for seed in (11, 12))
    pair = make_digital_pair(
        draw_body(SEED, DEMO_SETTINGS), seed=SEED, fates=fates, scanners=(scanners[0], scanners[1])
    )
    for name, visit in zip(VISITS, (pair.before, pair.after), strict=True):
        (folder / name).mkdir(parents=True)
        for modality in visit.exam.modalities:
            path = folder / name / f"{modality.upper()}.nii.gz"
            sitk.WriteImage(visit.exam.image(modality), str(path), useCompression=True)


if __name__ == "__main__":
    write_two_visits(Path(sys.argv[1]))
