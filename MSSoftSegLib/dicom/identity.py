"""Whose visit it is, for the screen of the person who opened the folder: two visits cannot be told apart by numbers of series.

Nothing else may ask: what is read here goes into no file, event, log or name. It runs in Slicer's own Python, so pydicom's
settings, which are everybody's there, stay as they are.
"""

from __future__ import annotations

import warnings
from itertools import islice
from pathlib import Path

from MSSoftSegLib.dicom.headers import list_files_below
from MSSoftSegLib.dicom.visits import find_medium_folder

KEYS = ("PatientName", "PatientID", "StudyDate")


def read_identity(folder: Path, file: int) -> tuple[str, str, str]:
    """Name, number and date of the study, as far as a file's header says. file: its place among all files below the folder.

    Nothing where pydicom is missing or the file is gone.
    """
    path = next(islice(list_files_below(find_medium_folder(folder)), file, None), None)
    if path is None:
        return ("", "", "")
    try:
        import pydicom

        with warnings.catch_warnings():
            # They would print the values that they doubt.
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(KEYS), force=True)
            name, number, date = (str(header.get(key) or "").strip() for key in KEYS)
    except Exception:  # whatever a missing package or a damaged header raises: then nobody is named
        return ("", "", "")
    return name.replace("^", " ").strip(), number, _day(date)


def _day(date: str) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else date
