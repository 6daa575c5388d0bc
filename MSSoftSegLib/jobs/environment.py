"""What this machine offers: for ``mssoftseg doctor`` and the Slicer module's environment page.

Facts only: nothing is installed or downloaded here.
"""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import psutil

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.network.bundle import verify
from MSSoftSegLib.network.catalog import find_bundle, find_default_model, find_installed, find_user_models_folder
from MSSoftSegLib.network.promotion import read_history
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet import find_hd_bet_lack
from MSSoftSegLib.preprocessing.cache import find_cache_folder
from MSSoftSegLib.version import VERSION

PACKAGES = (
    "torch",
    "lightning",
    "monai",
    "numpy",
    "scipy",
    "SimpleITK",
    "itk-elastix",
    "nibabel",
    "safetensors",
    "pydantic",
    "typer",
    "rich",
    "matplotlib",
    "jinja2",
)
GIB = 2**30
# A result with its working images takes about this much for a usual exam, and preprocessing as much in the cache.
NEEDED_DISK_GIB = 1.0
NEEDED_MEMORY_GIB = 3.0


@dataclass(frozen=True)
class EnvironmentFinding:
    """One line of the examination. remedy: the one command or step that mends it; None where nothing needs mending."""

    topic: str
    state: str
    remedy: str | None = None


def examine() -> list[EnvironmentFinding]:
    """Look at software, devices, memory, disk, models and HD-BET."""
    return [
        EnvironmentFinding("mssoftseg", VERSION),
        EnvironmentFinding("python", platform.python_version()),
        *_packages(),
        *_devices(),
        _memory(),
        _disk(),
        *_models(),
        _hd_bet(),
    ]


def make_document(findings: list[EnvironmentFinding]) -> dict[str, Any]:
    """The findings as JSON: a list in order, and whether segmenting can work."""
    return {"findings": [vars(finding) for finding in findings], "ready": is_ready(findings)}


def is_ready(findings: list[EnvironmentFinding]) -> bool:
    """Whether ``segment`` can run; HD-BET is optional, the atlas takes its place."""
    return all(finding.remedy is None for finding in findings if finding.topic != "HD-BET")


def _packages() -> list[EnvironmentFinding]:
    findings = []
    for name in PACKAGES:
        try:
            findings.append(EnvironmentFinding(name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            findings.append(EnvironmentFinding(name, "not installed", remedy=f"pip install {name}"))
    return findings


def _devices() -> list[EnvironmentFinding]:
    try:
        import torch
    except ImportError:
        return []
    from MSSoftSegLib.inference.device import choose_device

    findings = [
        EnvironmentFinding(
            "device cpu", f"{platform.machine()}, computes in {_precision(choose_device('cpu').precision)}"
        )
    ]
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(number)
        name = torch.cuda.get_device_name(number)
        findings.append(
            EnvironmentFinding(f"device cuda:{number}", f"{name}, {free / GIB:.1f} of {total / GIB:.1f} GiB free")
        )
    if torch.backends.mps.is_available():
        findings.append(EnvironmentFinding("device mps", "available"))
    return findings


def _precision(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


def _memory() -> EnvironmentFinding:
    available = psutil.virtual_memory().available / GIB
    remedy = None if available >= NEEDED_MEMORY_GIB else f"close other programs: {NEEDED_MEMORY_GIB:.0f} GiB are needed"
    return EnvironmentFinding("memory", f"{available:.1f} GiB available", remedy)


def _disk() -> EnvironmentFinding:
    folder = find_cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    remedy = None if free >= NEEDED_DISK_GIB else f"free some disk space: {NEEDED_DISK_GIB:.0f} GiB are needed"
    return EnvironmentFinding("disk", f"{free:.1f} GiB free for the preprocessing cache", remedy)


def _models() -> list[EnvironmentFinding]:
    findings = []
    for name in find_installed():
        try:
            bundle = find_bundle(name)
            verify(bundle)
            findings.append(
                EnvironmentFinding(f"model {name}", f"{bundle.description.version}, {bundle.description.licence}")
            )
        except MSSoftSegError as problem:
            imported = (find_user_models_folder() / name).is_dir()
            remedy = f"mssoftseg models remove {name}" if imported else "reinstall MSSoftSeg"
            findings.append(EnvironmentFinding(f"model {name}", problem.message, remedy))
    if not findings:
        return [EnvironmentFinding("models", "none installed", "mssoftseg models import FOLDER")]
    return [*findings, _default_model()]


def _default_model() -> EnvironmentFinding:
    """Which model is used where none is named; a chosen one that is gone is told, and does not hinder."""
    name = find_default_model()
    chosen = [entry.model for entry in read_history(find_user_models_folder()) if entry.decision == "default"]
    gone = chosen and chosen[-1] != name
    return EnvironmentFinding(
        "default model", f"{name}; {chosen[-1]}, which was chosen, was removed or replaced" if gone else name
    )


def _hd_bet() -> EnvironmentFinding:
    lack = find_hd_bet_lack()
    if lack is None:
        return EnvironmentFinding("HD-BET", "ready")
    return EnvironmentFinding("HD-BET", f"{lack.message}; the atlas is used instead", lack.remedy)
