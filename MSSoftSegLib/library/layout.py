"""Where everything in a case library lies and what it is called: BIDS names, derived from ids and never from user text.

``sub-<patient>[/ses-<session>]/anat/`` holds native images, the same below ``derivatives/mssoftseg/`` labels and the case
record, and ``earlier/`` in it the masks that later ones replaced. ``.mssoftseg/`` holds what only writers need: locks, and
files on their way into place. Preprocessed working images are not kept: they would make the library three times as large and
every save over a network slow, and they are only as good as the version that made them; training makes and caches its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality

DESCRIPTION = "dataset_description.json"
PARTICIPANTS = "participants.tsv"
README = "README"
DERIVATIVES = PurePosixPath("derivatives", "mssoftseg")
SETTINGS = DERIVATIVES / "library.json"
WRITERS_FOLDER = ".mssoftseg"
# What operating systems leave behind unasked.
DROPPINGS = (".DS_Store", "Thumbs.db", "desktop.ini")
# And a Mac beside every file of a disk that is not its own.
DROPPING_PREFIX = "._"
IMAGE_SUFFIX = {Modality.FLAIR: "FLAIR", Modality.T1: "T1w", Modality.T2: "T2w", Modality.PD: "PDw"}
CONFIDENCE = "confidence"
EARLIER_FOLDER = "earlier"

# Shorter than any file system's limit even when an id appears twice in a name.
LONGEST_ID = 64
_ID = re.compile(r"[A-Za-z0-9]+")
_CASE_FILE = re.compile(
    r"sub-(?P<patient>[A-Za-z0-9]+)(?:_ses-(?P<session>[A-Za-z0-9]+))?_"
    r"(?:(?:FLAIR|T1w|T2w|PDw)\.nii\.gz"
    r"|(?P<label>case\.json|space-FLAIR_label-lesion_desc-[A-Za-z0-9]+_(?:dseg|probseg)\.nii\.gz))"
)
_EARLIER = re.compile(r".*_desc-[A-Za-z0-9]+v[0-9]+_dseg\.nii\.gz")
_CASE = re.compile(r"(?:sub-)?([A-Za-z0-9]+)(?:[_/](?:ses-)?([A-Za-z0-9]+))?")


@dataclass(frozen=True)
class CaseId:
    """One visit of one patient; session None where a patient has only one."""

    patient: str
    session: str | None = None

    def __post_init__(self) -> None:
        check_id(self.patient, "patient id")
        if self.session is not None:
            check_id(self.session, "session id")

    def __str__(self) -> str:
        """``sub-01_ses-02``: the case's name, and the beginning of all its files' names."""
        return f"sub-{self.patient}" + (f"_ses-{self.session}" if self.session is not None else "")

    @property
    def folder(self) -> PurePosixPath:
        """The images' folder, relative to the library."""
        session = () if self.session is None else (f"ses-{self.session}",)
        return PurePosixPath(f"sub-{self.patient}", *session, "anat")

    @property
    def label_folder(self) -> PurePosixPath:
        """The labels' folder, relative to the library."""
        return DERIVATIVES / self.folder

    @property
    def record(self) -> PurePosixPath:
        """The case record, relative to the library."""
        return self.label_folder / f"{self}_case.json"

    def image(self, modality: Modality) -> PurePosixPath:
        """A native image, relative to the library."""
        return self.folder / f"{self}_{IMAGE_SUFFIX[modality]}.nii.gz"

    def rater_mask(self, rater: str) -> PurePosixPath:
        """One rater's label map (1 = lesion, 2 = possible lesion), relative to the library."""
        check_id(rater, "rater name")
        return self.label_folder / f"{self}_space-FLAIR_label-lesion_desc-{rater}_dseg.nii.gz"

    def earlier_mask(self, rater: str, version: int) -> PurePosixPath:
        """A label map that its rater replaced later, relative to the library."""
        name = self.rater_mask(rater).name.replace(f"_desc-{rater}_", f"_desc-{rater}v{version}_")
        return self.label_folder / EARLIER_FOLDER / name

    def soft_label(self, name: str) -> PurePosixPath:
        """A soft mask (0–1), relative to the library."""
        check_id(name, "soft label's name")
        if name.casefold().endswith(CONFIDENCE):
            raise RequestError(f"{name!r} is kept for confidence maps", remedy="give the soft label another name")
        return self._probability(name)

    def confidence(self, name: str) -> PurePosixPath:
        """The weight of each voxel of the soft mask of that name (0–1), relative to the library."""
        check_id(name, "soft label's name")
        return self._probability(name + CONFIDENCE)

    def _probability(self, description: str) -> PurePosixPath:
        return self.label_folder / f"{self}_space-FLAIR_label-lesion_desc-{description}_probseg.nii.gz"


def check_id(text: str, what: str) -> None:
    """Refuse what BIDS does not allow as an id, so that no name needs quoting and none can leave the library."""
    if not _ID.fullmatch(text) or len(text) > LONGEST_ID:
        raise RequestError(
            f"{text[:LONGEST_ID]!r} is not a {what}",
            remedy=f"use letters A–Z and digits only, at most {LONGEST_ID} (no dash, underscore, space or accent)",
        )


def parse_case(text: str) -> CaseId:
    """The case that a user names: ``sub-01_ses-02``, ``01/02``, or ``01`` for a patient without sessions."""
    found = _CASE.fullmatch(text)
    if found is None:
        raise RequestError(f"{text[:LONGEST_ID]!r} is not the name of a case", remedy="see mssoftseg library list")
    return CaseId(found[1], found[2])


def find_case_of_file(name: PurePosixPath) -> CaseId | None:
    """The case whose file this is by its folder and name, None where it can be no case's."""
    found = _CASE_FILE.fullmatch(name.name)
    if found is None:
        return None
    try:
        case = CaseId(found["patient"], found["session"])
    except RequestError:
        return None
    places = {case.label_folder} if found["label"] is not None else {case.folder}
    if _EARLIER.fullmatch(name.name):
        places.add(case.label_folder / EARLIER_FOLDER)
    return case if name.parent in places else None


def is_dropping(name: str) -> bool:
    """Whether a file of that name is an operating system's, and nobody put it there."""
    return name in DROPPINGS or name.startswith(DROPPING_PREFIX)


def resolve_inside(library: Path, name: PurePosixPath) -> Path:
    """The file of that relative name."""
    return library.joinpath(*name.parts)
