"""What a header says of how an image was acquired, in one form for classic and enhanced objects. No identity among it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from MSSoftSegLib.dicom.elements import items, number, text, words

TEXTS = ("SeriesDescription", "ProtocolName")
MS_PER_S = 1000.0
AGENT_TEXTS = ("ContrastBolusAgent", "ContrastBolusIngredient")
AGENT_AMOUNTS = ("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastBolusIngredientConcentration")
# What an enhanced object says in words of the standard (PS3.3, Acquisition Contrast), as a scanner's description would say it.
CONTRASTS = {
    "T1": "T1",
    "T2": "T2",
    "FLUID_ATTENUATED": "FLAIR",
    "PROTON_DENSITY": "PD",
    "T2_STAR": "T2*",
    "DIFFUSION": "diffusion",
    "PERFUSION": "perfusion",
    "TOF": "TOF",
    "TAGGING": "phase",
    "STIR": "STIR",
    "MAGNETIZATION_TRANSFER": "MTR",
    "FLOW_ENCODED": "phase",
    "VELOCITY": "phase",
}
# The functional groups that say how a frame was acquired.
GROUPS = (
    "FrameContentSequence",
    "MRImageFrameTypeSequence",
    "MRTimingAndRelatedParametersSequence",
    "MREchoSequence",
    "MRModifierSequence",
    "MRDiffusionSequence",
    "ContrastBolusUsageSequence",
)
# Values of Image Type that say that the planes were computed from others, and those that say that they were improved.
REFORMATTED = ("MPR", "REFORMATTED", "RESAMPLED", "CPR", "CSAMPLED", "PROJECTION IMAGE", "MIP", "COMPOSED")
IMPROVED = ("NORM", "DIS2D", "DIS3D", "FM", "FIL", "PS")


@dataclass(frozen=True)
class SeriesAcquisition:
    """Times in ms; None, or nothing, where the header does not say.

    descriptions: what somebody typed, by keyword; they can hold anything and leave in no message. techniques: SE, GR, IR, EP.
    sequence_name: the scanner's own, in small letters. component: M, P, R, I or nothing. agent: texts and amounts by keyword.
    acquired: the time of day, hh:mm:ss.
    """

    descriptions: dict[str, str]
    image_types: tuple[str, ...]
    techniques: tuple[str, ...]
    sequence_name: str
    contrast: str
    component: str
    repetition_ms: float | None
    echo_ms: float | None
    inversion_ms: float | None
    b_value: float | None
    temporal_position: float | None
    scan_options: str
    agent: dict[str, object]
    acquired: str

    @property
    def is_original(self) -> bool:
        """Measured in these planes: neither computed nor cut from other images."""
        return "DERIVED" not in self.image_types[:1] and not any(each in REFORMATTED for each in self.image_types)

    @property
    def improvements(self) -> int:
        """How many of the scanner's corrections it went through: of distortion, of coil sensitivity."""
        return sum(each in IMPROVED for each in self.image_types)

    def sidecar(self) -> dict[str, object]:
        """The same as the sidecar that a converter would write (times in s)."""
        times = (
            ("RepetitionTime", self.repetition_ms),
            ("EchoTime", self.echo_ms),
            ("InversionTime", self.inversion_ms),
        )
        seconds = {key: value / MS_PER_S for key, value in times if value is not None}
        return {
            "Modality": "MR",
            **self.descriptions,
            "ImageType": list(self.image_types),
            "ScanningSequence": "\\".join(self.techniques),
            **seconds,
            **self.agent,
        }


