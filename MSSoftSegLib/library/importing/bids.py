"""A BIDS data set (https://bids-specification.readthedocs.io): images in ``sub-*/[ses-*/]anat``, lesion masks in derivatives.

An image is taken where ``--exam`` would take it: one recogniser judges name and sidecar, and what is left out is noted.
A mask is a ``dseg``, ``mask`` or ``roi`` file with "lesion" in its name, anywhere below ``derivatives``; its rater is its
``desc``, or else the derivative's folder. It must lie on FLAIR's grid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from MSSoftSegLib.errors import BadImage, BadLibrary
from MSSoftSegLib.exam.image_format import image_extension
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.plain_text import decode_text, plain_letters
from MSSoftSegLib.exam.recognition import recognize
from MSSoftSegLib.exam.recognition_words import PROTON_DENSITY
from MSSoftSegLib.exam.sidecar import read_sidecar
from MSSoftSegLib.library.importing.description import read_json_object
from MSSoftSegLib.library.importing.own_export import NOTHING_SAID, OwnCase, OwnExport, find_own_export
from MSSoftSegLib.library.importing.source import Contents, DataSet, FoundCase, keep_alphanumeric
from MSSoftSegLib.library.layout import CONFIDENCE, DERIVATIVES, DESCRIPTION, LONGEST_ID, CaseId, resolve_inside
from MSSoftSegLib.library.visits import find_names_told_apart

PREPROCESSED = False
SUFFIXES = {"FLAIR": Modality.FLAIR, "T1w": Modality.T1, "UNIT1": Modality.T1, "T2w": Modality.T2, "PDw": Modality.PD}
MASK_SUFFIXES = ("dseg", "mask", "roi")
SOFT_SUFFIX = "probseg"
# Not "nonlesion", "lesion-free", "lesionfilled".
_LESION = re.compile(r"(?<!non)(?<!non[-_])lesion(?!s?[-_]?(?:free|fill))|wmh|(?<![a-z])les(?![a-z])")
_NAME = re.compile(
    r"sub-([A-Za-z0-9]+)(?:_ses-([A-Za-z0-9]+))?((?:_[a-zA-Z]+-[A-Za-z0-9]+)*)_([A-Za-z0-9]+)\.nii(?:\.gz)?",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"_([a-zA-Z]+)-([A-Za-z0-9]+)")


@dataclass
class _Visit:
    """What was found of one visit; problem: why it cannot be imported."""

    images: dict[Modality, Path] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    soft: tuple[str, Path] | None = None
    confidences: dict[str, Path] = field(default_factory=dict)
    own: OwnCase = NOTHING_SAID
    problem: BadLibrary | None = None

    @property
    def is_usable(self) -> bool:
        """Whether there is what a case must have."""
        return Modality.FLAIR in self.images

    def contents(self) -> Contents:
        """What add_case takes."""
        if self.problem is not None:
            raise self.problem
        for path in self.masks.values():
            _check_described(path)
        name, soft_label = self.soft or ("soft", None)
        return Contents(self.images, self.masks, soft_label, name, self.confidences.get(name), self.own)


def find_cases(source: Path) -> DataSet:
    """The visits that have an image of a known contrast, in order of name.

    One that has two images for one part is found and refused; one without FLAIR is noted.
    """
    visits: dict[CaseId, _Visit] = {}
    notes: list[str] = []
    images = [*source.glob("sub-*/anat/*"), *source.glob("sub-*/ses-*/anat/*")]
    # Of a plain and a contrast-enhanced FLAIR the plain one comes first, and is taken.
    for path in sorted(images, key=lambda each: ("_ce-" in each.name, each)):
        _take_image(path, visits, notes)
    if not any(Modality.FLAIR in visit.images for visit in visits.values()):
        raise BadLibrary(
            f"{source.name} holds no sub-*/anat/*_FLAIR.nii.gz" + (f": {notes[0]}" if notes else ""),
            remedy="give the BIDS data set's own folder",
        )
    for path in sorted((source / "derivatives").rglob("sub-*")):
        if image_extension(path.name) is not None:
            _take_label(path, source / "derivatives", visits, notes)
    ordered = sorted(visits.items(), key=_name_of)
    ours = _own_export(source)
    for case, visit in ordered:
        visit.own = ours.case(str(case))
    found = [FoundCase(case, str(case), visit.contents) for case, visit in ordered if visit.is_usable]
    notes += [
        f"{case} has masks by {' and '.join(sorted(visit.masks))}: each counts as a rater"
        for case, visit in ordered
        if visit.is_usable and len(visit.masks) > 1 and visit.own is NOTHING_SAID
    ]
    notes += [f"{case} is not taken: it has no FLAIR image" for case, visit in ordered if not visit.is_usable]
    alike = find_names_told_apart(sorted({case.patient for case in visits}))
    notes += [f"sub-{one} and sub-{other} read like visits of one patient; they are two here" for one, other in alike]
    return DataSet(PREPROCESSED, found, tuple(notes))


def _own_export(source: Path) -> OwnExport:
    """What an export of ours says of its cases; nothing in another data set."""
    try:
        return find_own_export(read_json_object(resolve_inside(source, DERIVATIVES / DESCRIPTION)))
    except (OSError, ValueError, RecursionError):
        return OwnExport()


def _name_of(item: tuple[CaseId, object]) -> str:
    return str(item[0])


def _take_image(path: Path, visits: dict[CaseId, _Visit], notes: list[str]) -> None:
    read = _read_name(path)
    if read is None or path.name.startswith("."):
        _note_lesions(path, notes, "it lies beside images, not in derivatives")
        return
    case, entities, suffix = read
    if suffix in MASK_SUFFIXES or suffix == SOFT_SUFFIX:
        _note_lesions(path, notes, "it lies beside images, not in derivatives")
    found = recognize(path.name, read_sidecar(path))
    modality = Modality.PD if suffix == "PDw" and found.reason == PROTON_DENSITY else found.modality
    if modality is None:
        if suffix in SUFFIXES:
            notes.append(f"{path.name} is not taken: {found.reason}")
        return
    visit = visits.setdefault(case, _Visit())
    other = visit.images.setdefault(modality, path)
    if other != path and "ce" in entities:
        notes.append(f"{path.name} is not taken: {other.name} is without contrast agent")
    elif other != path and visit.problem is None:
        visit.problem = BadLibrary(
            f"{other.name} and {path.name} could both be the {modality.upper()} image",
            remedy="leave one of them in the folder that you import",
        )


def _take_label(path: Path, derivatives: Path, visits: dict[CaseId, _Visit], notes: list[str]) -> None:
    """Rater masks by rater, and the first soft label with its name."""
    read = _read_name(path)
    if read is None or read[2] not in (*MASK_SUFFIXES, SOFT_SUFFIX):
        ends = ", ".join(f"_{suffix}.nii.gz" for suffix in MASK_SUFFIXES)
        _note_lesions(path, notes, f"a mask's name is sub-…_ with an ending of {ends}")
        return
    case, entities, suffix = read
    visit = visits.get(case)
    if visit is None or not _LESION.search(plain_letters(path.name)):
        why = "there is no image of its visit" if visit is None else "its name does not say lesion"
        notes.append(f"{path.name} is not taken: {why}")
        return
    pipeline = path.relative_to(derivatives).parts[0]
    name = entities.get("desc") or keep_alphanumeric(pipeline) or "rater"
    if suffix == SOFT_SUFFIX:
        if name.endswith(CONFIDENCE):
            visit.confidences[name.removesuffix(CONFIDENCE)] = path
        else:
            visit.soft = visit.soft or (name, path)
        return
    other = visit.masks.setdefault(name, path)
    if other != path and visit.problem is None:
        visit.problem = BadLibrary(
            f"{other.name} and {path.name} are both the mask of {name}", remedy="tell raters apart by desc-"
        )


def _note_lesions(path: Path, notes: list[str], why: str) -> None:
    """A line on a file that says lesion and is not taken: without one its case would be unlabelled without a word."""
    if not path.name.startswith(".") and image_extension(path.name) and _LESION.search(plain_letters(path.name)):
        notes.append(f"{path.name} is not taken: {why}")


def _check_described(mask: Path) -> None:
    """Refuse a label map whose own table of labels calls 1 or 2 something else than lesion and possible lesion."""
    for value, name in _described_labels(mask).items():
        said = plain_letters(name)
        known = bool(_LESION.search(said)) or said in ("ms", "1")
        possible = any(word in said for word in ("possible", "uncertain", "probable", "doubt"))
        if (value == LESION and not known) or (value == POSSIBLE_LESION and not possible):
            raise BadImage(
                f"{mask.name} has a table that calls label {value} {name!r}",
                remedy=f"write {LESION} for lesion and {POSSIBLE_LESION} for possible lesion, and correct the table",
            )


def _described_labels(mask: Path) -> Mapping[int, str]:
    """Names by value from the ``dseg.tsv`` that BIDS puts beside a label map or above it; empty where there is none."""
    own = mask.with_name(mask.name.split(".nii")[0] + ".tsv")
    above = [
        folder / name
        for folder in list(mask.parents)[:4]
        for name in ("desc-lesion_dseg.tsv", "seg-lesion_dseg.tsv", "dseg.tsv")
    ]
    table = next((path for path in (own, *above) if path.is_file()), None)
    if table is None or "dseg" not in mask.name:
        return {}
    try:
        lines = decode_text(table.read_bytes()).splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadLibrary(f"{table.name} is no readable table", remedy="mend it, or leave it out") from None
    separator = max("\t;,", key=lines[0].count) if lines else "\t"
    columns, *values = ([cell.strip().strip('"') for cell in line.split(separator)] for line in lines or [""])
    if not {"index", "name"} <= set(columns):
        raise BadLibrary(f"{table.name} has no columns index and name", remedy="mend it, or leave it out")
    rows = [dict(zip(columns, line, strict=False)) for line in values]
    return {int(row["index"]): row.get("name", "") for row in rows if row.get("index", "").strip().isdigit()}


def _read_name(path: Path) -> tuple[CaseId, dict[str, str], str] | None:
    """Case, other entities and suffix of a BIDS file name; None where it is none."""
    found = _NAME.fullmatch(path.name)
    if found is None or max(map(len, filter(None, found.group(1, 2)))) > LONGEST_ID:
        return None
    return CaseId(found[1], found[2]), dict(_ENTITY.findall(found[3])), found[4]
