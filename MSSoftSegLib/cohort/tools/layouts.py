"""Where each tool leaves its lesions, and which value they have. Docs/cohorts.md section 6 says where each was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.errors import BadExam, RequestError
from MSSoftSegLib.exam.image_format import image_stem
from MSSoftSegLib.library.layout import CaseId

# What a name of a file in a layout may hold: the exam's name, and the FLAIR image's without its extension.
CASE, FLAIR = "{case}", "{flair}"
# What a tool without a layout of its own may have called its files.
PROBABILITY_WORDS = ("prob", "soft")


@dataclass(frozen=True)
class ToolLayout:
    """masks, probabilities: names of files, the first that is there counts. label: of lesion; None: everything but 0."""

    masks: tuple[str, ...]
    probabilities: tuple[str, ...] = ()
    label: int | None = None


LAYOUTS = {
    "lst-ai": ToolLayout(
        masks=("space-flair_seg-lst.nii.gz", "space-orig_seg-lst.nii.gz", "{case}_space-flair_seg-lst.nii.gz"),
        probabilities=(
            "sub-X_ses-Y_space-FLAIR_seg-lst_prob.nii.gz",
            "temp/sub-X_ses-Y_space-FLAIR_seg-lst_prob.nii.gz",
            "{case}_space-flair_seg-lst_prob.nii.gz",
        ),
    ),
    "mindglide": ToolLayout(masks=("{flair}_seg.nii.gz", "{case}_seg.nii.gz"), label=18),
    "flames": ToolLayout(masks=("{case}.nii.gz", "{flair}.nii.gz"), label=1),
    "samseg": ToolLayout(masks=("seg.mgz", "{case}_seg.mgz", "output/seg.mgz"), label=99),
}


@dataclass(frozen=True)
class ToolSource:
    """One tool's results of a whole cohort. name: letters and digits, as it appears in file names."""

    name: str
    folder: Path
    layout: ToolLayout | None


@dataclass(frozen=True)
class FoundResult:
    """One exam's files of one tool; at least one of the two is there."""

    mask: Path | None
    probability: Path | None


def parse_source(text: str) -> ToolSource:
    """``lst-ai=FOLDER``, ``mindglide=FOLDER`` …, or ``NAME=FOLDER`` of any tool; RequestError where there is no such folder."""
    name, _, folder = text.partition("=")
    if not folder or not name.replace("-", "").isalnum():
        known = ", ".join(LAYOUTS)
        raise RequestError(
            f"--from {text[:64]!r} is not a tool's name and folder", remedy=f"write NAME=FOLDER; NAME: {known}, or any"
        )
    if not Path(folder).is_dir():
        raise RequestError(f"--from {name}: there is no folder {Path(folder).name}", remedy="check its name")
    return ToolSource(name.replace("-", ""), Path(folder), LAYOUTS.get(name.lower()))


def find_result(source: ToolSource, case: CaseId, flair: Path) -> FoundResult:
    """The files of one exam; BadExam where there are none."""
    places = [place for place in _places(source.folder, case) if place.is_dir()]
    if source.layout is None:
        found = _by_words(places, case)
    else:
        words = {"case": str(case), "flair": image_stem(flair.name)}
        found = FoundResult(
            _first(places, source.layout.masks, words), _first(places, source.layout.probabilities, words)
        )
    if found.mask is None and found.probability is None:
        expected = "a file whose name begins with it" if source.layout is None else source.layout.masks[0]
        raise BadExam(f"{source.name} has no result of {case}", remedy=f"put {expected} into {case}/, or leave it out")
    return found


def _places(folder: Path, case: CaseId) -> Iterator[Path]:
    """The exam's own folders first, then the folder itself, for tools that write all results into one."""
    visit = folder / f"sub-{case.patient}" / (f"ses-{case.session}" if case.session else "")
    yield from (folder / str(case), visit, visit / "anat", visit / "temp", folder)


def _first(places: list[Path], names: tuple[str, ...], words: dict[str, str]) -> Path | None:
    paths = (place / name.format(**words) for place in places for name in names)
    return next((path for path in paths if path.is_file()), None)


def _by_words(places: list[Path], case: CaseId) -> FoundResult:
    """Files that begin with the exam's name, up to a sign that ends it; a word tells probabilities from masks."""
    paths = [
        path
        for place in places
        for path in sorted(place.glob("*.nii*"))
        if path.name.startswith((f"{case}_", f"{case}."))
    ]
    soft = [path for path in paths if any(word in path.name[len(str(case)) :].lower() for word in PROBABILITY_WORDS)]
    hard = [path for path in paths if path not in soft]
    return FoundResult(hard[0] if hard else None, soft[0] if soft else None)
