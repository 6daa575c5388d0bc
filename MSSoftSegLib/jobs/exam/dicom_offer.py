"""What a folder of DICOM files offers: its visits, their series, and the choice that ``--dicom --yes`` would make of each."""

from __future__ import annotations

from pathlib import Path

from MSSoftSegLib.dicom.choice import choose, describe_volume, parts_of_visit
from MSSoftSegLib.dicom.headers import list_files_below
from MSSoftSegLib.dicom.packages import require_dicom
from MSSoftSegLib.dicom.parts import SeriesPart
from MSSoftSegLib.dicom.visits import DicomVisit, find_medium_folder, number_patients, read_visits
from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.exam.offer import OfferedImage, OfferedVisit, Proposal


def offer_dicom(folder: Path) -> list[OfferedVisit]:
    """The visits below a folder; RequestError where it holds no MR image."""
    require_dicom()
    visits = read_visits(folder)
    places = {path: place for place, path in enumerate(list_files_below(find_medium_folder(folder)))}
    return [
        _offered(visit, patient, places[visit.series[0].paths[0]])
        for visit, patient in zip(visits, number_patients(visits), strict=True)
    ]


def _offered(visit: DicomVisit, patient: int, file: int) -> OfferedVisit:
    images = tuple(_image(part) for part in parts_of_visit(visit))
    try:
        choice = choose([visit], {}, take_best=True)
    except MSSoftSegError as problem:
        return OfferedVisit(patient, file, images, {}, problem=problem.message)
    chosen = {str(modality): Proposal(each.part.key, each.because) for modality, each in choice.chosen.items()}
    return OfferedVisit(patient, file, images, chosen, choice.warnings)


def _image(part: SeriesPart) -> OfferedImage:
    said = part.recognition
    contrast = None if said.modality is None else str(said.modality)
    return OfferedImage(part.key, describe_volume(part), contrast, said.reason, part.problem)
