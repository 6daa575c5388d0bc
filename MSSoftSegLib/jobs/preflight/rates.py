"""How fast this machine trains: measured by every training that ends here, kept in the user's cache, asked before the next."""

from __future__ import annotations

import hashlib
import itertools
import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from MSSoftSegLib.jobs.detached.folder import read_document, write_document
from MSSoftSegLib.preprocessing.cache import find_cache_folder
from MSSoftSegLib.training.recipe import Recipe

FILE = "training_rates.json"
PROBES_FILE = "training_probes.json"
# The last trainings of a kind say how fast the next one is; those of other years do not.
KEPT = 5
STEPS_NEEDED = 5


@dataclass(frozen=True)
class Rates:
    """Seconds. step_s: one optimizer step, data included. validation_case_s, operating_case_s: one whole brain each, with all
    that is done with it. preparing_case_s: one case; None = not known. start_s: from the start to the first case, and from there
    to the first step. other_s: what else a training of this kind did (digital patients to rehearse)."""

    step_s: float
    validation_case_s: float
    operating_case_s: float
    preparing_case_s: float | None
    start_s: float
    other_s: float = 0.0


def find_rates_file() -> Path:
    """Where rates are kept."""
    return find_cache_folder().parent / FILE


def signature(recipe: Recipe, *, device: str, raw: bool) -> str:
    """What the speed of a training depends on; raw: whether cases are preprocessed within it."""
    document = {
        "machine": [platform.node(), platform.machine()],
        "device": device,
        "raw": raw,
        "network": recipe.network.model_dump(mode="json"),
        "inputs": len(recipe.data.inputs),
        "spacing_mm": recipe.data.spacing_mm,
        "sampling": recipe.sampling.model_dump(mode="json"),
        "window": recipe.window,
        "augmentation": recipe.augmentation.model_dump(mode="json"),
        "losses": [term.name for term in recipe.loss],
        "adaptation": recipe.adaptation is not None,
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:24]


def remember(key: str, rates: Rates) -> None:
    """Keep what a training has measured; a full or read-only disk costs that and nothing else."""
    with suppress(OSError):
        known = read_document(find_rates_file()) or {}
        earlier = known.get(key, [])
        known[key] = [*(earlier if isinstance(earlier, list) else []), asdict(rates)][-KEPT:]
        find_rates_file().parent.mkdir(parents=True, exist_ok=True)
        write_document(find_rates_file(), known)


def recall(key: str) -> tuple[Rates, int] | None:
    """The median of earlier trainings, and how many there were."""
    entries = (read_document(find_rates_file()) or {}).get(key)
    if not isinstance(entries, list):
        return None
    known = [entry for entry in entries if isinstance(entry, dict) and _is_whole(entry)]
    if not known:
        return None
    preparing = [entry["preparing_case_s"] for entry in known if entry["preparing_case_s"] is not None]
    medians = {name: statistics.median(entry[name] for entry in known) for name in _NUMBERS}
    return Rates(preparing_case_s=statistics.median(preparing) if preparing else None, **medians), len(known)


_NUMBERS = ("step_s", "validation_case_s", "operating_case_s", "start_s", "other_s")


def _is_whole(entry: Mapping[str, Any]) -> bool:
    return all(isinstance(entry.get(name), int | float) for name in _NUMBERS) and "preparing_case_s" in entry


def step_times(rows: Sequence[Mapping[str, str]]) -> tuple[float, float] | None:
    """Seconds of a step, and those between two epochs (validation, checkpoint), from the rows of steps.csv; None = too few.

    A row tells when its step was done, in seconds since the process began to train; resumed trainings begin anew.
    """
    within: list[float] = []
    between: list[float] = []
    for before, after in itertools.pairwise(rows):
        seconds = float(after["seconds"]) - float(before["seconds"])
        if seconds < 0 or int(after["step"]) != int(before["step"]) + 1:
            continue
        (within if before["epoch"] == after["epoch"] else between).append(seconds)
    if len(within) < STEPS_NEEDED:
        return None
    # A mean, for a training waits for its slow steps too.
    step_s = statistics.fmean(within)
    gap_s = max(0.0, statistics.fmean(between) - step_s) if between else 0.0
    return step_s, gap_s
