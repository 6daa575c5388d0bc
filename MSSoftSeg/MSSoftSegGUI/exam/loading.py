"""Loading an exam folder: which file is which is the library's judgment, reading them is Slicer's."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegLib.exam.image_format import image_extension
from MSSoftSegLib.exam.recognition import recognize
from MSSoftSegLib.exam.sidecar import read_sidecar


def loadExamFolder(folder: Path) -> tuple[dict, str]:
    """Volume nodes by slot, and a sentence about what is missing or went wrong, else empty."""
    chosen, ambiguous = chosenFiles(folder)
    if "flair" not in chosen:
        return {}, _("No FLAIR image was recognized in this folder. Load DICOM files with the DICOM module.")
    nodes, failed = {}, []
    for slot, path in chosen.items():
        try:
            nodes[slot] = slicer.util.loadVolume(str(path), {"show": slot == "flair"})
        except RuntimeError:
            failed.append(path.name)
    if failed:
        return nodes, _("{files} could not be loaded.").format(files=", ".join(failed))
    if ambiguous:
        return nodes, _("Several images could be {slots}: check the choice.").format(slots=", ".join(ambiguous))
    return nodes, ""


def chosenFiles(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """One file per slot, first by name, from the folder or from its ``anat``; and the slots that had several."""
    for each in (folder, folder / "anat"):
        paths = [path for path in sorted(each.iterdir()) if _isImage(path)] if each.is_dir() else []
        if paths:
            break
    found: dict[str, list[Path]] = {}
    for path in paths:
        modality = recognize(path.name, read_sidecar(path)).modality
        if modality is not None and modality.value in SLOTS:
            found.setdefault(modality.value, []).append(path)
    chosen = {slot: found[slot][0] for slot in SLOTS if slot in found}
    return chosen, [slot.upper() for slot in chosen if len(found[slot]) > 1]


def _isImage(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and bool(image_extension(path.name))
