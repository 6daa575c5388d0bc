"""Part of a library as a library of its own, which is a BIDS data set with derivatives."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.library.case_record import CaseRecord, Status, record_text
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.exporting.case_labels import read_flair, soft_label_name, soft_mask_of
from MSSoftSegLib.library.exporting.exported import Exported, Progress, check_unchanged, files_in, silent, write_mark
from MSSoftSegLib.library.exporting.selection import chosen_cases
from MSSoftSegLib.library.layout import WRITERS_FOLDER, CaseId, inside
from MSSoftSegLib.library.transaction import add_participant, write_text
from MSSoftSegLib.library.writing import add_case
from MSSoftSegLib.result_folder import complete_or_absent
from MSSoftSegLib.softlabel.settings import SoftLabelSettings

# Beside the writers' own files: BIDS has no place for it.
MARK = f"{WRITERS_FOLDER}/export.json"


def export_bids(
    library: Path,
    out: Path,
    *,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    soft_label: SoftLabelSettings | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Exported:
    """Copy cases, but no notes and no former masks, into a new folder.

    soft_label: adds a soft mask where none is stored.
    """
    selection = chosen_cases(library, statuses, cases)
    check_unchanged(out, place=MARK, ignored=(f"{WRITERS_FOLDER}/",))
    with complete_or_absent(out, overwrite=overwrite) as folder:
        create_library(folder)
        for number, record in enumerate(selection.records):
            progress(number / len(selection.records), str(record.case_id))
            _copy(library, record, folder)
            if soft_label is not None and record.soft_label is None and record.raters:
                _add_soft_label(folder, record, soft_label)
        files = tuple(name for name in files_in(folder) if not name.startswith(f"{WRITERS_FOLDER}/"))
        write_mark(folder, "bids", place=MARK)
    return Exported(tuple(str(record.case_id) for record in selection.records), files, selection.skipped)


def _copy(library: Path, record: CaseRecord, folder: Path) -> None:
    """The case as it may leave the library: without notes and former masks."""
    shared = record.shared()
    for name in shared.files:
        target = inside(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(inside(library, name), target)
    write_text(inside(folder, record.case_id.record), record_text(shared), scratch=folder / WRITERS_FOLDER)
    add_participant(folder, record.patient)


def _add_soft_label(folder: Path, record: CaseRecord, settings: SoftLabelSettings) -> None:
    add_case(
        folder,
        patient=record.patient,
        session=record.session,
        soft_label=soft_mask_of(folder, record, settings, read_flair(folder, record)),
        soft_label_name=soft_label_name(settings),
    )
