"""Results of preprocessing steps, kept so that a second run with another model repeats nothing.

An entry is named by the SHA-256 of all that its step's result depends on: the voxels and geometry of the input images,
the step's name and version, its settings. Nothing in it can be executed: uncompressed MetaImage and ITK transform text
and JSON, with a checksum of each file. The folder is private, for it holds images of patients.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import platformdirs
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid

FOLDER_VARIABLE = "MSSOFTSEG_CACHE"
DEFAULT_LIMIT_BYTES = 4 * 1024**3
FACTS_FILE = "entry.json"
# An entry that is being written, or moved away to be deleted, begins with this; others are named by hexadecimal digits.
TEMPORARY_PREFIX = "tmp-"
# A temporary folder this old belongs to a process that died.
STALE_AFTER_S = 24 * 3600


@dataclass(frozen=True)
class StepResult:
    """What one step leaves: images, linear transforms and facts (JSON values), each by name."""

    images: Mapping[str, sitk.Image] = field(default_factory=dict)
    transforms: Mapping[str, sitk.Transform] = field(default_factory=dict)
    facts: Mapping[str, float | str] = field(default_factory=dict)


def step_key(name: str, version: int, settings: Mapping[str, object], images: Sequence[sitk.Image | str]) -> str:
    """The name of a step's result: 64 hexadecimal digits.

    images are taken in order; a string stands for an input that is absent.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps([name, version, sitk.Version().VersionString(), dict(settings)], sort_keys=True).encode())
    for image in images:
        digest.update(image.encode() if isinstance(image, str) else _fingerprint(image))
    return digest.hexdigest()


def _fingerprint(image: sitk.Image) -> bytes:
    """SHA-256 of an image's voxels, pixel type and geometry."""
    grid = Grid.of(image)
    digest = hashlib.sha256(repr((image.GetPixelIDTypeAsString(), grid)).encode())
    digest.update(np.ascontiguousarray(sitk.GetArrayViewFromImage(image)).data)
    return digest.digest()


def find_cache_folder() -> Path:
    """The user's cache folder, or what the environment variable MSSOFTSEG_CACHE names."""
    named = os.environ.get(FOLDER_VARIABLE)
    base = Path(named) if named else platformdirs.user_cache_path("mssoftseg")
    return base / "preprocessing"


class StepCache:
    """Step results in a folder; several processes may use it at once.

    An entry appears by one rename and is therefore complete or absent; one whose checksums do not hold is thrown away
    and computed again. Beyond the limit the entries that were used least recently go. A full or read-only disk costs
    the saved time and nothing else.
    """

    def __init__(self, folder: Path | None = None, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.folder = folder if folder is not None else find_cache_folder()
        self.limit_bytes = limit_bytes

    def load(self, key: str) -> StepResult | None:
        """The result of that name, or None where there is none that can be trusted."""
        entry = self.folder / key
        try:
            result = _read_entry(entry)
            os.utime(entry)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            self._discard(entry)
            return None
        return result

    def store(self, key: str, result: StepResult) -> None:
        """Keep a result under its name, then make room."""
        temporary = self.folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            temporary.mkdir(mode=0o700)
            _write_entry(temporary, result)
            temporary.rename(self.folder / key)
        except (OSError, RuntimeError):
            # Another process was faster, or the disk is full or read-only: the result itself is not lost.
            return
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._evict()

    def _discard(self, entry: Path) -> None:
        """Remove an entry; a reader never meets one half gone."""
        grave = self.folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        try:
            entry.rename(grave)
        except OSError:
            return
        shutil.rmtree(grave, ignore_errors=True)

    def _evict(self) -> None:
        """Remove the least recently used entries until the limit holds, and what dead processes left."""
        entries = []
        for path in self.folder.iterdir():
            try:
                used_s, size = path.stat().st_mtime, sum(file.stat().st_size for file in path.iterdir())
            except OSError:
                continue  # another process removed it meanwhile
            entries.append((used_s, size, path))
        newest_s = max((used_s for used_s, _, _ in entries), default=0.0)
        total = sum(size for _, size, _ in entries)
        for used_s, size, path in sorted(entries):
            temporary = path.name.startswith(TEMPORARY_PREFIX)
            if temporary and newest_s - used_s < STALE_AFTER_S:
                continue
            if temporary or total > self.limit_bytes:
                self._discard(path)
                total -= size


def remember(
    cache: StepCache | None,
    name: str,
    version: int,
    settings: Mapping[str, object],
    inputs: Sequence[sitk.Image | str],
    compute: Callable[[], StepResult],
) -> StepResult:
    """A step's result from the cache, or computed and kept there; name to inputs: what it depends on (``step_key``)."""
    if cache is None:
        return compute()
    key = step_key(name, version, settings, inputs)
    result = cache.load(key)
    if result is None:
        result = compute()
        cache.store(key, result)
    return result


def _write_entry(folder: Path, result: StepResult) -> None:
    """All files of an entry; the one with the checksums comes last."""
    for name, image in result.images.items():
        sitk.WriteImage(image, str(folder / f"{name}.mha"), useCompression=False)
    for name, transform in result.transforms.items():
        sitk.WriteTransform(transform, str(folder / f"{name}.tfm"))
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    entry = {"files": files, "facts": dict(result.facts)}
    body = json.dumps(entry, sort_keys=True)
    sealed = {"entry": entry, "sha256": hashlib.sha256(body.encode()).hexdigest()}
    (folder / FACTS_FILE).write_text(json.dumps(sealed, sort_keys=True), encoding="utf-8")


def _read_entry(folder: Path) -> StepResult:
    """An entry whose checksums all hold; otherwise ValueError."""
    if not folder.is_dir():
        raise FileNotFoundError(folder.name)
    if not (folder / FACTS_FILE).is_file():
        raise ValueError("an entry without its checksums")
    sealed = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
    entry = sealed["entry"]
    if hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest() != sealed["sha256"]:
        raise ValueError("the facts were altered")
    images, transforms = {}, {}
    for name, checksum in entry["files"].items():
        path = folder / Path(name).name
        if not path.is_file() or _sha256(path) != checksum:
            raise ValueError(f"{path.name} was altered or is missing")
        if path.suffix == ".mha":
            images[path.stem] = sitk.ReadImage(str(path))
        else:
            transforms[path.stem] = sitk.ReadTransform(str(path))
    return StepResult(images=images, transforms=transforms, facts=entry["facts"])


def _sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
