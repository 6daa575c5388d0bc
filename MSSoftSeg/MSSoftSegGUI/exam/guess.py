"""Which of the loaded volumes are the exam: by their names and by what DICOM says, with the library's own judgment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.exam.image_format import image_extension
from MSSoftSegLib.exam.recognition import recognize

# DICOM gives these in ms, the library's sidecars in s.
TIMES = ("EchoTime", "RepetitionTime", "InversionTime")
TEXTS = ("SeriesDescription", "ProtocolName", "ScanningSequence", "ContrastBolusAgent", "Modality")
MS_PER_S = 1000.0


@dataclass(frozen=True)
class LoadedVolume:
    """A volume of the scene. attributes: DICOM keyword to text, times in ms; keys may begin with "DICOM.".

    study: anything that images of one visit share (a study, a folder), "" = unknown.
    """

    id: str
    name: str
    study: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    voxel_volume_mm3: float = 0.0


@dataclass(frozen=True)
class ExamGuess:
    """Identifiers of the volumes, None where nothing fits; notes: what the user should know about the choice."""

    flair: str | None = None
    t1: str | None = None
    t2: str | None = None
    notes: tuple[str, ...] = ()


def guess_exam(volumes: Sequence[LoadedVolume], *, prefer_study: str = "") -> ExamGuess:
    """The exam among the volumes, all of one study: the preferred one, else the study loaded last that has a FLAIR.

    Of several images of one contrast the one with the smallest voxels is taken, and a note says so.
    """
    by_study: dict[str, dict[str, list[LoadedVolume]]] = {}
    for volume in volumes:
        slot = recognize_slot(volume)
        if slot:
            by_study.setdefault(volume.study, {}).setdefault(slot, []).append(volume)
    if prefer_study in by_study and "flair" in by_study[prefer_study]:
        study = prefer_study
    else:
        study = next((s for s in reversed(by_study) if "flair" in by_study[s]), next(reversed(by_study), ""))
    candidates = by_study.get(study, {})
    chosen, notes = {}, []
    for slot in SLOTS:
        found = candidates.get(slot, [])
        if found:
            # A volume without a known voxel size comes last; among equals the one that was loaded first.
            best = min(found, key=lambda volume: volume.voxel_volume_mm3 or float("inf"))
            chosen[slot] = best.id
            if len(found) > 1:
                notes.append(
                    _("{count} images could be the {slot} image; “{name}” has the smallest voxels.").format(
                        count=len(found), slot=slot.upper(), name=best.name
                    )
                )
    return ExamGuess(**chosen, notes=tuple(notes))


def recognize_slot(volume: LoadedVolume) -> str:
    """flair, t1 or t2 for a volume, "" where its name and attributes do not say."""
    name = volume.name if image_extension(volume.name) else f"{volume.name}.nii.gz"
    found = recognize(name, _sidecar(volume.attributes)).modality
    return found.value if found is not None and found.value in SLOTS else ""


def _sidecar(attributes: Mapping[str, str]) -> dict[str, object]:
    """The attributes as the sidecar that the library judges by."""
    plain = {key.removeprefix("DICOM."): value for key, value in attributes.items() if value}
    sidecar: dict[str, object] = {key: plain[key] for key in TEXTS if key in plain}
    for key in TIMES:
        try:
            sidecar[key] = float(plain[key]) / MS_PER_S
        except (KeyError, ValueError):
            continue
    return sidecar
