"""``mssoftseg synthesize``: patients as the shipped model is trained on, to look at and to measure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.result_folder import check_target, write_completely

SHAPE = (144, 176, 144)


def synthesize(
    data: Annotated[Path, typer.Option("--data", help="folder with lesion_masks/ and tissues/ of the public data")],
    out: options.Out,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="how many patients")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="the same seed draws the same patients")] = 1,
    leave_out: Annotated[
        list[str] | None, typer.Option("--leave-out", help="patient whose lesions are not used; may be repeated")
    ] = None,
    gallery: Annotated[bool, typer.Option("--gallery", help="write gallery.png too")] = False,
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", help="brain-extracted real exam to compare with in realism.md; may be repeated"),
    ] = None,
    overwrite: options.Overwrite = False,
    debug: options.Debug = False,
) -> None:
    """Draw synthetic patients with soft lesion labels.

    Example: mssoftseg synthesize --data open_ms --gallery --out synthetic
    """
    check_target(out, overwrite=overwrite, inputs=[data, *(compare or ())])
    import numpy as np

    from MSSoftSegLib.report.gallery import draw_gallery
    from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
    from MSSoftSegLib.training.synthesis.generator import draw_patient
    from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank
    from MSSoftSegLib.training.synthesis.patient_folder import write_patient
    from MSSoftSegLib.training.synthesis.realism import render_realism_table

    lesions, anatomies = load_lesion_bank(data, without=leave_out or ()), load_anatomy_bank(data)
    real = _normalized_exams(compare or [])
    drawn = []
    with write_completely(out, overwrite=overwrite) as folder:
        for number in range(count):
            patient = draw_patient(anatomies, lesions, SHAPE, rng=np.random.default_rng([seed, number]))
            write_patient(patient, folder / f"patient-{number:03}")
            drawn.append(patient)
        if gallery:
            shown = [(patient.images.numpy(), patient.label[0].numpy()) for patient in drawn]
            (folder / "gallery.png").write_bytes(draw_gallery(shown))
        if compare:
            (folder / "realism.md").write_text(render_realism_table(_by_modality(drawn), real), encoding="utf-8")
    say(f"{count} patients in {out}")


def _by_modality(patients: list) -> dict:
    from MSSoftSegLib.exam.modality import MODALITIES

    return {
        modality.value.upper(): [one.images[channel].numpy() for one in patients if one.images[channel].any()]
        for channel, modality in enumerate(MODALITIES)
    }


def _normalized_exams(folders: list[Path]) -> dict:
    """Images (z, y, x) of brain-extracted exams at 1 mm by modality, normalised as the network sees them."""
    from MSSoftSegLib.exam.geometry import voxels
    from MSSoftSegLib.exam.reading import read_exam_folder
    from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
    from MSSoftSegLib.preprocessing.normalization import normalize

    found: dict[str, list] = {}
    for folder in folders:
        working = take_exam_as_given(read_exam_folder(folder), working_spacing_mm=1.0)
        for modality in working.modalities:
            image = normalize(working.images[modality], working.brain_mask, "median-iqr")
            found.setdefault(modality.value.upper(), []).append(voxels(image))
    return found
