"""Fetching HD-BET's weights, only when called, and unpacking them without loading anything.

Whether to fetch is asked of the user elsewhere. What was unpacked is written down as the checkpoint that may be
loaded; whether it still is, `hd_bet_weights` asks each time it is used.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import stat
import tempfile
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import IO

from MSSoftSegLib.errors import DiskFull, JobCancelled, JobFailed, OutputExists, RequestError
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import find_default_weights
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_process import is_never_cancelled
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_weights import (
    CHECKPOINT_FILE,
    WEIGHTS_FILES,
    WeightsRefused,
    compute_sha256,
    record_weights,
)

# The release 2.0.0 under the name that its authors gave the archive.
WEIGHTS_URL = "https://zenodo.org/records/14445620/files/release_v1.5.0.zip?download=1"

# Far above the real size, and a limit for a server or an archive that never ends.
MAX_BYTES = 2 * 1024**3

_CHUNK_BYTES = 1024**2
_TIMEOUT_S = 60
_LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
_FETCH_REMEDY = "try again, or fetch the archive in a browser and name the file"


@dataclass(frozen=True)
class InstalledWeights:
    """The checksums of what was unpacked. Zenodo lists the MD5 of an archive, for comparison by eye."""

    folder: Path
    archive_sha256: str
    archive_md5: str
    checkpoint_sha256: str


def download_hd_bet_weights(
    *,
    folder: Path | None = None,
    url: str = WEIGHTS_URL,
    expected_sha256: str | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
    cancelled: Callable[[], bool] = is_never_cancelled,
) -> InstalledWeights:
    """Fetch the archive of the weights and unpack it; call this only after the user has agreed.

    url: https (http only from this very computer). expected_sha256: of the archive; another one is refused.
    The folder is complete or absent afterwards. progress gets the fraction fetched, if its size is told.
    """
    folder = folder or find_default_weights()
    _require_absent(folder)
    _make_parent(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as temporary:
        archive = Path(temporary, "weights.zip")
        _fetch(url, archive, progress=progress, cancelled=cancelled)
        return install_weights_archive(archive, folder=folder, expected_sha256=expected_sha256)


def install_weights_archive(
    archive: Path, *, folder: Path | None = None, expected_sha256: str | None = None
) -> InstalledWeights:
    """Unpack an archive of the weights that is already on this computer; its checkpoint is not loaded."""
    folder = folder or find_default_weights()
    _require_absent(folder)
    archive_sha256 = compute_sha256(archive)
    if expected_sha256 is not None and archive_sha256 != expected_sha256.lower():
        raise WeightsRefused(
            f"the archive {archive.name} has the SHA-256 {archive_sha256}, not {expected_sha256.lower()}",
            remedy="fetch it again; if the difference stays, do not use it",
        )
    _make_parent(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as temporary:
        unpacked = Path(temporary, "weights")
        _unpack(archive, unpacked)
        checkpoint_sha256 = compute_sha256(unpacked / CHECKPOINT_FILE)
        if folder.is_dir():
            folder.rmdir()  # empty, as checked: renaming onto an empty folder fails on Windows
        os.replace(unpacked, folder)
    record_weights(folder, checkpoint_sha256)
    with archive.open("rb") as stream:
        archive_md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return InstalledWeights(folder, archive_sha256, archive_md5, checkpoint_sha256)


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a redirection only to an address that would have been accepted in the first place."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        _require_secure(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _require_secure(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS):
        return
    raise RequestError(f"weights are not fetched over {parts.scheme or 'no protocol'}", remedy="give an https address")


def _fetch(url: str, target: Path, *, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> None:
    """The content of an address in a file; proxies are those of the environment."""
    _require_secure(url)
    opener = urllib.request.build_opener(_SecureRedirects)
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer, target.open("wb") as stream:
            size = int(answer.headers.get("Content-Length") or 0)
            fetched = 0
            while chunk := answer.read(_CHUNK_BYTES):
                if cancelled():
                    raise JobCancelled
                fetched += len(chunk)
                if fetched > MAX_BYTES:
                    raise JobFailed("the server sends more than the weights can be", remedy=_FETCH_REMEDY)
                _write(stream, chunk)
                if size:
                    progress(min(fetched / size, 1.0))
    except (OSError, http.client.HTTPException) as error:  # URLError, HTTPError and time-outs are OSErrors
        reason = getattr(error, "reason", None) or type(error).__name__
        raise JobFailed(f"the weights of HD-BET could not be fetched: {reason}", remedy=_FETCH_REMEDY) from error
    if size and fetched != size:
        raise JobFailed("the connection ended before the weights were complete", remedy=_FETCH_REMEDY)


def _unpack(archive: Path, folder: Path) -> None:
    """The three expected files of the archive in a new folder; an archive that reaches outside is refused."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                _require_harmless(member)
            members = {member.filename: member for member in opened.infolist()}
            missing = [name for name in WEIGHTS_FILES if name not in members]
            if missing:
                raise WeightsRefused(f"the archive lacks {', '.join(missing)}", remedy="fetch HD-BET 2's own archive")
            if sum(members[name].file_size for name in WEIGHTS_FILES) > MAX_BYTES:
                raise WeightsRefused("the archive unpacks to more than weights can be", remedy="do not use it")
            for name in WEIGHTS_FILES:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with opened.open(members[name]) as source, (folder / name).open("xb") as target:
                    _copy(source, target)
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # RuntimeError: encrypted, unknown method
        raise WeightsRefused(f"the archive cannot be read ({error})", remedy="fetch it again") from error


def _require_harmless(member: zipfile.ZipInfo) -> None:
    """Refuse absolute names, drive letters, '..' and links; what is merely not needed is left packed."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    outside = path.is_absolute() or ".." in path.parts or ":" in member.filename
    kind = stat.S_IFMT(member.external_attr >> 16)
    if outside or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise WeightsRefused(
            f"the archive holds a member that reaches outside of its folder: {path.name}",
            remedy="do not use this archive; fetch HD-BET's own",
        )


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while chunk := source.read(_CHUNK_BYTES):
        _write(target, chunk)


def _write(stream: IO[bytes], chunk: bytes) -> None:
    try:
        stream.write(chunk)
    except OSError as error:
        raise DiskFull("the weights of HD-BET could not be written", remedy="free some disk space") from error


def _make_parent(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskFull("the folder for the weights of HD-BET cannot be made", remedy="check its permissions") from error


def _require_absent(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputExists(
            f"the folder {folder.name} for HD-BET's weights holds something already",
            remedy="remove it first if its content is to be replaced",
        )
