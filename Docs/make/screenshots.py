"""Makes Docs/screenshots/*.png: the module on SlicerHost, clicked through as a radiologist would, one picture a step.

The panel is the real one, the views are drawn by Slicer's own slice logic and displayable managers, the lesions come
from the real worker and the model that ships; the frame around them is SlicerHost's, not the Slicer application's.

    python Docs/make/screenshots.py [--small | --exam FOLDER --result FOLDER [--comparison FOLDER]] [--dark]
                                    [--part visit|prior|curation|training]

In dark colors one picture a section is enough, and of all but the visits side by side the panel alone.

With --result the run is not waited for: a result folder of `mssoftseg segment` on that exam is shown. The part "curation"
needs it: the demo's will do. --comparison: a folder of `mssoftseg change`, with the visits of `Docs/make/two_visits.py`. --dark:
in colors like those of Slicer's dark theme, as NAME_dark.png.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "MSSoftSeg")]
OUT = ROOT / "Docs" / "screenshots"
SIZE = (1366, 900)
COLORS, MOST_BYTES = (256, 192, 128, 96, 80), 300_000
# In dark colors one picture for each section: of the panel alone, and of the window where views belong to it.
DARK_PANELS = ("running", "review", "edit", "soft_label", "library", "raters", "train_plan", "environment")
DARK_WINDOWS = ("prior",)
PANEL_WIDTH = 446
# Beside a lesion that is large enough to be seen and small enough to fit.
LARGEST_SHOWN_MM3, ZOOM = 600.0, 0.4
STROKES_MM = ((9.0, 4.0, 0.0), (10.0, 6.0, 0.0), (11.0, 8.0, 0.0))


def main() -> None:
    """Play the steps; --small takes the coarse patient, which is quick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--exam", type=Path)
    parser.add_argument("--result", type=Path)
    parser.add_argument("--comparison", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--part", choices=("visit", "prior", "curation", "training"))
    chosen = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    if chosen.dark:
        _darken()
    with tempfile.TemporaryDirectory(prefix="mssoftseg-screenshots-") as scratch:
        folder = Path(scratch) / "Digital patient"
        if chosen.exam:
            shutil.copytree(chosen.exam, folder)
        else:
            _patient(folder, small=chosen.small)
        if chosen.part in (None, "visit"):
            _visit(folder, chosen.result)
        if chosen.part == "prior" or (chosen.part is None and chosen.comparison is not None):
            from Docs.make.screenshots_prior import play as play_prior

            play_prior(folder, chosen.result, chosen.comparison, _shoot)
        if chosen.part == "curation" or (chosen.part is None and chosen.result is not None):
            from Docs.make.screenshots_curation import play

            play(folder, chosen.result or parser.error("--part curation needs --exam and --result"), _shoot)
        if chosen.part in (None, "training"):
            from Docs.make.screenshots_training import play as play_training

            play_training(_shoot)


def _patient(folder: Path, *, small: bool) -> Path:
    from MSSoftSegLib.phantom.digital_patient import DEMO_SETTINGS, SMALL_SETTINGS, make_digital_patient
    from MSSoftSegLib.phantom.patient_files import write_digital_patient

    return write_digital_patient(
        make_digital_patient(seed=1, settings=SMALL_SETTINGS if small else DEMO_SETTINGS), folder
    )


def _visit(folder: Path, result: Path | None) -> None:
    """The steps of test_radiologist, with a picture of each."""
    import slicer

    from Testing.MSSoftSeg.people.radiologist import Radiologist
    from Testing.SlicerHost import start

    host = start()
    reader = Radiologist(host)
    _clear_three_d_views()
    reader.load_exam(folder)
    _shoot(reader, "exam", "examSection", "segmentSection")
    reader.click("segmentButton")
    reader.wait(lambda: reader.workbench.runner.view.percent > (2 if result else 20), "a part of the run")
    _shoot(reader, "running", "examSection", "segmentSection")
    if result is not None:
        reader.click("segmentButton")
        reader.wait(lambda: not reader.workbench.runner.view.is_running, "the end of the run")
        reader.workbench.showResult(result)
    reader.wait(lambda: reader.review.exam is not None, "the result")
    reader.rest(1.0)
    reader.click_row(0)
    reader.rest(2.0)
    _shoot(reader, "review", "segmentSection", "reviewSection")
    reader.click("rejectButton")
    reader.click("acceptButton")
    reader.choose_layout("contrasts")
    reader.rest(2.0)
    _shoot(reader, "contrasts", "reviewSection")
    reader.choose_layout("maps")
    reader.rest(2.0)
    _shoot(reader, "compare", "reviewSection")
    reader.choose_layout("planes")
    reader.click("surfaceButton")
    reader.rest(2.0)
    _shoot(reader, "surface", "reviewSection")
    reader.click("surfaceButton")
    reader.click("paintPossibleButton")
    row = max(reader.view.rows, key=lambda each: each.volume_mm3 if each.volume_mm3 < LARGEST_SHOWN_MM3 else 0)
    for shift in STROKES_MM:
        reader.paint([each + step for each, step in zip(row.place_ras_mm, shift, strict=True)])
    reader.ui("overlayCombo").currentIndex = 2
    _look_closely(row.place_ras_mm)
    _shoot(reader, "edit", "reviewSection", "editSection")
    slicer.util.resetSliceViews()
    reader.ui("overlayCombo").currentIndex = 0
    reader.click("checkButton")
    reader.wait(lambda: not reader.workbench.examiner.view.is_busy, "the check")
    _shoot(reader, "environment", "environmentSection")
    host.unload_module("MSSoftSeg")


def _look_closely(place_ras_mm) -> None:
    """Zoom every slice view in on a place."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        across, down, depth = node.GetFieldOfView()
        node.SetFieldOfView(ZOOM * across, ZOOM * down, depth)
        node.JumpSliceByCentering(*place_ras_mm)


def _clear_three_d_views() -> None:
    """Without box and letters, which say nothing while no surface is shown."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLViewNode"):
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)


