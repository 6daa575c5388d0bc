"""The folder of a long job: which files it has, and where such folders lie. No torch, nothing but the standard library at import.

``job.json`` what was asked · ``process.json`` who works on it · ``events.jsonl`` what it says · ``heartbeat`` touched every
few seconds · ``cancel`` there once somebody wants it to stop · ``log.txt`` what libraries print · ``reserve`` some bytes
that are given back to a full disk, so that the last event can still be written · ``lock`` held by the process that works.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JOB, PROCESS, EVENTS, HEARTBEAT, CANCEL, LOG, RESERVE, LOCK = (
    "job.json",
    "process.json",
    "events.jsonl",
    "heartbeat",
    "cancel",
    "log.txt",
    "reserve",
    "lock",
)
LAST_EVENTS = ("result", "failed", "cancelled")
SCHEMA_VERSION = 1


def find_jobs_folder() -> Path:
    """Where the folders of long jobs lie: a folder of the user's; MSSOFTSEG_JOBS names another."""
    override = os.environ.get("MSSOFTSEG_JOBS")
    if override:
        return Path(override)
    from platformdirs import user_data_path

    return user_data_path("mssoftseg") / "jobs"


def create_job_folder(kind: str, spec: Mapping[str, Any]) -> Path:
    """A new folder with its ``job.json``; spec: JSON values, every path absolute."""
    root = find_jobs_folder()
    root.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    while True:
        name = f"{kind}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        try:
            # Only its owner reads it: paths can name patients.
            (root / name).mkdir(mode=0o700)
            break
        except FileExistsError:
            continue
    document = {
        "schema_version": SCHEMA_VERSION,
        "job": name,
        "kind": kind,
        "created": now.isoformat(timespec="seconds"),
        "spec": dict(spec),
    }
    write_document(root / name / JOB, document)
    return root / name


def read_document(path: Path) -> dict[str, Any] | None:
    """A JSON object in a file; None where there is none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write beside the name and rename: a reader sees the old document or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
