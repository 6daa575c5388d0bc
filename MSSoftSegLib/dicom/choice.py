"""Which series of a visit are the exam, and why. What differs by nothing but time is asked about; everything is told.

Descriptions may hold a name, so nothing of them is told: series are called by their numbers and described by what they are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from MSSoftSegLib.dicom.parts import VOLUME_MARK, SeriesPart, split_series
from MSSoftSegLib.dicom.visits import DicomVisit, number_patients
from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.candidates import reasons
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.exam.recognition import Recognition
from MSSoftSegLib.exam.recognition_words import CONTRAST_ENHANCED_T1

LOGGER = logging.getLogger(__name__)
NO_SERIES = "none"
AS_ASKED = "as asked for"
SEE_SERIES = "see mssoftseg dicom FOLDER for what each series is"


@dataclass(frozen=True)
class Chosen:
    """A series that plays a part. because: what says so, and what sets it apart from the next one."""

    part: SeriesPart
    because: str


@dataclass(frozen=True)
class Choice:
    """parts: every volume of the visit, in order; those that were acquired after contrast agent are not recognized as T1.

    chosen: FLAIR at least. warnings: what a careful reader should know, in sentences.
    """

    visit: DicomVisit
    parts: tuple[SeriesPart, ...]
    chosen: Mapping[Modality, Chosen]
    warnings: tuple[str, ...]


def choose(visits: Sequence[DicomVisit], wanted: Mapping[Modality, str], *, take_best: bool = False) -> Choice:
    """The series of one visit. wanted: a series' UID or number by modality (of several volumes the second: 7/2), or "none".

    take_best: do not ask.

    BadExam where the visits are several and ``wanted`` does not say which, where there is no FLAIR, or where two series differ by
    nothing but time. BadImage where the only series that could play FLAIR is damaged or incomplete.
    """
    visit = _one_visit(visits, wanted)
    parts = parts_of_visit(visit)
    chosen: dict[Modality, Chosen] = {}
    warnings: list[str] = []
    for modality, word in wanted.items():
        if (asked := _wanted(parts, modality, word)) is not None:
            chosen[modality] = asked
    free = [part for part in parts if part not in [each.part for each in chosen.values()]]
    for modality in MODALITIES:
        if modality not in wanted and (best := _best(free, modality, warnings, take_best=take_best)) is not None:
            chosen[modality] = best
    chosen = {modality: chosen[modality] for modality in Modality if modality in chosen}
    _check_flair(chosen, parts)
    _check_different(chosen)
    _check_one_frame(visit, chosen)
    warnings += [doubt for each in chosen.values() for doubt in each.part.doubts]
    warnings += [doubt for modality, each in chosen.items() if (doubt := _named_otherwise(modality, each.part))]
    return Choice(visit, tuple(parts), MappingProxyType(chosen), tuple(warnings))


def parts_of_visit(visit: DicomVisit) -> list[SeriesPart]:
    """Every volume of a visit, in order; no T1 among them that came after contrast agent is recognized as T1."""
    return _before_and_after_agent([part for series in visit.series for part in split_series(series)])


def describe_choice(choice: Choice) -> list[str]:
    """A line on each series that was chosen, and one on each that was not."""
    lines = [
        f"{modality.upper()} is {describe_volume(each.part)}: {each.because}"
        for modality, each in choice.chosen.items()
    ]
    lines += [f"no {modality.upper()} series was found" for modality in MODALITIES if modality not in choice.chosen]
    taken = [each.part for each in choice.chosen.values()]
    return lines + [
        f"{part.name}: not used ({explain_refusal(part, choice.chosen)})" for part in choice.parts if part not in taken
    ]


def explain_refusal(part: SeriesPart, chosen: Mapping[Modality, Chosen]) -> str:
    """Why a volume that was not chosen was not. chosen: what was."""
    if part.recognition.modality is None:
        return part.recognition.reason
    if part.problem is not None:
        return part.problem
    what = part.recognition.modality
    if what not in chosen:
        return f"{what.upper()}, left out as asked for"
    asked = chosen[what].because == AS_ASKED
    return f"{what.upper()} too, but {'another was asked for' if asked else 'another was better'}"


def describe_volume(part: SeriesPart) -> str:
    """A volume in a line: what it is called, its plane, resolution, coverage, times and time of day."""
    words = [part.candidate.words if part.stack is not None else part.name, part.times]
    words += [] if part.acquisition.is_original else ["reformatted"]
    return ", ".join(word for word in words if word)


def ranks(part: SeriesPart) -> list[tuple[float, str]]:
    """Reasons for taking a volume, the lower number first."""
    readable, whole, *others = reasons(part.candidate)
    original = (float(not part.acquisition.is_original), "it was acquired so, not reformatted")
    improved = (-float(part.acquisition.improvements), "the scanner corrected it (distortion, coil sensitivity)")
    return [readable, whole, original, *others, improved]


def _one_visit(visits: Sequence[DicomVisit], wanted: Mapping[Modality, str]) -> DicomVisit:
    if len(visits) == 1:
        return visits[0]
    uids = {word.partition(VOLUME_MARK)[0] for word in wanted.values() if "." in word}
    named = [visit for visit in visits if any(series.uid in uids for series in visit.series)]
    if len(named) == 1:
        return named[0]
    if named:
        raise BadExam(
            "the chosen series belong to different visits", remedy="choose series of one visit of one patient"
        )
    for number, visit in enumerate(visits, start=1):
        flairs = [
            f"{part.name} ({series.uid})"
            for series in visit.series
            for part in split_series(series)
            if part.recognition.modality is Modality.FLAIR
        ]
        LOGGER.warning(
            "visit %d: %d series, FLAIR: %s", number, len(visit.series), ", ".join(flairs) or "none recognized"
        )
    count = max(number_patients(visits))
    whose = "one patient" if count == 1 else f"{count} patients"
    raise BadExam(
        f"the DICOM folder holds {len(visits)} visits of {whose}, and they are never mixed",
        remedy="name a folder that holds one visit, or choose its FLAIR with --series flair=UID",
    )


def _before_and_after_agent(parts: Sequence[SeriesPart]) -> list[SeriesPart]:
    """The same, but no T1 that was acquired after a series with contrast agent: not every scanner writes it into each header."""
    times = [part.acquisition.acquired for part in parts if _has_agent(part) and part.acquisition.acquired]
    given = min(times, default="")
    if not given:
        return list(parts)
    return [_enhanced(part) if part.acquisition.acquired > given and _is_t1(part) else part for part in parts]


def _enhanced(part: SeriesPart) -> SeriesPart:
    reason = f"{CONTRAST_ENHANCED_T1}: it was acquired after a series with contrast agent"
    return SeriesPart(**{**vars(part), "recognition": Recognition(None, reason)})


def _is_t1(part: SeriesPart) -> bool:
    return part.recognition.modality is Modality.T1


def _has_agent(part: SeriesPart) -> bool:
    return part.candidate.agent or part.recognition.reason == CONTRAST_ENHANCED_T1


def _best(parts: Sequence[SeriesPart], modality: Modality, warnings: list[str], *, take_best: bool) -> Chosen | None:
    possible = [part for part in parts if part.recognition.modality is modality]
    usable = [part for part in possible if part.stack is not None]
    broken = [part for part in possible if part.stack is None]
    if not usable:
        if broken and modality is Modality.FLAIR:
            raise BadImage(broken[0].problem or broken[0].name, remedy=broken[0].remedy)
        warnings += [f"{modality.upper()} is not used: {part.problem}" for part in broken[:1]]
        return None
    warnings += [f"{part.name} would be {modality.upper()} too, but cannot be used: {part.problem}" for part in broken]
    # Of one contrast, what was acquired last was acquired again and for a reason; of T1 the reason may be a contrast agent.
    by_time = sorted(usable, key=lambda part: part.acquisition.acquired, reverse=modality is not Modality.T1)
    best, *others = sorted(by_time, key=lambda part: [rank for rank, _ in ranks(part)])
    if not others:
        return Chosen(best, f"{best.recognition.reason} says so" if best.recognition.reason else "the only one")
    why = next(
        (ours[1] for ours, theirs in zip(ranks(best), ranks(others[0]), strict=True) if ours[0] != theirs[0]), ""
    )
    if not why and not take_best:
        raise _ambiguous(modality, best, others[0])
    why = why or ("it was acquired first" if modality is Modality.T1 else "it was acquired last")
    return Chosen(best, f"{best.recognition.reason} says so; rather than {others[0].name}, because {why}")


def _ambiguous(modality: Modality, best: SeriesPart, other: SeriesPart) -> BadExam:
    for part in (best, other):
        LOGGER.warning("%s? %s (%s)", modality.upper(), describe_volume(part), part.series.uid)
    which = "first" if modality is Modality.T1 else "last"
    return BadExam(
        f"{best.name} and {other.name} could both be {modality.upper()}: they differ by nothing but time",
        remedy=f"choose with --series {modality}={best.series.number or 'UID'}, or take the one acquired {which} with --yes",
    )


def _wanted(parts: Sequence[SeriesPart], modality: Modality, word: str) -> Chosen | None:
    """The volume of the series that is asked for by UID or number, and by its place where that is said too."""
    if word == NO_SERIES:
        return None
    called, _, place = word.partition(VOLUME_MARK)
    named = [part for part in parts if called in (part.series.uid, str(part.series.number))]
    named = [part for part in named if not place or place == str(part.place)]
    if not named:
        raise BadExam(f"there is no series {word} in this visit", remedy=SEE_SERIES)
    if len({part.series.uid for part in named}) > 1:
        raise BadExam(f"several series have the number {word}", remedy="choose by the series' UID; " + SEE_SERIES)
    fitting = [part for part in named if part.recognition.modality is modality] or named
    usable = [part for part in fitting if part.stack is not None]
    if not usable:
        raise BadImage(fitting[0].problem or fitting[0].name, remedy=fitting[0].remedy)
    if len(usable) > 1:
        raise BadExam(
            f"{named[0].series.name} holds {len(usable)} volumes that could be {modality.upper()}",
            remedy=f"choose one of them: --series {modality}={called}{VOLUME_MARK}{usable[0].place}; " + SEE_SERIES,
        )
    return Chosen(usable[0], AS_ASKED)


def _check_flair(chosen: Mapping[Modality, Chosen], parts: Sequence[SeriesPart]) -> None:
    if Modality.FLAIR in chosen:
        return
    for part in parts:
        LOGGER.warning("%s: %s", part.name, part.recognition.modality or part.recognition.reason)
    raise BadExam(
        f"none of the {len({part.series.uid for part in parts})} MR series is recognized as FLAIR",
        remedy="choose it with --series flair=NUMBER; " + SEE_SERIES,
    )


def _check_different(chosen: Mapping[Modality, Chosen]) -> None:
    seen: dict[str, Modality] = {}
    for modality, each in chosen.items():
        before = seen.setdefault(each.part.name + each.part.series.uid, modality)
        if before is not modality:
            raise BadExam(
                f"{each.part.name} is asked for as {before.upper()} and as {modality.upper()}",
                remedy="choose each series once",
            )


def _check_one_frame(visit: DicomVisit, chosen: Mapping[Modality, Chosen]) -> None:
    """Where the headers name no study, nothing but the frame of reference tells two people's series apart."""
    if visit.study_uid.strip():
        return
    first = chosen[Modality.FLAIR].part
    for each in chosen.values():
        if each.because != AS_ASKED and each.part.planes[0].frame_of_reference != first.planes[0].frame_of_reference:
            raise BadExam(
                f"{first.name} and {each.part.name} name no study and lie in different frames of reference: "
                "they may be of two patients",
                remedy="choose the series of one patient with --series; " + SEE_SERIES,
            )


def _named_otherwise(modality: Modality, part: SeriesPart) -> str | None:
    """A sentence where a series was asked for as something else than it is by its header."""
    said = part.recognition
    if said.modality is modality:
        return None
    what = said.modality.upper() if said.modality is not None else said.reason
    return f"{part.name} is used as {modality.upper()}, but by its header: {what}"
