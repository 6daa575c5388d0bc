"""Checkpoints: whole or absent, read without unpickling arbitrary objects.

The step is the position of the sampler and the seed of every random draw (data, dropout), so it stands for all random
states: a resumed run sees what the unbroken one would have seen.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.result_folder import name_partial, remove_abandoned

CHECKPOINT = "checkpoint.pt"
FORMAT = 1


def save_checkpoint(state: dict[str, Any], folder: Path) -> None:
    """Write beside the name, flush to the disk, rename: a kill or a full disk leaves the last good checkpoint."""
    # Through memory: torch's own writer reports a full disk as a RuntimeError that tells nothing.
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    write_whole(folder / CHECKPOINT, buffer.getbuffer())


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file under a temporary name and rename it; nothing is left of a failed attempt, or of a killed one before."""
    remove_abandoned(path, own=False)
    temporary = name_partial(path)
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The last checkpoint of a run, on the processor; None where there is none yet."""
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        raise RequestError(
            f"the checkpoint {CHECKPOINT} of this run cannot be read", remedy="start over without --resume"
        ) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise RequestError(
            f"the checkpoint {CHECKPOINT} was written by another version", remedy="start over without --resume"
        )
    return state
