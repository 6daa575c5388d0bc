"""Fetching and unpacking the weights, from a server on this computer."""

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from MSSoftSegLib.errors import JobCancelled, JobFailed, OutputExists, RequestError
from MSSoftSegLib.preprocessing.brain_extraction import hd_bet_download
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_download import (
    WEIGHTS_URL,
    download_hd_bet_weights,
    install_weights_archive,
)
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_weights import WeightsRefused
from Testing.MSSoftSegLib.preprocessing.hd_bet_fakes import CHECKPOINT, CHECKPOINT_SHA256

MEMBERS = {"plans.json": b"{}", "dataset.json": b"{}", "fold_all/checkpoint_final.pth": CHECKPOINT}


def archive_of(members: dict[str, bytes], *extra: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    """A zip archive; extra members may have any name and any kind."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        for info, data in extra:
            archive.writestr(info, data)
    return content.getvalue()


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers each path with what the test put there: (status, headers, body)."""

    pages: ClassVar[dict[str, tuple[int, dict[str, str], bytes]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, headers, body = self.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server on this computer, which forgets its pages after the test."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()
    Answers.pages.clear()
    Answers.asked.clear()


def serve(body: bytes, **headers: str) -> None:
    Answers.pages["/weights.zip"] = (200, {"Content-Length": str(len(body)), **headers}, body)


def everything_under(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_archive_is_fetched_checked_and_unpacked(server: str, tmp_path: Path) -> None:
    body = archive_of(MEMBERS)
    serve(body)
    fractions: list[float] = []
    installed = download_hd_bet_weights(
        folder=tmp_path / "hd-bet" / "weights",
        url=f"{server}/weights.zip",
        expected_sha256=hashlib.sha256(body).hexdigest().upper(),
        progress=fractions.append,
    )
    assert {name: (installed.folder / name).read_bytes() for name in MEMBERS} == MEMBERS
    assert installed.archive_sha256 == hashlib.sha256(body).hexdigest()
    assert installed.archive_md5 == hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert installed.checkpoint_sha256 == CHECKPOINT_SHA256
    assert fractions[-1] == 1.0
    assert everything_under(tmp_path) == {"hd-bet/weights.sha256", *(f"hd-bet/weights/{name}" for name in MEMBERS)}
    assert (tmp_path / "hd-bet" / "weights.sha256").read_text() == CHECKPOINT_SHA256 + "\n"


def test_an_archive_with_another_checksum_leaves_nothing(server: str, tmp_path: Path) -> None:
    body = archive_of(MEMBERS)
    serve(body)
    with pytest.raises(WeightsRefused, match=hashlib.sha256(body).hexdigest()):
        download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/weights.zip", expected_sha256="ab" * 32)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_asked_of_the_server_when_weights_are_there_already(server: str, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "plans.json").write_text("mine")
    with pytest.raises(OutputExists):
        download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/weights.zip")
    assert Answers.asked == []
    assert everything_under(tmp_path) == {"weights/plans.json"}


def test_an_empty_folder_is_filled(server: str, tmp_path: Path) -> None:
    serve(archive_of(MEMBERS))
    (tmp_path / "weights").mkdir()
    download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/weights.zip")
    assert everything_under(tmp_path / "weights") == set(MEMBERS)


def test_the_authors_address_is_a_secure_one() -> None:
    assert WEIGHTS_URL.startswith("https://zenodo.org/records/14445620/")


@pytest.mark.parametrize("url", ["http://example.org/w.zip", "file:///etc/passwd", "ftp://127.0.0.1/w.zip", "w.zip"])
def test_an_insecure_address_is_refused_without_a_connection(tmp_path: Path, url: str) -> None:
    with pytest.raises(RequestError, match="not fetched over"):
        download_hd_bet_weights(folder=tmp_path / "weights", url=url)
    assert list(tmp_path.iterdir()) == []


def test_a_redirection_to_an_insecure_address_is_refused(server: str, tmp_path: Path) -> None:
    Answers.pages["/weights.zip"] = (302, {"Location": "http://example.org/weights.zip"}, b"")
    with pytest.raises(RequestError, match="not fetched over http"):
        download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/weights.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_redirection_on_this_computer_is_followed(server: str, tmp_path: Path) -> None:
    serve(archive_of(MEMBERS))
    Answers.pages["/moved.zip"] = (302, {"Location": f"{server}/weights.zip"}, b"")
    installed = download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/moved.zip")
    assert installed.checkpoint_sha256 == CHECKPOINT_SHA256


def test_a_missing_page_is_a_failure_with_its_cause(server: str, tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="Not Found"):
        download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/absent.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_ends_early_is_a_failure(server: str, tmp_path: Path) -> None:
    body = archive_of(MEMBERS)
    serve(body, **{"Content-Length": str(len(body) + 1)})
    with pytest.raises(JobFailed):
        download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/weights.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_never_stops_is_left(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hd_bet_download, "MAX_BYTES", 100)
    serve(archive_of(MEMBERS))
    with pytest.raises(JobFailed, match="more than the weights can be"):
        download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/weights.zip")
    assert list(tmp_path.iterdir()) == []


def test_cancelling_leaves_nothing(server: str, tmp_path: Path) -> None:
    serve(archive_of(MEMBERS))
    with pytest.raises(JobCancelled):
        download_hd_bet_weights(folder=tmp_path / "weights", url=f"{server}/weights.zip", cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []


def unpack(tmp_path: Path, content: bytes) -> Path:
    """Unpack an archive that the user fetched himself."""
    archive = tmp_path / "fetched" / "release.zip"
    archive.parent.mkdir()
    archive.write_bytes(content)
    return install_weights_archive(archive, folder=tmp_path / "deep" / "weights").folder


def refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(WeightsRefused, match=reason):
        unpack(tmp_path, content)
    assert everything_under(tmp_path) == {"fetched/release.zip"}
    assert not (tmp_path / "deep" / "weights").exists()


def test_files_that_are_not_needed_stay_packed(tmp_path: Path) -> None:
    folder = unpack(tmp_path, archive_of({**MEMBERS, "fold_all/progress.png": b"picture", "readme.txt": b"hi"}))
    assert everything_under(folder) == set(MEMBERS)


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "fold_all/../../evil.txt", "/etc/evil", "..\\evil.txt", "C:\\evil.txt", "C:evil.txt"],
)
def test_a_member_that_reaches_outside_refuses_the_whole_archive(tmp_path: Path, name: str) -> None:
    refused(tmp_path, archive_of(MEMBERS, (zipfile.ZipInfo(name), b"evil")), "reaches outside")


def test_a_link_refuses_the_whole_archive(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("plans.json")
    link.external_attr = 0o120777 << 16
    members = {name: data for name, data in MEMBERS.items() if name != "plans.json"}
    refused(tmp_path, archive_of(members, (link, b"/etc/passwd")), "reaches outside")


def test_a_harmless_member_does_not_hide_an_earlier_link_of_the_same_name(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("plans.json")
    link.external_attr = 0o120777 << 16
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = archive_of({}, (link, b"/etc/passwd"), *[(zipfile.ZipInfo(n), d) for n, d in MEMBERS.items()])
    refused(tmp_path, content, "reaches outside")


@pytest.mark.parametrize("lacking", MEMBERS)
def test_an_archive_without_one_of_the_three_files_is_refused(tmp_path: Path, lacking: str) -> None:
    members = {name: data for name, data in MEMBERS.items() if name != lacking}
    refused(tmp_path, archive_of(members), f"lacks {lacking}")


def test_an_archive_that_unpacks_to_more_than_weights_can_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hd_bet_download, "MAX_BYTES", 1000)
    refused(tmp_path, archive_of({**MEMBERS, "plans.json": b"0" * 1001}), "unpacks to more")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, b"<html>log in first</html>", "cannot be read")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(archive_of({**MEMBERS, "plans.json": bytes(range(256)) * 40}))
    start = content.index(b"plans.json") + len(b"plans.json")
    content[start + 20 : start + 60] = bytes(40)
    refused(tmp_path, bytes(content), "cannot be read")
