"""What is wrong with the chosen cases: what the recipe needs and they lack, what differs between them, who drew on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.training.recipe import Recipe

# Fewer patients than this make a model of these patients.
FEW_PATIENTS = 10
NAMED = 4
MERGES_OF_SEVERAL = ("soft-union", "union", "intersection", "mean")


def check_cases(cases: Sequence[LabeledCase], recipe: Recipe, *, starts_from_model: bool) -> list[PreflightFinding]:
    """All that can be said without reading voxels."""
    patients = len({case.patient for case in cases if not case.is_pseudo_labelled})
    findings = [
        *_missing_modalities(cases, recipe),
        *_copies(cases),
        *_raters(cases, recipe),
        *_spacings(cases, recipe),
    ]
    if 0 < patients < FEW_PATIENTS and not starts_from_model:
        findings.append(
            PreflightFinding(
                "warning",
                f"{describe_count(patients, 'patient')} are few to train a model from random weights",
                "start from a model, or approve more cases",
            )
        )
    return findings


def _missing_modalities(cases: Sequence[LabeledCase], recipe: Recipe) -> list[PreflightFinding]:
    findings = []
    for channel in recipe.data.inputs:
        lacking = [case.case for case in cases if channel.modality not in case.images]
        if not lacking:
            continue
        name = channel.modality.upper()
        if channel.required:
            message = f"the recipe {recipe.name} requires {name}, which is missing in {list_names(lacking)}"
            findings.append(
                PreflightFinding("error", message, "add the image, leave the case out, or choose another recipe")
            )
        else:
            findings.append(
                PreflightFinding("note", f"{name} is missing in {list_names(lacking)}; the recipe can do without")
            )
    return findings


def _copies(cases: Sequence[LabeledCase]) -> list[PreflightFinding]:
    """One file given as two contrasts, or as the label of two cases."""
    findings = []
    twice = [case.case for case in cases if len({path.resolve() for path in case.images.values()}) < len(case.images)]
    if twice:
        message = f"one file is given as two contrasts in {list_names(twice)}"
        findings.append(PreflightFinding("error", message, "give each contrast its own image, or leave it out"))
    owner: dict[Path, str] = {}
    for case in cases:
        for path in case.raters.values():
            first = owner.setdefault(path.resolve(), case.case)
            if first != case.case:
                message = f"{path.name} is the label of {first} and of {case.case}"
                findings.append(PreflightFinding("warning", message, "give each case the mask that was drawn on it"))
    return findings


def _raters(cases: Sequence[LabeledCase], recipe: Recipe) -> list[PreflightFinding]:
    drawn = [case for case in cases if case.raters]
    alone = [case.case for case in drawn if len(case.raters) == 1]
    merge = recipe.labels.merge
    if recipe.data.raters == "all" and merge in MERGES_OF_SEVERAL and alone:
        what = "the borders' method" if recipe.labels.method != "none" else "nothing"
        return [
            PreflightFinding(
                "warning",
                f"one rater only drew on {list_names(alone)}: the {merge} is that rater's mask, soft by {what} alone",
                "let a second rater draw, or choose a recipe for one rater",
            )
        ]
    several = [case.case for case in drawn if len(case.raters) > 1]
    if recipe.data.raters == "all" and merge is None and several:
        return [
            PreflightFinding(
                "error",
                f"several raters drew on {list_names(several)}, and the recipe {recipe.name} does not say how to merge them",
                "choose a recipe with labels.merge",
            )
        ]
    if recipe.data.raters == "first" and several:
        return [
            PreflightFinding(
                "note", f"the recipe {recipe.name} takes the first rater by name only; {list_names(several)} have more"
            )
        ]
    return []


def _spacings(cases: Sequence[LabeledCase], recipe: Recipe) -> list[PreflightFinding]:
    """Cases by the voxels of their FLAIR, where these are not alike."""
    groups: dict[tuple[float, ...], list[str]] = {}
    for case in cases:
        spacing = read_spacing_mm(case.images[Modality.FLAIR])
        if spacing is None:
            return [
                PreflightFinding("error", f"the FLAIR of {case.case} cannot be read", "see mssoftseg library check")
            ]
        groups.setdefault(tuple(round(side, 1) for side in spacing), []).append(case.case)
    if len(groups) < 2:
        return []
    by_size = sorted(groups.items(), key=lambda group: -len(group[1]))
    listed = "; ".join(
        f"{' × '.join(f'{side:g}' for side in size)} mm: {describe_count(len(names), 'case')}"
        for size, names in by_size
    )
    return [
        PreflightFinding(
            "warning",
            f"FLAIR voxels are of {len(groups)} sizes ({listed}); all are brought to {recipe.data.spacing_mm:g} mm",
            "check that the model does well on each kind, or train on one of them",
        )
    ]


def read_spacing_mm(image: Path) -> tuple[float, ...] | None:
    """Voxel sides of an image file (x, y, z) by its header; None where it has none that can be read."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(image))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    return tuple(reader.GetSpacing())


def list_names(names: Sequence[str]) -> str:
    """Some names and how many there are besides."""
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"


def describe_count(number: int, name: str) -> str:
    """So many of something."""
    return f"{number} {name}{'' if number == 1 else 's'}"
