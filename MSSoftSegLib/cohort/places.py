"""Where everything of a cohort lies and what it is called: derivatives as BIDS has them, one folder an exam."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from MSSoftSegLib.library.creation import BIDS_VERSION
from MSSoftSegLib.library.layout import DESCRIPTION, CaseId
from MSSoftSegLib.version import VERSION

RECORD_FILE = "cohort_exam.json"
RESULT_FOLDER = "result"
THUMBNAIL_FILE = "thumbnail.png"
# With the later of two visits: what changed since the one before.
CHANGE_FOLDER = "change"
CHANGE_RECORD = "cohort_change.json"
EXAMS_TABLE = "group_exams.tsv"
LESIONS_TABLE = "group_lesions.tsv"
CHANGES_TABLE = "group_changes.tsv"
TOOLS_TABLE = "group_tools.tsv"
GROUP_PAGE = "group_report.html"
OWN_FOLDER = ".mssoftseg"
TOOLS_FOLDER = "tools"
IGNORED_BY_BIDS = (
    f"**/{RESULT_FOLDER}/**\n**/{RECORD_FILE}\n**/{THUMBNAIL_FILE}\n**/{CHANGE_FOLDER}/**\n**/{CHANGE_RECORD}\n"
    f"group_*\n{OWN_FOLDER}/\n{TOOLS_FOLDER}/\nslurm-*\n"
)
_ENTITIES = re.compile(r"^(?P<entities>sub-[A-Za-z0-9]+(?:_[a-z]+-[A-Za-z0-9+]+)*)_FLAIR\.nii(?:\.gz)?$")


def name_exam_folder(out: Path, case: CaseId) -> Path:
    """The folder of one exam's derivatives: ``sub-<id>[/ses-<session>]``."""
    return out / f"sub-{case.patient}" / (f"ses-{case.session}" if case.session else "")


def name_failure_file(out: Path, case: CaseId) -> Path:
    """Why an exam has no result (any more)."""
    return out / OWN_FOLDER / "failed" / f"{case}.json"


def find_exam_records(out: Path) -> Iterator[Path]:
    """The records of all exams that are complete, in order of folder."""
    yield from sorted([*out.glob(f"sub-*/{RECORD_FILE}"), *out.glob(f"sub-*/ses-*/{RECORD_FILE}")])


def name_derived_stem(case: CaseId, reference_name: str) -> str:
    """How the names of derivatives begin: the entities of the image that they lie on, where its name has any of this exam."""
    found = _ENTITIES.match(reference_name)
    kept = found is not None and f"{found['entities']}_".startswith(f"{case}_")
    return found["entities"] if found is not None and kept else str(case)


def write_whole(path: Path, text: str) -> None:
    """A file that is never half-written, also where several processes write the same one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """A JSON file that is never half-written."""
    write_whole(path, json.dumps(document, indent=2) + "\n")


def write_frame(out: Path, *, raw: Path | None = None) -> None:
    """What belongs to the data set of derivatives as a whole. raw: the BIDS data set that it was derived from."""
    description = {
        "Name": "MSSoftSeg: lesions of multiple sclerosis",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "MSSoftSeg", "Version": VERSION}],
    }
    # Relative, so that no path of this machine is written down.
    links = (
        {} if raw is None else {"DatasetLinks": {"raw": Path(os.path.relpath(raw.resolve(), out.resolve())).as_posix()}}
    )
    write_json(out / DESCRIPTION, {**description, **links})
    write_whole(out / ".bidsignore", IGNORED_BY_BIDS)
    write_whole(out / "desc-lesion_dseg.tsv", "index\tname\n1\tMS lesion\n")
