"""The public exams of two centers as one BIDS data set of links, for the BIDS App to run on.

    python Benchmarks/cohort/bids_tree.py ../shared/data TREE

Ten exams of tabriz (t04 with two sessions) and six raw ones of open_ms (patients 12 and 3 with two sessions), 13 participants.
Images only: no mask goes along. Patients of open_ms are named after their longitudinal numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = {"FLAIR": "FLAIR", "T1": "T1w", "T2": "T2w"}
DESCRIPTION = {"Name": "Raw exams of two centers", "BIDSVersion": "1.9.0", "DatasetType": "raw"}


def exams(data: Path) -> Iterator[tuple[str, str | None, Path]]:
    """Participant, session and folder of each exam."""
    for patient in sorted((data / "tabriz").iterdir()):
        visits = sorted(patient.glob("visit*"))
        for visit in visits:
            yield patient.name, visit.name.removeprefix("visit"), visit
        if patient.is_dir() and not visits:
            yield patient.name, None, patient
    raw = [*(data / "open_ms" / "raw").iterdir(), *(data / "open_ms" / "raw_partial").iterdir()]
    for exam in sorted(raw, key=lambda folder: folder.name):
        patient_name, study = exam.name.split("_study")
        yield f"ljubljana{patient_name.removeprefix('patient')}", study, exam


def build(data: Path, tree: Path) -> int:
    """Make the data set in an empty folder; the number of its exams."""
    tree.mkdir(parents=True)
    participants = []
    count = 0
    for participant, session, exam in exams(data):
        labels = [f"sub-{participant}", *([f"ses-{session}"] if session else [])]
        anat = tree.joinpath(*labels, "anat")
        anat.mkdir(parents=True)
        for name, suffix in SUFFIXES.items():
            image = exam / f"{name}.nii.gz"
            if image.is_file():
                (anat / f"{'_'.join(labels)}_{suffix}.nii.gz").symlink_to(image.resolve())
        participants.append(labels[0])
        count += 1
    (tree / "dataset_description.json").write_text(json.dumps(DESCRIPTION, indent=2) + "\n", encoding="utf-8")
    lines = ["participant_id", *dict.fromkeys(participants)]
    (tree / "participants.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tree / "README").write_text("Links to public images; see their own licenses.\n", encoding="utf-8")
    return count


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("tree", type=Path)
    given = parser.parse_args()
    sys.stdout.write(f"{build(given.data, given.tree)} exams in {given.tree}\n")


if __name__ == "__main__":
    main()
