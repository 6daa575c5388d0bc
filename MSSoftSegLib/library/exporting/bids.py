"""Cases as a BIDS data set: images as raw data, labels as derivatives, under the names that BIDS' own schema allows.

Not a copy of the library: its records are no part of BIDS. ``mssoftseg library import --format bids`` reads the export again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import SimpleITK as sitk

from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.creation import BIDS_VERSION
from MSSoftSegLib.library.exporting.case_labels import (
    EVERY_RATER,
    LabelChoice,
    make_case_soft_mask,
    name_soft_label,
    read_flair,
    read_masks,
)
from MSSoftSegLib.library.exporting.exported import (
    MARK,
    Exported,
    Progress,
    check_unchanged,
    list_exported_files,
    say_nothing,
    write_mark,
)
from MSSoftSegLib.library.exporting.selection import select_cases
from MSSoftSegLib.library.importing.own_export import find_own_export_field
from MSSoftSegLib.library.layout import DERIVATIVES, DESCRIPTION, PARTICIPANTS, README, CaseId, resolve_inside
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.version import VERSION

README_TEXT = """Exams of people with multiple sclerosis, written by MSSoftSeg. derivatives/mssoftseg holds lesion masks of raters
(dseg; 1 = lesion, 2 = possible lesion) and soft masks (probseg; 0 to 1), all on the grid of the FLAIR image of the same visit.
"""
# Label values by name, for all masks of the data set.
LABELS_FILE, LABELS = "seg-lesion_dseg.tsv", "index\tname\n1\tMS lesion\n2\tPossible MS lesion\n"


def export_bids(
    library: Path,
    out: Path,
    *,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    labels: LabelChoice = EVERY_RATER,
    overwrite: bool = False,
    progress: Progress = say_nothing,
) -> Exported:
    """Write a new BIDS data set; cases without a label come without derivatives."""
    selection = select_cases(library, statuses, cases)
    check_unchanged(out)
    with write_completely(out, overwrite=overwrite) as folder:
        _write_frame(folder, selection.records)
        for number, record in enumerate(selection.records):
            progress(number / len(selection.records), str(record.case_id))
            _copy_images(library, record, folder)
            if record.is_labeled:
                _write_labels(library, record, labels, folder)
        files = list_exported_files(folder)
        write_mark(folder, "bids")
    return Exported(tuple(str(record.case_id) for record in selection.records), files, selection.skipped)


def _write_frame(folder: Path, records: Sequence[CaseRecord]) -> None:
    """What belongs to the data set as a whole."""
    common = {"BIDSVersion": BIDS_VERSION, "GeneratedBy": [{"Name": "MSSoftSeg", "Version": VERSION}]}
    raw = {"Name": "MS lesion cases", "DatasetType": "raw", **common}
    derived = {"Name": "MS lesion labels", "DatasetType": "derivative", **common, "DatasetLinks": {"raw": "../.."}}
    _write_json(folder / DESCRIPTION, raw)
    _write_json(resolve_inside(folder, DERIVATIVES / DESCRIPTION), {**derived, **find_own_export_field(records)})
    resolve_inside(folder, DERIVATIVES / LABELS_FILE).write_text(LABELS, encoding="utf-8")
    patients = sorted({record.patient for record in records})
    lines = ["participant_id", *(f"sub-{patient}" for patient in patients)]
    (folder / PARTICIPANTS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / README).write_text(README_TEXT, encoding="utf-8")
    (folder / ".bidsignore").write_text(f"{MARK}\n", encoding="utf-8")


def _copy_images(library: Path, record: CaseRecord, folder: Path) -> None:
    for modality in record.images:
        target = resolve_inside(folder, record.case_id.image(modality))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(resolve_inside(library, record.case_id.image(modality)), target)


def _write_labels(library: Path, record: CaseRecord, labels: LabelChoice, folder: Path) -> None:
    flair = read_flair(library, record)
    for who, mask in read_masks(library, record, labels, flair).items():
        facts: dict[str, object] = {"Manual": True}
        if who in record.raters:
            facts["Rater"] = who
        _write_label(mask, f"seg-lesion_desc-{_plain(who)}_dseg", record, folder, facts)
    soft = make_case_soft_mask(library, record, labels.soft_label, flair)
    if soft is None:
        return
    stored = record.soft_label
    name = stored.name if stored is not None else name_soft_label(labels.soft_label) if labels.soft_label else "soft"
    made = (
        {}
        if stored is not None or labels.soft_label is None
        else {"Settings": labels.soft_label.model_dump(mode="json")}
    )
    _write_label(soft, f"label-lesion_desc-{name}_probseg", record, folder, {"Manual": False, **made})
    if stored is not None and stored.confidence:
        place = record.case_id.confidence(name)
        shutil.copyfile(resolve_inside(library, place), resolve_inside(folder, place))
        _write_sidecar(resolve_inside(folder, place), record, {"Manual": False})


def _write_label(image: sitk.Image, name: str, record: CaseRecord, folder: Path, facts: Mapping[str, object]) -> None:
    path = resolve_inside(folder, record.case_id.label_folder / f"{record.case_id}_space-FLAIR_{name}.nii.gz")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(image, path)
    _write_sidecar(path, record, facts)


def _write_sidecar(path: Path, record: CaseRecord, facts: Mapping[str, object]) -> None:
    """Beside a label: on which image it lies."""
    flair = record.case_id.image(Modality.FLAIR)
    document = {"SpatialReference": f"bids:raw:{PurePosixPath(flair)}", "Status": record.status, **facts}
    _write_json(path.with_name(path.name.removesuffix(".nii.gz") + ".json"), document)


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _plain(name: str) -> str:
    """A merge's name without its dash."""
    return name.replace("-", "")
