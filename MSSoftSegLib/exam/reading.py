"""From files on disk to one exam: which file plays which role, and whether they belong together."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam import recognition_words as words
from MSSoftSegLib.exam.candidates import Candidate, describe_candidates, explain_first, read_candidate, sort_candidates
from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.image_file import compute_sha256, note_two_values, read_image
from MSSoftSegLib.exam.image_format import KNOWN_EXTENSIONS, image_extension
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition import recognize
from MSSoftSegLib.exam.sidecar import PERSON_KEYS, VISIT_KEYS, find_days_apart, first_difference, read_sidecar

LOGGER = logging.getLogger(__name__)
FETCH_OR_REMOVE = "fetch it (datalad get, git annex get), or remove the link"
BIDS_IMAGE_FOLDER = "anat"
LONGEST_LISTING = 10
# People come back for a part of an examination; what lies further apart was another examination.
LONGEST_VISIT_DAYS = 31


@dataclass(frozen=True)
class IgnoredFile:
    """A file of an exam folder that was left out, by base name, and why."""

    file_name: str
    reason: str


@dataclass(frozen=True)
class FoundExam:
    """The files of a folder: one per modality that was recognized, and those left out, in order of name."""

    chosen: Mapping[Modality, Path]
    ignored: tuple[IgnoredFile, ...]


def read_exam(files: Mapping[Modality, Path]) -> Exam:
    """The images of one visit, each float32 on its own native grid; BadExam or BadImage if they cannot be trusted.

    Their fields of view need not overlap: alignment brings them together or says that it could not.
    """
    files = {modality: files[modality] for modality in Modality if modality in files}
    if Modality.FLAIR not in files:
        raise BadExam(
            f"there is no FLAIR image among {_listing(path.name for path in files.values())}",
            remedy="name it with --flair FILE",
        )
    _check_different_files(files)
    check_one_visit(files)
    images = {
        modality: ExamImage(modality, read_image(path), path.name, compute_sha256(path))
        for modality, path in files.items()
    }
    _check_different_contents(images)
    for each in images.values():
        note_two_values(each.file_name, each.image)
    return Exam(MappingProxyType(images))


def find_exam(folder: Path, *, take_best: bool = False) -> FoundExam:
    """Choose the images in a folder, or in its ``anat`` subfolder if it holds no image itself, by name and sidecar.

    Subfolders are not searched otherwise. BadExam if there is no FLAIR, or if two files could play one part: each is then
    described in the log, with the one to take and why (candidates.py). take_best: take it.
    """
    paths = list_exam_files(folder)
    possible: dict[Modality, list[Path]] = {}
    ignored = []
    for path in paths:
        found = recognize(path.name, read_sidecar(path) if image_extension(path.name) else None)
        if found.modality is None:
            ignored.append(IgnoredFile(path.name, found.reason))
        elif not path.exists():
            raise BadExam(f"{path.name} is a link to a file that is not here", remedy=FETCH_OR_REMOVE)
        else:
            possible.setdefault(found.modality, []).append(path)
    if Modality.FLAIR not in possible:
        images = [path.name for path in paths if image_extension(path.name)]
        raise BadExam(f"no FLAIR image was recognized among {_listing(images)}", remedy="name it with --flair FILE")
    several = {
        modality: sort_candidates([read_candidate(path) for path in possible[modality]])
        for modality in Modality
        if len(possible.get(modality, ())) > 1
    }
    if several and not take_best:
        raise _ambiguous(several)
    for modality, candidates in several.items():
        best, others = candidates[0], candidates[1:]
        LOGGER.warning(
            "%s is taken as %s, not %s: %s",
            *(
                best.path.name,
                modality.upper(),
                _listing(each.path.name for each in others),
                explain_first(best, others[0]),
            ),
        )
        possible[modality] = [best.path]
        ignored += [IgnoredFile(each.path.name, f"{best.path.name} is the {modality.upper()} image") for each in others]
    chosen = {modality: possible[modality][0] for modality in Modality if modality in possible}
    return FoundExam(MappingProxyType(chosen), tuple(ignored))


def _ambiguous(several: Mapping[Modality, Sequence[Candidate]]) -> BadExam:
    """The refusal, after every candidate was described in the log."""
    for modality, candidates in several.items():
        for line in describe_candidates(modality, candidates):
            LOGGER.warning("%s", line)
    modality, candidates = next(iter(several.items()))
    names = [each.path.name for each in candidates]
    others = f" (and {len(names) - 2} more)" if len(names) > 2 else ""
    return BadExam(
        f"{names[0]} and {names[1]}{others} could both be the {modality.upper()} image",
        remedy=f"name the right one with --{modality} FILE, or take {names[0]} with --yes ({explain_first(*candidates[:2])})",
    )


def find_misnamed(files: Mapping[Modality, Path]) -> list[str]:
    """A sentence for each file whose name or sidecar says that it is something else than what it is given as."""
    found = []
    for modality, path in files.items():
        said = recognize(path.name, read_sidecar(path))
        if said.modality is not None and said.modality is not modality:
            found.append(f"{path.name} is given as {modality.upper()}, but {said.reason} says {said.modality.upper()}")
        elif said.modality is None and said.reason in words.DOUBTED_AS_IMAGE:
            found.append(f"{path.name} is given as {modality.upper()}, but by its name or sidecar: {said.reason}")
    return found


def read_exam_folder(folder: Path, *, take_best: bool = False) -> Exam:
    """The exam that find_exam finds in a folder; what it holds besides is logged by base name."""
    found = find_exam(folder, take_best=take_best)
    for ignored in found.ignored:
        LOGGER.info("%s: not used (%s)", ignored.file_name, ignored.reason)
    return read_exam(found.chosen)


def list_exam_files(folder: Path) -> list[Path]:
    """The files of the exam folder by name, without JSON sidecars. The folder's own name may be the patient's."""
    if not folder.exists():
        raise BadExam("the exam folder does not exist", remedy="check its name")
    if not folder.is_dir():
        raise BadExam(f"{folder.name} is a file, not an exam folder", remedy="give the folder that holds it")
    for place in (folder, folder / BIDS_IMAGE_FOLDER):
        paths = _files_directly_in(place)
        if any(image_extension(path.name) and not path.name.startswith(".") for path in paths):
            return paths
    raise BadExam(
        f"the exam folder holds no image ({KNOWN_EXTENSIONS})",
        remedy="give the folder with the images themselves, or --dicom for a folder of DICOM files",
    )


def _files_directly_in(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        raise BadExam("the exam folder may not be read", remedy="ask for permission to read it") from None
    # Of a link whose file was not fetched (git-annex, datalad) nothing else tells.
    there = (path for path in paths if path.is_file() or (path.is_symlink() and not path.exists()))
    return [path for path in there if path.suffix.lower() != ".json"]


def _check_different_files(files: Mapping[Modality, Path]) -> None:
    for (first, path), (second, other) in itertools.combinations(files.items(), 2):
        if path.exists() and other.exists() and path.samefile(other):
            raise BadExam(
                f"{path.name} is given as {first.upper()} and as {second.upper()}", remedy="give each image once"
            )


def _check_different_contents(images: Mapping[Modality, ExamImage]) -> None:
    for one, other in itertools.combinations(images.values(), 2):
        if one.sha256 == other.sha256:
            raise BadExam(
                f"{one.file_name} and {other.file_name} are copies of the same image, "
                f"given as {one.modality.upper()} and as {other.modality.upper()}",
                remedy="give each image once",
            )


def check_one_visit(files: Mapping[Modality, Path]) -> None:
    """BadExam where names or sidecars say that the files are of two people, or of two visits."""
    sidecars = [(path.name, read_sidecar(path)) for path in files.values()]
    for (name, fields), (other_name, other_fields) in itertools.combinations(sidecars, 2):
        for entity, keys, what in (("sub", PERSON_KEYS, "patients"), ("ses", VISIT_KEYS, "visits")):
            remedy = f"give images of one {what[:-1]}; if they are, correct the names or sidecars"
            both = f"{name} and {other_name} belong to different {what}:"
            if _have_other_entity(entity, name, other_name):
                raise BadExam(f"{both} '{entity}-' differs in their names", remedy=remedy)
            if key := first_difference(fields, other_fields, keys):
                raise BadExam(f"{both} {key} differs in their JSON sidecars", remedy=remedy)
        days = find_days_apart(fields, other_fields)
        if days is not None and days > LONGEST_VISIT_DAYS:
            raise BadExam(
                f"{name} and {other_name} belong to different visits: their JSON sidecars have dates {days} days apart",
                remedy="give images of one visit; if they are, correct the sidecars",
            )


def _have_other_entity(entity: str, name: str, other_name: str) -> bool:
    """Whether both names have an entity as BIDS has it, "sub-01", with different labels."""
    found = [re.search(rf"(?:^|_){entity}-([^_.]+)", each, re.IGNORECASE) for each in (name, other_name)]
    labels = {each[1].casefold() for each in found if each is not None}
    return len(labels) > 1


def _listing(names: Iterable[str]) -> str:
    """The names, at most ten of them spelled out."""
    ordered = list(names)
    rest = len(ordered) - LONGEST_LISTING
    spelled = ", ".join(ordered[:LONGEST_LISTING]) or "no file"
    return f"{spelled} and {rest} more" if rest > 0 else spelled
