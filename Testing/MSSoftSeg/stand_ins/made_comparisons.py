"""A comparison folder of known changes, as far as the panel reads one, and a visit in front of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from Testing.MSSoftSeg.stand_ins.made_results import CENTERS, SHAPE_KJI, maps_of, matrix_of

PAIR, NEXT_PAIR = "visit1-visit2", "visit2-visit3"
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


def write_comparison(folder: Path, groups=GROUPS, *, findings=(FINDING,), exams=("", ""), masks=({}, {})) -> Path:
    """Facts and images of one pair of visits. exams: checksums of their FLAIR; masks: what else is said of whose they are."""
    _write_images(folder / PAIR / "midpoint", after_mm=MOVED_MM)
    visits = [_visit("before", 0.054), {**_visit("after", 0.108), "mask": "reader", "rater": "anna"}]
    for visit, exam, mask in zip(visits, exams, masks, strict=True):
        visit |= {"images": [{"modality": "flair", "sha256": exam}], **mask}
    return _write_facts(folder, visits, [_pair(PAIR, "before", "after", groups, findings)])


def write_three_visits(folder: Path) -> Path:
    """Facts and images of two pairs: something new at the second visit, which is resolved at the third."""
    _write_images(folder / PAIR / "midpoint", after_mm=(1.0, 0.0, 2.0))
    _write_images(folder / NEXT_PAIR / "midpoint", before_mm=(-4.0, 1.0, 0.0), after_mm=MOVED_MM)
    visits = [_visit(f"visit {n}", ml) for n, ml in ((1, 0.054), (2, 0.108), (3, 0.06))]
    pairs = [
        _pair(PAIR, "visit 1", "visit 2", [group(1, "new", 0.97)], (FINDING,)),
        _pair(NEXT_PAIR, "visit 2", "visit 3", [group(1, "resolved", 0.9), group(2, "stable", 0.1)], ()),
    ]
    return _write_facts(folder, visits, pairs)


def _visit(name: str, volume_ml: float) -> dict:
    return {"name": name, "volume_ml": volume_ml, "mask": "model", "rater": None}


def _pair(name: str, before: str, after: str, groups, findings) -> dict:
    said = [{"kind": "voxel size", "text": text} for text in findings]
    return {
        "name": name,
        "before": before,
        "after": after,
        "folder": name,
        "findings": said,
        "groups": list(groups),
    }


def _write_facts(folder: Path, visits: list[dict], pairs: list[dict]) -> Path:
    document = {"schema_version": 1, "visits": visits, "pairs": pairs}
    (folder / "change.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def _write_images(inner: Path, *, after_mm, before_mm=(0.0, 0.0, 0.0)) -> None:
    """Images of a pair; the visits lie so far from the space between, RAS mm."""
    import SimpleITK as sitk
    from MSSoftSegGUI.scene.volume_files import write_volume

    inner.mkdir(parents=True)
    rng = np.random.default_rng(3)
    labels = np.zeros(SHAPE_KJI, np.uint16)
    for number, center in enumerate(CENTERS, start=1):
        labels[maps_of([center])[0] > 0] = number
    images = {name: rng.normal(100, 10, SHAPE_KJI).astype(np.float32) for name in ("before_FLAIR", "after_FLAIR")}
    images |= {"subtraction": rng.normal(0, 1, SHAPE_KJI).astype(np.float32), "change_labels": labels}
    for name, array in images.items():
        write_volume(array, matrix_of(), inner / f"{name}.nii.gz")
    for name, (x, y, z) in (("before", before_mm), ("after", after_mm)):
        # Files are LPS.
        way = sitk.TranslationTransform(3, (-x, -y, z))
        sitk.WriteTransform(way, str(inner / f"{name}_native_from_midpoint.tfm"))
