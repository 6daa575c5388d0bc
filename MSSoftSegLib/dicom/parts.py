"""A series as the volumes that it holds: echoes, phases and planes of a localizer come in one series, or in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from MSSoftSegLib.dicom.acquisition import SeriesAcquisition, read_acquisition
from MSSoftSegLib.dicom.contrast import recognize_series
from MSSoftSegLib.dicom.elements import number, text
from MSSoftSegLib.dicom.headers import FETCH_AGAIN, SeriesFiles
from MSSoftSegLib.dicom.planes import FramePlane, Stack, read_planes, stack_planes
from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.candidates import Candidate, make_candidate
from MSSoftSegLib.exam.recognition import Recognition, has_agent
from MSSoftSegLib.exam.recognition_words import space_words

# Unit vectors of one volume's planes differ by rounding only.
PARALLEL = 1e-2
# A millisecond apart are two echoes, less is rounding.
SAME_ECHO_MS = 0.5
# A stack that is lower than this in any direction is a localizer, a slab, or not a head.
LEAST_COVERAGE_MM = 100.0
# Between a series and the number of its volume, where one is asked for: 7/2.
VOLUME_MARK = "/"
CHOOSE_ANOTHER = "choose another with --series"


@dataclass(frozen=True, eq=False)
class SeriesPart:
    """One volume of a series. name: what it is called in messages. stack: None where it is no regular block, problem says why.

    place: its number among the series' volumes, None for the only one. doubts: what a careful reader should know, in sentences.
    """

    series: SeriesFiles
    place: int | None
    name: str
    acquisition: SeriesAcquisition
    recognition: Recognition
    planes: tuple[FramePlane, ...]
    stack: Stack | None
    problem: str | None
    remedy: str
    candidate: Candidate
    doubts: tuple[str, ...]

    @property
    def key(self) -> str:
        """What it can be asked for by: its series' UID, and its place where the series holds several volumes."""
        return self.series.uid if self.place is None else f"{self.series.uid}{VOLUME_MARK}{self.place}"

    @property
    def times(self) -> str:
        """Repetition, echo and inversion time, for a line about it."""
        said = self.acquisition
        pairs = (("TR", said.repetition_ms), ("TE", said.echo_ms), ("TI", said.inversion_ms))
        return " ".join(f"{name} {value:.4g}" for name, value in pairs if value is not None)


def split_series(series: SeriesFiles) -> tuple[SeriesPart, ...]:
    """The volumes of a series, the earliest echo first."""
    try:
        planes = read_planes(series.headers)
    except BadImage as problem:
        return (_part(series, None, (), read_acquisition(series.headers[0]), problem),)
    groups = _groups(series, planes)
    groups.sort(key=lambda group: group[0][1].echo_ms or 0.0)
    return tuple(
        _part(
            series,
            None if len(groups) == 1 else place,
            tuple(plane for plane, _ in group),
            group[0][1],
            None,
            whole=len(groups) == 1,
        )
        for place, group in enumerate(groups, start=1)
    )


def _groups(series: SeriesFiles, planes: Sequence[FramePlane]) -> list[list[tuple[FramePlane, SeriesAcquisition]]]:
    groups: list[list[tuple[FramePlane, SeriesAcquisition]]] = []
    for plane in planes:
        said = read_acquisition(series.headers[plane.file], plane.frame)
        for group in groups:
            if _of_one_volume(series, group[0], (plane, said)):
                group.append((plane, said))
                break
        else:
            groups.append([(plane, said)])
    return groups


def _of_one_volume(
    series: SeriesFiles, first: tuple[FramePlane, SeriesAcquisition], other: tuple[FramePlane, SeriesAcquisition]
) -> bool:
    (one, said), (plane, also) = first, other
    turned = max(np.abs(one.row - plane.row).max(), np.abs(one.column - plane.column).max())
    if (
        turned > PARALLEL
        or one.size != plane.size
        or not np.allclose(one.spacing_mm, plane.spacing_mm, rtol=1e-3, atol=0)
    ):
        return False
    if one.file != plane.file and "PerFrameFunctionalGroupsSequence" in series.headers[plane.file]:
        return False
    if abs((said.echo_ms or 0.0) - (also.echo_ms or 0.0)) > SAME_ECHO_MS:
        return False
    kinds = ((each.component, each.image_types[:2], each.temporal_position, each.b_value) for each in (said, also))
    return len(set(kinds)) == 1


def _part(
    series: SeriesFiles,
    place: int | None,
    planes: tuple[FramePlane, ...],
    said: SeriesAcquisition,
    problem: BadImage | None,
    *,
    whole: bool = False,
) -> SeriesPart:
    recognition, stack = recognize_series(said), None
    name = series.name if place is None else f"{series.name}, volume {place}"
    if problem is None and series.problem is not None:
        problem = BadImage(f"{name}: {series.problem}", remedy=FETCH_AGAIN)
    if problem is None:
        try:
            stack = stack_planes(planes, name)
        except BadImage as found:
            problem = found
    called = Path(name)
    if stack is None:
        candidate = Candidate(called, acquired=said.acquired, problem=problem.message if problem else None)
    else:
        typed = space_words(" ".join([*said.descriptions.values(), said.scan_options]))
        candidate = make_candidate(stack.grid, called, said=typed, acquired=said.acquired)
        candidate = replace(candidate, agent=candidate.agent or has_agent(said.agent))
        if recognition.modality is not None and candidate.coverage_mm < LEAST_COVERAGE_MM:
            recognition = Recognition(None, f"covers only {candidate.coverage_mm:.0f} mm: a slab, or not the head")
    return SeriesPart(
        series,
        place,
        name,
        said,
        recognition,
        planes,
        stack,
        None if problem is None else problem.message,
        CHOOSE_ANOTHER if problem is None else problem.remedy,
        candidate,
        _doubts(series, name, whole=whole),
    )


def _doubts(series: SeriesFiles, name: str, *, whole: bool) -> tuple[str, ...]:
    """What the header says of images that are not there, or of what was lost in them."""
    found = []
    header = series.headers[0]
    stated = number(header, "ImagesInAcquisition")
    if whole and len(series.headers) > 1:
        have = len(series.headers)
        if stated is not None and have < stated:
            found.append(f"{name} may be incomplete: its header speaks of {stated:.0f} images, {have} are there")
        else:
            first = min((number(each, "InstanceNumber") or 1 for each in series.headers), default=1)
            if first > 1 and have > 1:
                found.append(f"{name} may be incomplete: its images are numbered from {first:.0f} on")
    if text(header, "PhotometricInterpretation").strip().upper() == "MONOCHROME1":
        found.append(f"{name} is stored for display with dark and bright exchanged (MONOCHROME1): check its contrast")
    if text(header, "LossyImageCompression") == "01":
        found.append(f"{name} was compressed with loss: small lesions may be changed")
    return tuple(found)
