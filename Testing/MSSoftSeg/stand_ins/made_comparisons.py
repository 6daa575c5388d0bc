"""A comparison folder of known changes, as far as the panel reads one, and a visit in front of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from Testing.MSSoftSeg.stand_ins.made_results import CENTERS, SHAPE_KJI, maps_of, matrix_of

PAIR = "visit1-visit2"
# The later visit lies so far from the space between, RAS mm.
MOVED_MM = (3.0, -2.0, 1.0)
FINDING = "The FLAIR voxels differ: another protocol or scanner."


def group(number: int, change: str, p_change: float | None, *, reason: str = "", center=CENTERS[0]) -> dict:
    """One group as change.json has it."""
    k, j, i = center
    place = (matrix_of() @ [i, j, k, 1.0])[:3]
    return {
        "id": number,
        "change": change,
        "p_change": p_change,
        "reason": reason,
        "region": "periventricular",
        "before_lesions": [number],
        "after_lesions": [number],
        "before_volume_mm3": 54.0,
        "before_interval_mm3": [40.0, 70.0],
        "after_volume_mm3": 108.0,
        "after_interval_mm3": [90.0, 130.0],
        "volume_change_percent": 100.0,
        "image_difference_sd": 4.2,
        "compared_fraction": 1.0,
        "center_ras_mm": place.tolist(),
    }


GROUPS = (
    group(1, "new", 0.97),
    group(2, "enlarging", 0.8, center=CENTERS[1]),
    group(3, "not decidable", None, reason="only one visit covers it", center=(2, 2, 2)),
)


def write_comparison(folder: Path, groups=GROUPS, *, findings=(FINDING,)) -> Path:
    """Facts and images of one pair of visits."""
    import SimpleITK as sitk
    from MSSoftSegGUI.scene.volume_files import write_volume

    inner = folder / PAIR / "midpoint"
    inner.mkdir(parents=True)
    rng = np.random.default_rng(3)
    labels = np.zeros(SHAPE_KJI, np.uint16)
    for number, center in enumerate(CENTERS, start=1):
        labels[maps_of([center])[0] > 0] = number
    images = {name: rng.normal(100, 10, SHAPE_KJI).astype(np.float32) for name in ("before_FLAIR", "after_FLAIR")}
    images |= {"subtraction": rng.normal(0, 1, SHAPE_KJI).astype(np.float32), "change_labels": labels}
    for name, array in images.items():
        write_volume(array, matrix_of(), inner / f"{name}.nii.gz")
    x, y, z = MOVED_MM
    # Files are LPS.
    sitk.WriteTransform(sitk.TranslationTransform(3, (-x, -y, z)), str(inner / "after_native_from_midpoint.tfm"))
    pair = {"name": PAIR, "folder": PAIR, "findings": [{"kind": "voxel size", "text": text} for text in findings]}
    document = {
        "schema_version": 1,
        "visits": [{"volume_ml": 0.054}, {"volume_ml": 0.108}],
        "pairs": [{**pair, "groups": list(groups)}],
    }
    (folder / "change.json").write_text(json.dumps(document), encoding="utf-8")
    return folder
