"""Which contrast a series is: the one recogniser of the house reads what was typed, and the physics may contradict it.

Descriptions lie, and so do single tags. A series is taken only where its words, its times and its techniques do not contradict
each other; without words the times decide. Ranges are those of clinical head protocols at 1.5 and 3 T.
"""

from __future__ import annotations

import re

from MSSoftSegLib.dicom.acquisition import SeriesAcquisition
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition import NOT_RECOGNIZED, Recognition, recognize
from MSSoftSegLib.exam.recognition_words import PROTON_DENSITY

# The shortest echo of a T2-weighted image, the longest of a T1-weighted one (2D spin echoes reach 20 ms), in ms.
SHORTEST_T2_ECHO_MS, LONGEST_T1_ECHO_MS = 55.0, 35.0
SHORTEST_FLAIR_ECHO_MS = 55.0
# Later echoes than this of a gradient echo are T2*-weighted.
LONGEST_T1_GRADIENT_ECHO_MS = 15.0
LONGEST_T1_REPETITION_MS = 1500.0
LONGEST_T1_INVERSION_MS = 1450.0
ECHO_PLANAR = re.compile(r"^\*?(?:ep|ep2d|epi)(?![a-z]*se\b)|(?<![a-z])epi(?![a-z])")
# Sequences that null fluid, by their scanners' own names: Siemens' turbo inversion recovery and its three-dimensional form.
NULLS_FLUID = re.compile(r"^\*?(?:tir|spcir|spc_?ir)|flair")
DUAL = re.compile(r"(?<![a-z])(?:pd|proton|dp|rho|dual|de)", re.IGNORECASE)


def recognize_series(said: SeriesAcquisition) -> Recognition:
    """The modality of a series and what says so, or None and why not."""
    if (reason := _no_weighted_image(said)) is not None:
        return Recognition(None, reason)
    found = recognize("series.nii.gz", said.sidecar())
    if (found.modality is None and found.reason in (NOT_RECOGNIZED, PROTON_DENSITY)) or _speaks_of_both(found):
        found = _without_words(said, found)
    if found.modality is None:
        return Recognition(None, found.reason.replace("its sidecar", "its description"))
    contradiction = {Modality.FLAIR: _no_flair, Modality.T1: _no_t1, Modality.T2: _no_t2}.get(found.modality, _nothing)(
        said
    )
    if contradiction is not None:
        return Recognition(None, f"said to be {found.modality.upper()}, but {contradiction}")
    return Recognition(found.modality, _source(found))


def _source(found: Recognition) -> str:
    return found.reason.replace("its sidecar's", "its").replace("its sidecar", "its description")


def _speaks_of_both(found: Recognition) -> bool:
    return found.modality is None and "speaks of both" in found.reason


def _without_words(said: SeriesAcquisition, found: Recognition) -> Recognition:
    """By what the standard lets a scanner state, else by times; of a dual echo each by its own."""
    if found.reason == PROTON_DENSITY and not _second_of_a_dual_echo(said):
        return found
    bare = {key: value for key, value in said.sidecar().items() if key not in said.descriptions}
    if said.contrast:
        stated = recognize("series.nii.gz", {**bare, "SeriesDescription": said.contrast})
        if stated.modality is not None or found.reason == NOT_RECOGNIZED:
            return Recognition(stated.modality, stated.reason.replace("its sidecar", "its stated contrast"))
    timed = recognize("series.nii.gz", bare)
    return timed if timed.modality is not None else found


def _second_of_a_dual_echo(said: SeriesAcquisition) -> bool:
    """Described as proton density and T2 in one: the late echo is T2-weighted."""
    typed = " ".join(said.descriptions.values())
    return bool(DUAL.search(typed)) and "t2" in typed.casefold() and (said.echo_ms or 0.0) >= SHORTEST_T2_ECHO_MS


def _no_weighted_image(said: SeriesAcquisition) -> str | None:
    if said.component in ("P", "R", "I"):
        return "a phase or complex part"
    if said.b_value is not None or "EP" in said.techniques or ECHO_PLANAR.search(said.sequence_name):
        return "an echo-planar image (diffusion, perfusion or function)"
    return None


def _no_flair(said: SeriesAcquisition) -> str | None:
    if _is_gradient_echo(said) and said.inversion_ms is None:
        return "it is a gradient echo without an inversion"
    if said.echo_ms is not None and said.echo_ms < SHORTEST_FLAIR_ECHO_MS:
        return f"its echo time of {said.echo_ms:g} ms is too short"
    return None


def _no_t1(said: SeriesAcquisition) -> str | None:
    echo_ms, gradient = said.echo_ms, _is_gradient_echo(said)
    if NULLS_FLUID.search(said.sequence_name) and (said.inversion_ms or 0.0) > LONGEST_T1_INVERSION_MS:
        return "its sequence nulls fluid"
    if echo_ms is not None and echo_ms > (LONGEST_T1_GRADIENT_ECHO_MS if gradient else LONGEST_T1_ECHO_MS):
        return f"its echo time of {echo_ms:g} ms is too long"
    if said.inversion_ms is not None:
        too_long = said.inversion_ms > LONGEST_T1_INVERSION_MS
        return f"its inversion time of {said.inversion_ms:g} ms nulls fluid" if too_long else None
    if not gradient and said.techniques and "IR" not in said.techniques:
        late = (said.repetition_ms or 0.0) > LONGEST_T1_REPETITION_MS
        return f"its repetition time of {said.repetition_ms:g} ms is too long" if late else None
    return None


def _no_t2(said: SeriesAcquisition) -> str | None:
    if _is_gradient_echo(said):
        return "it is a gradient echo: T2*-weighted, or a cisternogram"
    if NULLS_FLUID.search(said.sequence_name):
        return "its sequence nulls fluid"
    if said.echo_ms is not None and said.echo_ms < SHORTEST_T2_ECHO_MS:
        return f"its echo time of {said.echo_ms:g} ms is too short"
    return None


def _nothing(said: SeriesAcquisition) -> str | None:
    return None


def _is_gradient_echo(said: SeriesAcquisition) -> bool:
    return "GR" in said.techniques and "SE" not in said.techniques
