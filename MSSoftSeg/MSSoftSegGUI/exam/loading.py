"""Loading an exam folder: which file is which is the library's judgment, reading them is Slicer's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegLib.exam.image_format import image_extension
from MSSoftSegLib.exam.recognition import recognize
from MSSoftSegLib.exam.sidecar import PERSON_KEYS, VISIT_KEYS, first_difference, read_sidecar


def loadExamFolder(folder: Path) -> tuple[dict, str]:
    """Volume nodes by slot, and a sentence about what is missing or went wrong, else empty. For folders without a doubt."""
    chosen = {slot: paths[0] for slot, paths in findRecognizedFiles(folder).items()}
    if "flair" not in chosen:
        return {}, _("No FLAIR image was recognized in this folder. DICOM files are loaded by “Open DICOM…”.")
    return loadFiles(chosen)


def loadFiles(files: Mapping[str, Path], *, temporary: bool = False) -> tuple[dict, str]:
    """Volume nodes by slot, and what could not be loaded. temporary: the files are going to vanish, the nodes stay."""
    nodes, failed = {}, []
    for slot, path in files.items():
        try:
            nodes[slot] = slicer.util.loadVolume(str(path), {"show": slot == "flair"})
        except RuntimeError:
            failed.append(path.name)
            continue
        storage = nodes[slot].GetStorageNode()
        if temporary and storage is not None:
            # Without a file of its own a node is written when the scene is saved.
            slicer.mrmlScene.RemoveNode(storage)
    return nodes, _("{files} could not be loaded.").format(files=", ".join(failed)) if failed else ""


def isDoubtful(folder: Path) -> bool:
    """Whether the user has to be asked: several files could play one part, or sidecars name more than one visit."""
    recognized = findRecognizedFiles(folder)
    sidecars = [read_sidecar(path) for paths in recognized.values() for path in paths]
    keys = (*PERSON_KEYS, *VISIT_KEYS)
    mixed = any(first_difference(one, other, keys) for one in sidecars for other in sidecars)
    return mixed or any(len(paths) > 1 for paths in recognized.values())


def findRecognizedFiles(folder: Path) -> dict[str, list[Path]]:
    """The files of each slot, in order of name, from the folder or from its ``anat``."""
    for each in (folder, folder / "anat"):
        paths = [path for path in sorted(each.iterdir()) if _isImage(path)] if each.is_dir() else []
        if paths:
            break
    found: dict[str, list[Path]] = {}
    for path in paths:
        modality = recognize(path.name, read_sidecar(path)).modality
        if modality is not None and modality.value in SLOTS:
            found.setdefault(modality.value, []).append(path)
    return {slot: found[slot] for slot in SLOTS if slot in found}


def _isImage(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and bool(image_extension(path.name))
