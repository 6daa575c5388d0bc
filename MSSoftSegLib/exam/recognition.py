"""Which modality a file is, judged by its name and its BIDS sidecar alone.

A wrong choice would be computed from without anyone noticing, so a file is taken only when its name and its sidecar do
not contradict each other; everything else is left out with the reason, and the user names the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from MSSoftSegLib.exam import recognition_words as words
from MSSoftSegLib.exam.contrast_agent import names_contrast_agent
from MSSoftSegLib.exam.image_format import image_extension, image_stem
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition_words import CONTRAST_ENHANCED_T1

BIDS_SUFFIXES = {"flair": Modality.FLAIR, "t1w": Modality.T1, "unit1": Modality.T1, "t2w": Modality.T2}
# The first that says something counts.
DESCRIPTION_KEYS = ("SeriesDescription", "ProtocolName")
# DICOM allows 64 characters; what is longer was not typed at a scanner.
LONGEST_DESCRIPTION = 300
CONTRAST_KEYS = ("ContrastBolusAgent", "ContrastBolusIngredient")
# A positive number in one of these says the same.
CONTRAST_AMOUNT_KEYS = ("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastBolusIngredientConcentration")
NO_AGENT = (
    *(
        "",
        "none",
        "no",
        "n/a",
        "na",
        "0",
        "0.0",
        "false",
        "without",
        "no contrast",
        "no agent",
        "nil",
        "null",
        "-",
        "--",
    ),
    *("unknown", "native", "nativ", "non", "aucun", "sans", "sin", "ninguno", "senza", "nessuno", "sem", "nenhum"),
    *("kein", "keine", "keines", "ohne", "nein", "geen", "zonder", "brak", "bez", "nie", "ingen", "yok", "ei"),
    *("нет", "без", "无", "無", "なし"),
)
# Values of ImageType that say what was computed from images rather than measured.
DERIVED_TYPES = {
    "P": "a phase or complex part",
    "PHASE": "a phase or complex part",
    "PHASE MAP": "a phase or complex part",
    "I": "a phase or complex part",
    "IMAGINARY": "a phase or complex part",
    "SUBTRACTION": "a subtraction image",
    "SUB": "a subtraction image",
    "MIP": "an angiogram, projection or phase image",
    "PROJECTION IMAGE": "an angiogram, projection or phase image",
    "ADC": "a diffusion image",
    "FA": "a diffusion image",
    "TRACEW": "a diffusion image",
    "T1 MAP": "a parameter map",
    "T2 MAP": "a parameter map",
    "LOCALIZER": "a localizer",
    "SYNTHETIC": "a synthetic image",
}
STARRED = "T2*-weighted, not T2"
NOT_RECOGNIZED = "not recognized as FLAIR, T1 or T2"
# Fluid is nulled by 1.5 s and more; at 0.6–1 s a "FLAIR" is T1-weighted, at 0.2 s it nulls fat.
SHORTEST_FLAIR_INVERSION_S = 1.2
# No echo is so late in s, no inversion and no repetition of a head protocol so long: such a sidecar has its times in ms.
LEAST_IN_MS = {"EchoTime": 1.0, "InversionTime": 20.0, "RepetitionTime": 60.0}


@dataclass(frozen=True)
class Timing:
    """Bounds, in s, of an acquisition that no name describes; inversion None means that there must be none."""

    modality: Modality
    inversion_s: tuple[float, float] | None
    echo_s: tuple[float, float]
    repetition_s: tuple[float, float]


# Typical clinical head protocols at 1.5 and 3 T, with gaps between the rows: what falls between them stays unknown.
TIMINGS = (
    Timing(Modality.FLAIR, inversion_s=(1.5, 3.0), echo_s=(0.07, 0.7), repetition_s=(4.0, 15.0)),
    Timing(Modality.T1, inversion_s=(0.6, 1.2), echo_s=(0.001, 0.01), repetition_s=(1.0, 3.5)),
    Timing(Modality.T1, inversion_s=None, echo_s=(0.005, 0.015), repetition_s=(0.3, 0.9)),
    Timing(Modality.T2, inversion_s=None, echo_s=(0.075, 0.25), repetition_s=(2.5, 15.0)),
)


@dataclass(frozen=True)
class Recognition:
    """What a file is: a modality and what says so, or None and the reason for leaving the file out."""

    modality: Modality | None
    reason: str


def recognize(file_name: str, sidecar: Mapping[str, object] | None = None) -> Recognition:
    """The modality of a file by its base name and the contents of its JSON sidecar (times in s, as BIDS has it)."""
    sidecar = sidecar or {}
    if file_name.startswith("."):
        return Recognition(None, "a hidden file")
    if image_extension(file_name) is None:
        return Recognition(None, "not an image file")
    if _first_text(sidecar, "Modality").upper() not in ("", "MR"):
        return Recognition(None, "not an MR image")
    if (reason := _derived(sidecar)) is not None:
        return Recognition(None, reason)
    by_name = _by_name(file_name, sidecar)
    by_sidecar = _by_sidecar(sidecar, by_name)
    for found in (by_name, by_sidecar):
        if found is not None and found.modality is None:
            return found
    if by_name and by_sidecar and by_name.modality is not by_sidecar.modality:
        return Recognition(None, f"its name says {by_name.modality}, its sidecar {by_sidecar.modality}")
    best = by_name or by_sidecar or _by_timing(sidecar)
    return _checked(best, sidecar) if best else Recognition(None, NOT_RECOGNIZED)


def _by_name(file_name: str, sidecar: Mapping[str, object]) -> Recognition | None:
    stem = words.SUBJECT_AND_SESSION.sub("", image_stem(file_name).casefold())
    stem = words.BIDS_WITHOUT_AGENT.sub("", f"_{stem}").removeprefix("_")
    said = words.space_words(stem)
    for pattern, reason in words.NOT_A_RAW_IMAGE:
        if pattern.search(said):
            return Recognition(None, reason)
    # Scanners write "brain" into descriptions too; without one, "T1_brain" is the brain cut out of T1.
    if words.CUT_OUT_BRAIN.search(said) and not _descriptions(sidecar):
        return Recognition(None, "a brain-extracted derivative")
    if not file_name.lower().startswith("sub-"):
        return _by_words(said, "its name")
    enhanced = names_contrast_agent(said)
    suffix = BIDS_SUFFIXES.get(stem.rpartition("_")[2])
    plain = words.space_words(words.BIDS_ENTITY.sub("_", stem))
    found = Recognition(suffix, "its BIDS suffix") if suffix else _by_words(plain, "its name")
    if found is None or found.modality is None:
        return found
    if found.modality is Modality.T1 and enhanced:
        return Recognition(None, CONTRAST_ENHANCED_T1)
    other = _other_by_labels(f"_{stem}", found.modality)
    return found if other is None else Recognition(None, other)


def _other_by_labels(stem: str, modality: Modality) -> str | None:
    """What the labels that describe an acquisition make of a BIDS image that its suffix says little of, "acq-STIR_T2w"."""
    labels = words.space_words(" ".join(words.BIDS_FREE_LABEL.findall(stem)))
    for pattern, reason in words.OTHER_CONTRASTS:
        # An "acq-mp2rage_T1w" is UNI more often than not, a "acq-pd_T2w" the second echo of two.
        if reason not in (words.NOT_UNI, words.PROTON_DENSITY) and pattern.search(labels):
            return reason
    if modality is Modality.T2 and words.FLAIR.search(labels):
        return "its BIDS suffix says t2, its label flair"
    if modality is Modality.T2 and words.T2_STAR.search(labels):
        return STARRED
    return None


def _by_sidecar(sidecar: Mapping[str, object], by_name: Recognition | None) -> Recognition | None:
    perhaps_t1 = by_name is None or by_name.modality is Modality.T1
    for key, text in _descriptions(sidecar).items():
        found = _by_words(words.space_words(text), "its sidecar")
        if found is None:
            continue
        # A protocol that lists a whole visit ("MS brain T1 T2 FLAIR") must not hide one series of it, but no T1 is
        # taken that may have had contrast agent.
        agent = found.reason == CONTRAST_ENHANCED_T1 and perhaps_t1
        if key != "ProtocolName" or found.modality is not None or agent:
            return found
    return None


def _by_words(said: str, source: str) -> Recognition | None:
    """What free text says; None if it says nothing."""
    said = words.remove_targets(said)
    for pattern, reason in words.OTHER_CONTRASTS:
        if pattern.search(said):
            return Recognition(None, reason)
    flair, t1, t2 = (pattern.search(said) for pattern in (words.FLAIR, words.T1, words.T2))
    if t1 and t2:
        return Recognition(None, f"{source} speaks of both T1 and T2")
    # "T1 FLAIR" is a T1 sequence; "FLAIR T1" may be anything.
    if flair and t1 and flair.start() < t1.start():
        return Recognition(None, f"{source} speaks of both FLAIR and T1")
    if t1 or (words.T1_SEQUENCE.search(said) and not flair and not t2):
        enhanced = names_contrast_agent(said)
        return Recognition(None, CONTRAST_ENHANCED_T1) if enhanced else Recognition(Modality.T1, source)
    if flair:
        return Recognition(Modality.FLAIR, source)
    if words.T2_STAR.search(said):
        return Recognition(None, STARRED)
    if t2 and words.INVERSION.search(said):
        return Recognition(None, f"{source} speaks of T2 and of an inversion: a FLAIR, STIR or DIR")
    return Recognition(Modality.T2, source) if t2 else None


def _by_timing(sidecar: Mapping[str, object]) -> Recognition | None:
    """What echo, repetition and inversion time say, where nothing else speaks; never for echo-planar images."""
    inversion_s, echo_s, repetition_s = (
        _seconds(sidecar, key) for key in ("InversionTime", "EchoTime", "RepetitionTime")
    )
    sequence = str(sidecar.get("ScanningSequence", "")).upper()
    if echo_s is None or repetition_s is None or "EP" in sequence:
        return None
    for timing in TIMINGS:
        if (timing.inversion_s is None) != (inversion_s is None):
            continue
        # Without an inversion, gradient echoes of the same times are T2*-weighted or angiograms.
        if timing.inversion_s is None and "SE" not in sequence:
            continue
        pairs = ((inversion_s, timing.inversion_s), (echo_s, timing.echo_s), (repetition_s, timing.repetition_s))
        if all(bounds is None or bounds[0] <= (value or 0.0) <= bounds[1] for value, bounds in pairs):
            return Recognition(timing.modality, "its sidecar's echo, repetition and inversion times")
    return None


def _checked(found: Recognition, sidecar: Mapping[str, object]) -> Recognition:
    """The same, unless the acquisition itself contradicts it."""
    if found.modality is Modality.T1 and has_agent(sidecar):
        return Recognition(None, CONTRAST_ENHANCED_T1)
    inversion_s = _seconds(sidecar, "InversionTime")
    if inversion_s is None:
        return found
    if found.modality is Modality.FLAIR and inversion_s < SHORTEST_FLAIR_INVERSION_S:
        return Recognition(None, f"an inversion time of {inversion_s:g} s does not null fluid: not a FLAIR")
    if found.modality is Modality.T2:
        return Recognition(None, f"an inversion time of {inversion_s:g} s: not a plain T2")
    return found


def _seconds(sidecar: Mapping[str, object], key: str) -> float | None:
    """A time in s, also where the sidecar has it in ms, as older converters wrote it."""
    value = _positive(sidecar, key)
    in_ms = any((_positive(sidecar, each) or 0.0) >= least for each, least in LEAST_IN_MS.items())
    return value / 1000 if value is not None and in_ms else value


def _positive(sidecar: Mapping[str, object], key: str) -> float | None:
    """A positive number, or text that is one, else None (some converters write 0 for "none")."""
    stated = sidecar.get(key)
    try:
        value = math.nan if isinstance(stated, bool) else float(stated)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _first_text(sidecar: Mapping[str, object], key: str) -> str:
    """A field as text, the first of several; empty where there is none."""
    value = sidecar.get(key)
    value = value[0] if isinstance(value, list) and value else value
    return str(value or "").strip()


def has_agent(sidecar: Mapping[str, object]) -> bool:
    """Whether a sidecar names a contrast agent or an amount of it."""
    named = any(str(sidecar.get(key) or "").strip().casefold() not in NO_AGENT for key in CONTRAST_KEYS)
    return named or any(_positive(sidecar, key) is not None for key in CONTRAST_AMOUNT_KEYS)


def _derived(sidecar: Mapping[str, object]) -> str | None:
    """What ImageType says was computed, None where it says nothing of the kind."""
    stated = sidecar.get("ImageType")
    values = stated if isinstance(stated, list) else str(stated or "").replace("\\", ",").split(",")
    types = [str(value).strip().upper().replace("_", " ") for value in values]
    return next((DERIVED_TYPES[value] for value in types if value in DERIVED_TYPES), None)


def _descriptions(sidecar: Mapping[str, object]) -> dict[str, str]:
    return {key: str(sidecar[key])[:LONGEST_DESCRIPTION] for key in DESCRIPTION_KEYS if sidecar.get(key)}
