"""Pictures of the section "Train", for screenshots.py: a library of small pieces of digital patients, a real training of a
few minutes from the model that ships, a real comparison."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from Docs.make.shown_folder import library_to_be_seen

PATIENTS, SHOWN = range(1, 9), 1
RECIPE = """
extends = "mssoftseg-adapt"
name = "ward"
title = "Our own recipe, shortened for a picture"
[sampling]
mode = "patch"
size = [32, 32, 32]
batch = 1
[training]
steps_per_epoch = 10
average_decay = 0.8
phases = [{ epochs = 6, rate = 3e-4, optimizer = "adamw", schedule = "cosine" }]
[postprocessing]
calibrate = false
tta = "none"
"""


def play(shoot) -> None:
    """Take the pictures. shoot(reader, name, *sections)."""
    from Testing.MSSoftSeg.people.learner import at_work, write_exam
    from Testing.SlicerHost import start

    with tempfile.TemporaryDirectory(prefix="share-") as scratch, library_to_be_seen() as library:
        folder = Path(scratch)
        os.environ["MSSOFTSEG_JOBS"], os.environ["MSSOFTSEG_MODELS"] = str(folder / "jobs"), str(folder / "models")
        recipe = folder / "ward.toml"
        recipe.write_text(RECIPE, encoding="utf-8")
        _fill(library)
        with at_work(start()) as person:
            person.load_exam(write_exam(folder / "P1", SHOWN))
            person.ui("trainSection").collapsed = False
            person.plan(recipe, "ward-2026", library=library)
            shoot(person, "train_plan", "trainSection")
            person.train()
            # All approved patients are learned from: what is watched is whether anything is forgotten.
            person.wait(lambda: len(person.run.curves.get("base_dice", ())) >= 4, "some validations")
            person.rest(1.5)
            shoot(person, "train_running", "trainSection")
            person.wait_phase("finished")
            person.wait_verdict()
            person.rest(1.0)
            shoot(person, "train_decision", "trainSection")


def _fill(library: Path) -> None:
    """Approved cases, drawn as they are."""
    from MSSoftSegLib.library.creation import create_library
    from Testing.MSSoftSeg.people.learner import piece
    from Testing.MSSoftSegLib.library.adding import add_case

    create_library(library)
    for seed in PATIENTS:
        images, truth = piece(seed)
        add_case(
            library, patient=f"P{seed}", images=images, raters={"anna": truth}, status="approved", preprocessed=True
        )
