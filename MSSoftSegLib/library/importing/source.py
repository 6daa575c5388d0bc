"""What every import has in common: a source folder, and cases found in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.plain_text import plain_letters
from MSSoftSegLib.library.channels import find_channel_modality
from MSSoftSegLib.library.importing.own_export import NOTHING_SAID, OwnCase
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.layout import CaseId

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True)
class Contents:
    """What add_case takes of one foreign case. own: what it was, where an export of ours says so."""

    images: Mapping[Modality, Source]
    raters: Mapping[str, Source] = field(default_factory=dict)
    soft_label: Source | None = None
    soft_label_name: str = "soft"
    confidence: Source | None = None
    own: OwnCase = NOTHING_SAID


@dataclass(frozen=True)
class FoundCase:
    """One case of a foreign data set. name: as the data set calls it. load: reads what has to be changed before it is added.

    A case that cannot be imported is found too: load says why, and the others are not held up.
    """

    case: CaseId | None
    name: str
    load: Callable[[], Contents]

    @classmethod
    def ready(cls, case: CaseId, name: str, contents: Contents) -> FoundCase:
        """A case whose files are added as they are."""
        return cls(case, name, lambda: contents)

    @classmethod
    def refused(cls, name: str, problem: RequestError) -> FoundCase:
        """A case that cannot be imported, and why."""

        def load() -> Contents:
            raise problem

        return cls(None, name, load)


@dataclass(frozen=True)
class DataSet:
    """preprocessed: what the format's images are. notes: what was not taken or was understood in a way that one should know."""

    preprocessed: bool
    cases: Sequence[FoundCase]
    notes: tuple[str, ...] = ()


def check_source(source: Path) -> None:
    """Refuse what is not a folder."""
    if source.is_dir():
        return
    if not source.exists():
        raise RequestError(f"{source.name} does not exist", remedy="check the name and the folder")
    if source.name.lower().endswith(ARCHIVES):
        raise RequestError(f"{source.name} is an archive", remedy="unpack it and give the folder")
    raise RequestError(f"{source.name} is a file, not the data set's folder", remedy="give the folder that holds it")


def keep_alphanumeric(name: str) -> str:
    """A name as an id: what is not a letter of A–Z or a digit is left out, accents are taken off."""
    kept = (character if character.isascii() else plain_letters(character) for character in name)
    return "".join(character for character in "".join(kept) if character.isascii() and character.isalnum())


def make_case_id(name: str, visit: tuple[str, str] | None = None) -> CaseId:
    """The id of a case by its name in a data set, or by patient and visit. RequestError where nothing is left of a name."""
    patient, session = visit if visit is not None else (name, None)
    plain = keep_alphanumeric(patient)
    if not plain:
        raise RequestError(
            f"{name} has no letter of A–Z and no digit from which an id could be made", remedy="rename the case's files"
        )
    return CaseId(plain, None if session is None else keep_alphanumeric(session))


def find_unused_channels(names: Mapping[str, str], used: Mapping[int, Modality]) -> list[str]:
    """A sentence for each channel that is not taken."""
    return [f"channel {number} ({name}) is not taken" for number, name in names.items() if int(number) not in used]


def find_channel_modalities(names: Mapping[str, str], *, as_flair: str | None) -> dict[int, Modality]:
    """The modality of each channel that is used. as_flair: the channel, by number or name, that plays FLAIR's part.

    names: channel names by number, as data sets describe them.
    """
    used: dict[int, Modality] = {}
    chosen = [number for number, name in names.items() if as_flair is not None and as_flair in (number, name)]
    if as_flair is not None and not chosen:
        raise RequestError(f"there is no channel {as_flair!r}", remedy=f"choose from {_listed(names)}")
    for number, name in names.items():
        modality = Modality.FLAIR if number in chosen else find_channel_modality(name)
        if modality is Modality.FLAIR and chosen and number not in chosen:
            continue
        if modality is None:
            continue
        if modality in used.values():
            raise BadLibrary(f"two channels are {modality.upper()} ({_listed(names)})", remedy="correct dataset.json")
        used[int(number)] = modality
    if Modality.FLAIR not in used.values():
        raise RequestError(
            f"no channel is FLAIR ({_listed(names)})",
            remedy="say with --as-flair NUMBER which channel labels are drawn on and is trained on in FLAIR's place",
        )
    return used


def make_ids_distinct(found: Sequence[FoundCase]) -> list[FoundCase]:
    """The same, but refused where a name becomes another's id once other characters are left out."""
    seen: dict[str, str] = {}
    checked = []
    for each in found:
        other = each.name if each.case is None else seen.setdefault(str(each.case).casefold(), each.name)
        if other == each.name:
            checked.append(each)
            continue
        problem = BadLibrary(f"{other} and {each.name} would both be {each.case}", remedy="rename one of them")
        checked.append(FoundCase.refused(each.name, problem))
    return checked


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(f"{number}: {name}" for number, name in names.items())
