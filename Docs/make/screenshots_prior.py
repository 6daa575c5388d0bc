"""The picture of the section "Compare with the prior", for screenshots.py: two visits of the digital patient, compared before."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

ZOOM = 0.6


def play(exam: Path, result: Path, comparison: Path, shoot) -> None:
    """result: of the later exam; comparison: of ``mssoftseg change`` with the earlier one. shoot(reader, name, *sections)."""
    from Testing.MSSoftSeg.people.radiologist import at_work
    from Testing.SlicerHost import start

    with tempfile.TemporaryDirectory(prefix="compared-") as scratch, at_work(start()) as reader:
        # What is decided on here is kept beside the comparison.
        place = shutil.copytree(comparison, Path(scratch) / "comparison")
        reader.load_exam(exam)
        reader.workbench.showResult(result)
        reader.wait(lambda: reader.review.exam is not None, "the result")
        reader.open_section("prior")
        prior = reader.workbench.prior
        prior.presenter.pick_folder(place)
        reader.wait(lambda: prior.scene._views.isShown, "the visits side by side")
        rows = prior.reading.view.rows
        prior.reading.select(rows[0].id)
        reader.click("acceptChangeButton")
        reader.click("acceptChangeButton")
        shown = [row for row in rows if row.change in ("new", "resolved", "enlarging")]
        row = max(shown or rows, key=lambda each: max(each.before_mm3, each.after_mm3))
        prior.reading.select(row.id)
        reader.rest(2.0)
        _look_closely((prior.scene._matrix @ [*row.place_ras_mm, 1.0])[:3])
        shoot(reader, "prior", "priorSection")
        reader.click("changeViewsButton")


def _look_closely(place_ras_mm) -> None:
    """Zoom every slice view in on a place."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        across, down, depth = node.GetFieldOfView()
        node.SetFieldOfView(ZOOM * across, ZOOM * down, depth)
        node.JumpSliceByCentering(*place_ras_mm)
