"""What an exam folder offers: its image files by visit, and the choice that ``--exam --yes`` would make of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from MSSoftSegLib.exam.candidates import Candidate, explain_first, read_candidate, sort_candidates
from MSSoftSegLib.exam.image_format import image_extension
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import list_exam_files
from MSSoftSegLib.exam.recognition import Recognition, recognize
from MSSoftSegLib.exam.sidecar import PERSON_KEYS, VISIT_KEYS, first_difference, read_sidecar
from MSSoftSegLib.jobs.exam.offer import OfferedImage, OfferedVisit, Proposal

NO_FLAIR = "no FLAIR image was recognized"


def offer_folder(folder: Path) -> list[OfferedVisit]:
    """The visits in a folder, or in its ``anat``; more than one only where sidecars name several. BadExam without an image."""
    paths = [path for path in list_exam_files(folder) if image_extension(path.name) and not path.name.startswith(".")]
    people: list[Mapping[str, object]] = []
    offered = []
    for fields, members in _by_visit(paths):
        number = next(
            (place for place, each in enumerate(people, start=1) if not first_difference(each, fields, PERSON_KEYS)), 0
        )
        if not number:
            people.append(fields)
            number = len(people)
        offered.append(_offered(members, number))
    return offered


def _by_visit(paths: Sequence[Path]) -> list[tuple[Mapping[str, object], list[Path]]]:
    """What names the visit, and its files; a file that names nobody may belong to any."""
    keys = (*PERSON_KEYS, *VISIT_KEYS)
    visits: list[tuple[dict[str, object], list[Path]]] = []
    nameless = []
    for path in paths:
        sidecar = read_sidecar(path)
        fields = {key: sidecar[key] for key in keys if sidecar.get(key)}
        if not fields:
            nameless.append(path)
            continue
        for known, members in visits:
            if first_difference(known, fields, keys) is None:
                known.update(fields)
                members.append(path)
                break
        else:
            visits.append((fields, [path]))
    return [(fields, sorted([*members, *nameless])) for fields, members in visits or [({}, [])]]


def _offered(paths: Sequence[Path], patient: int) -> OfferedVisit:
    looked_at = {path: (read_candidate(path), recognize(path.name, read_sidecar(path))) for path in paths}
    images = tuple(_image(each, said) for each, said in looked_at.values())
    chosen: dict[str, Proposal] = {}
    for modality in Modality:
        possible = {each: said for each, said in looked_at.values() if said.modality is modality and not each.problem}
        if possible:
            best, *others = sort_candidates(list(possible))
            because = f"{possible[best].reason} says so"
            if others:
                because += f"; rather than {others[0].path.name}, because {explain_first(best, others[0])}"
            chosen[str(modality)] = Proposal(best.path.name, because)
    return OfferedVisit(patient, None, images, chosen, problem=None if Modality.FLAIR in chosen else NO_FLAIR)


def _image(each: Candidate, said: Recognition) -> OfferedImage:
    contrast = None if said.modality is None else str(said.modality)
    return OfferedImage(each.path.name, each.words, contrast, said.reason, each.problem)