def read_acquisition(header: Any, frame: int = 0) -> SeriesAcquisition:
    """Of a classic object, or of one frame of a multi-frame one."""
    places = [*_groups(header, frame), header]
    types = words(header, "ImageType")
    frame_types = _words_in(places, "FrameType") or types
    inversion_ms = _number_in(places, "InversionTime") or _number_in(places, "InversionTimes")
    return SeriesAcquisition(
        descriptions={key: value for key in TEXTS if (value := text(header, key).strip())},
        image_types=frame_types,
        techniques=words(header, "ScanningSequence") or _techniques(places),
        sequence_name=(text(header, "SequenceName") or text(header, "PulseSequenceName")).strip().casefold(),
        contrast=CONTRASTS.get("".join(_words_in(places, "AcquisitionContrast")[:1]), ""),
        component=_component(places, frame_types),
        repetition_ms=_positive(_number_in(places, "RepetitionTime")),
        echo_ms=_positive(_number_in(places, "EchoTime") or _number_in(places, "EffectiveEchoTime")),
        inversion_ms=_positive(inversion_ms),
        b_value=_number_in(places, "DiffusionBValue"),
        temporal_position=_number_in(places, "TemporalPositionIdentifier")
        or _number_in(places, "TemporalPositionIndex"),
        scan_options=" ".join(words(header, "ScanOptions")),
        agent=_agent(header, places),
        acquired=_time_of_day(places),
    )


def _groups(header: Any, frame: int) -> list[Any]:
    """The items of the functional groups of a frame and of those that all frames share, in this order."""
    frames = list(items(header, "PerFrameFunctionalGroupsSequence"))
    shared = list(items(header, "SharedFunctionalGroupsSequence"))
    groups = [*frames[frame : frame + 1], *shared[:1]]
    return [item for group in groups for name in GROUPS for item in list(items(group, name))[:1]]


def _techniques(places: Sequence[Any]) -> tuple[str, ...]:
    """SE, GR, IR, EP as an enhanced object says them."""
    said = {word for key in ("EchoPulseSequence", "PulseSequenceName") for word in _words_in(places, key)}
    found = ["SE"] if "SPIN" in said or "BOTH" in said else []
    found += ["GR"] if "GRADIENT" in said or "BOTH" in said else []
    found += ["IR"] if "YES" in _words_in(places, "InversionRecovery") else []
    return (*found, *(["EP"] if "YES" in _words_in(places, "EchoPlanarPulseSequence") else []))


def _component(places: Sequence[Any], types: tuple[str, ...]) -> str:
    """M, P, R or I."""
    stated = _words_in(places, "ComplexImageComponent")
    third = stated[:1] or types[2:3]
    return (
        third[0][:1]
        if third and re.match(r"(?:[MPRI]|[MPRI]_.*|MAGNITUDE|PHASE.*|REAL|IMAGINARY|MIXED)$", third[0])
        else ""
    )


def _agent(header: Any, places: Sequence[Any]) -> dict[str, object]:
    """Contrast agent as a sidecar has it. Enhanced objects list a planned agent, and say of each frame whether it was given."""
    administered = {word for place in places for word in words(place, "ContrastBolusAgentAdministered")}
    if administered == {"NO"}:
        return {}
    found: dict[str, object] = {key: value for key in AGENT_TEXTS if (value := text(header, key).strip())}
    found |= {key: amount for key in AGENT_AMOUNTS if (amount := number(header, key)) is not None}
    if any(True for _ in items(header, "ContrastBolusAgentSequence")):
        found.setdefault("ContrastBolusAgent", "stated")
    return found


def _time_of_day(places: Sequence[Any]) -> str:
    header = places[-1]
    stated = next((value for place in places if (value := text(place, "FrameAcquisitionDateTime"))), "")[8:]
    stated = stated or text(header, "AcquisitionTime") or text(header, "AcquisitionDateTime")[8:]
    stated = stated or text(header, "SeriesTime") or text(header, "ContentTime")
    found = re.match(r"(\d{2}):?(\d{2}):?(\d{2})", stated)
    return ":".join(found.groups()) if found else ""


def _words_in(places: Sequence[Any], keyword: str) -> tuple[str, ...]:
    return next((found for place in places if (found := words(place, keyword))), ())


def _number_in(places: Sequence[Any], keyword: str) -> float | None:
    return next((found for place in places if (found := number(place, keyword)) is not None), None)


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None