def _shoot(reader, name: str, *openSections: str) -> None:
    """A picture of the window with these sections open and the others folded."""
    from Testing.SlicerHost.rendering import save_window

    isDark = bool(_ending())
    if isDark and name not in (*DARK_PANELS, *DARK_WINDOWS):
        return
    if isDark and name != "running":
        # The section itself: what stands above it is in other pictures.
        openSections = openSections[-1:]
    for section in ("exam", "segment", "review", "edit", "prior", "softLabel", "library", "train", "environment"):
        reader.ui(f"{section}Section").collapsed = f"{section}Section" not in openSections
    reader.host.process_events()
    path = OUT / f"{name}{_ending()}.png"
    save_window(path, SIZE)
    with Image.open(path) as picture:
        whole = picture.convert("RGB")
    if isDark and name in DARK_PANELS:
        whole = whole.crop((0, 0, PANEL_WIDTH, SIZE[1]))
    # Gray images, a few colors: 256 are enough, and the repository stays small.
    for colors in COLORS:
        whole.quantize(colors, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            break


def _darken() -> None:
    """Colors like those of Slicer's dark theme, for everything that is made from now on."""
    from PySide6 import QtGui, QtWidgets

    from Testing.SlicerHost import start

    start()
    palette = QtGui.QPalette(QtGui.QColor("#404040"), QtGui.QColor("#353535"))
    palette.setColor(QtGui.QPalette.Base, QtGui.QColor("#191919"))
    palette.setColor(QtGui.QPalette.AlternateBase, QtGui.QColor("#2a2a2a"))
    QtWidgets.QApplication.setPalette(palette)


def _ending() -> str:
    """What tells a picture in dark colors from the same in light ones."""
    from PySide6 import QtGui

    return "_dark" if QtGui.QGuiApplication.palette().color(QtGui.QPalette.Window).lightness() < 128 else ""


if __name__ == "__main__":
    main()
