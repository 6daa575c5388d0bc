"""The ``softmask`` job: rater masks to a soft mask file and a sidecar that says how it was made."""

from __future__ import annotations

import dataclasses
import glob
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import compute_sha256, note_two_values, read_image, read_mask, write_image
from MSSoftSegLib.exam.image_format import DETACHED_EXTENSIONS, image_extension, image_stem
from MSSoftSegLib.exam.label_doubts import find_mask_doubts, find_same_masks
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.exam.reading import find_misnamed
from MSSoftSegLib.jobs.documents.softmask import SoftmaskJob, SoftmaskSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.result_folder import make_scratch_beside, remove_abandoned
from MSSoftSegLib.softlabel.soft_mask import SoftMask
from MSSoftSegLib.softlabel.softening import METHOD_LABELS, check_request, make_soft_mask
from MSSoftSegLib.version import VERSION

LOGGER = logging.getLogger(__name__)
SHARES = {"reading": 1.0, "softening": 1.0, "writing": 1.0}
# What tells a sidecar of ours from anybody's own JSON file.
SIDECAR_KIND = "mssoftseg soft mask"


def run_softmask(job: SoftmaskJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the file with the soft mask."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_request(len(spec.raters), has_flair=spec.flair is not None, settings=spec.softening)
    _check_out(spec)
    reporter.progress("reading", 0.0)
    masks = [read_mask(path) for path in spec.raters]
    flair = read_image(spec.flair) if spec.flair is not None else None
    reporter.progress("softening", 0.0)
    soft = make_soft_mask(
        masks,
        flair,
        spec.softening,
        names=[path.name for path in spec.raters],
        flair_name=spec.flair.name if spec.flair is not None else "FLAIR",
    )
    soft = dataclasses.replace(soft, warnings=(*_doubts(masks, flair, spec), *soft.warnings))
    for warning in soft.warnings:
        LOGGER.warning("%s", warning)
    reporter.progress("writing", 0.0)
    facts = _facts(soft, spec)
    _write(soft, facts, spec)
    reporter.progress("writing", 1.0)
    told = ("method_label", "core_volume_ml", "soft_volume_ml", "shell_voxels", "warnings")
    reporter.result(spec.out.name, {key: facts[key] for key in told})
    return spec.out


def _doubts(masks: Sequence[sitk.Image], flair: sitk.Image | None, spec: SoftmaskSpec) -> list[str]:
    """What is implausible about the raters' masks and the FLAIR image."""
    brain = None if flair is None else voxels(flair) != 0
    drawn = [(path.name, voxels(mask)) for mask, path in zip(masks, spec.raters, strict=True)]
    found = [doubt for name, labels in drawn for doubt in find_mask_doubts(labels, name=name, brain=brain)]
    found += find_same_masks(
        {f"{name} (rater {number})": labels for number, (name, labels) in enumerate(drawn, start=1)}
    )
    if flair is not None and spec.flair is not None:
        note_two_values(spec.flair.name, flair)
        found += find_misnamed({Modality.FLAIR: spec.flair})
    return found


def name_sidecar(out: Path) -> Path:
    """Where the facts about a soft mask lie: ``S.nii.gz`` has ``S.json``."""
    return out.with_name(f"{image_stem(out.name)}.json")


def _facts(soft: SoftMask, spec: SoftmaskSpec) -> dict[str, Any]:
    """The sidecar: base names and checksums of the inputs, never a path."""
    flair = [] if spec.flair is None else [{"role": "flair", "path": spec.flair}]
    inputs: list[dict[str, Any]] = [*({"role": "rater", "path": path} for path in spec.raters), *flair]
    return {
        "kind": SIDECAR_KIND,
        "schema_version": 1,
        "software_version": VERSION,
        "method_label": METHOD_LABELS[spec.softening.method],
        "settings": spec.softening.model_dump(mode="json"),
        "inputs": [
            {"role": item["role"], "path_name": item["path"].name, "sha256": compute_sha256(item["path"])}
            for item in inputs
        ],
        "core_volume_ml": round(soft.core_volume_ml, 6),
        "soft_volume_ml": round(soft.soft_volume_ml, 6),
        "shell_voxels": soft.shell_voxels,
        "warnings": list(soft.warnings),
    }


def _check_out(spec: SoftmaskSpec) -> None:
    """Refuse a target before anything is read: an input, a file that may not be replaced, a name that is no image."""
    out, sidecar = spec.out, name_sidecar(spec.out)
    remove_abandoned(out, own=False)
    extension = image_extension(out.name)
    if extension is None or extension in DETACHED_EXTENSIONS:
        raise RequestError(f"{out.name} cannot be written", remedy="choose an --out ending in .nii.gz, .nrrd or .mha")
    if not out.absolute().parent.is_dir():
        raise RequestError(f"there is no folder to write {out.name} into", remedy="make the folder first")
    for path in (*spec.raters, *([spec.flair] if spec.flair is not None else [])):
        if out.exists() and path.exists() and out.samefile(path):
            raise OutputExists(f"{out.name} is one of the inputs", remedy="choose another --out")
    for path in (out, sidecar):
        if path.is_dir():
            raise OutputExists(f"{path.name} is a folder, not a file", remedy="choose another --out")
    # A sidecar of ours alone is what a run left that was killed before its image was in place.
    taken = out if out.exists() else sidecar if _has_image(sidecar) else None
    if taken is not None and not spec.overwrite:
        raise OutputExists(f"{taken.name} is there already", remedy="choose another --out, or add --overwrite")
    if sidecar.exists() and not _is_ours(sidecar):
        raise OutputExists(
            f"{sidecar.name} was not written by softmask and is not overwritten", remedy="choose another --out"
        )


def _has_image(sidecar: Path) -> bool:
    """Whether a sidecar that is there belongs to an image, of whatever format."""
    beside = sidecar.absolute().parent.glob(f"{glob.escape(sidecar.stem)}.*")
    return sidecar.exists() and any(
        image_extension(path.name) and name_sidecar(path) == sidecar.absolute() for path in beside
    )


def _is_ours(sidecar: Path) -> bool:
    try:
        document = parse_json(sidecar.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("kind") == SIDECAR_KIND


def _write(soft: SoftMask, facts: dict[str, Any], spec: SoftmaskSpec) -> None:
    """Both files whole in a folder beside the target, then renamed: the sidecar first, so that no image is without one."""
    sidecar = name_sidecar(spec.out)
    with make_scratch_beside(spec.out) as folder:
        image = folder / spec.out.name
        write_image(soft.image, image)
        facts = {**facts, "sha256": compute_sha256(image)}
        (folder / sidecar.name).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        # Another run may have finished here meanwhile: its result is not ours to replace.
        _check_out(spec)
        _put_in_place(folder / sidecar.name, sidecar, image, spec.out)


def _put_in_place(new_sidecar: Path, sidecar: Path, new_image: Path, image: Path) -> None:
    """Rename both; where the image cannot be, the sidecar is again what it was."""
    before = sidecar.read_bytes() if sidecar.exists() else None
    try:
        os.replace(new_sidecar, sidecar)
        os.replace(new_image, image)
    except BaseException:
        if before is None:
            sidecar.unlink(missing_ok=True)
        else:
            sidecar.write_bytes(before)
        raise
