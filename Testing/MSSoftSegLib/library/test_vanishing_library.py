"""A library that is deleted, or whose disk is unmounted, while it is written to: an error says so, or all is in it."""

from __future__ import annotations

import shutil
import sys

import pytest

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.opening import open_case
from MSSoftSegLib.library.reading import read_case
from MSSoftSegLib.library.saving import Drawing, save_drawing
from MSSoftSegLib.library.status import set_status
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import gray, labels, new_library, written

# What the interpreter is asked to do on a disk; the library vanishes at the moment before one of them.
STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.scandir", "os.listdir", "os.rmdir", "shutil.rmtree"}


class Vanishing:
    """Deletes the library before its ``last``-th step on the disk; as a hook it cannot be removed, it is switched off."""

    def __init__(self):
        self.library, self.last, self.count, self.how = None, 0, 0, "deleted"
        sys.addaudithook(self.hear)

    def begin(self, library, last, how):
        self.library, self.last, self.count, self.how = library, last, 0, how

    def end(self):
        """Whether there were fewer steps than that."""
        undisturbed, self.library = self.library is not None, None
        return undisturbed

    def hear(self, event, arguments):
        if self.library is None or event not in STEPS or str(self.library) not in str(arguments[0]):
            return
        self.count += 1
        if self.count == self.last:
            library, self.library = self.library, None
            shutil.move(library, library.with_name("elsewhere"))
            if self.how == "unmounted":
                library.mkdir()


@pytest.fixture(scope="module")
def vanishing():
    return Vanishing()


CASE = CaseId("01", None)


def is_whole(library, status):
    """Whether the case opens, every file of it with its checksum, and has the status."""
    try:
        open_case(library, CASE)
        return read_case(library, CASE).status == status
    except (MSSoftSegError, OSError):
        return False


class Desk:
    """Files to bring, and what is done with them: each way takes a library and writes to it."""

    def __init__(self, folder):
        self.images = {Modality.FLAIR: written(gray(), folder / "f.nrrd")}
        self.first, self.second = (written(labels(seed), folder / f"m{seed}.nrrd") for seed in (0, 1))

    def add(self, library):
        add_case(library, patient="01", images=self.images, raters={"A": self.first}, status="approved")

    def save_first(self, library):
        self._save(library, self.first, images=self.images)

    def save_again(self, library):
        based_on = self.checksum if library.name == "library" else None
        self._save(library, self.second, based_on=based_on)

    def set_status(self, library):
        set_status(library, CASE, "excluded", by="A")

    def _save(self, library, mask, *, images=None, based_on=None):
        change = CaseChange(CASE, images=images or {}, raters={"A": mask}, status="approved")
        save_drawing(library, Drawing(change, mask_sha256=compute_sha256(mask), based_on=based_on))

    def prepare(self, library, way):
        """What is in the library before."""
        if way in ("save_again", "set_status"):
            self.add(library)
            self.checksum = read_case(library, CASE).checksums[str(CASE.rater_mask("A"))]


@pytest.mark.parametrize("how", ["deleted", "unmounted"])
@pytest.mark.parametrize("way", ["add", "save_first", "save_again", "set_status"])
def test_what_is_said_to_be_written_is_there(tmp_path, vanishing, how, way):
    """The library vanishes before each step on the disk in turn, until none is left."""
    desk, refused = Desk(tmp_path), 0
    for step in range(1, 1000):
        (tmp_path / str(step)).mkdir()
        library = new_library(tmp_path / str(step))
        desk.prepare(library, way)
        before = read_case(library, CASE) if way in ("save_again", "set_status") else None
        vanishing.begin(library, step, how)
        try:
            getattr(desk, way)(library)
        except MSSoftSegError as problem:
            words = str(problem)
        else:
            words = ""
        undisturbed = vanishing.end()
        if undisturbed:
            break
        refused += 1
        assert library.name in words, f"step {step}"
        assert "traceback" not in words.lower()
        # Nothing of a new library was begun in its place.
        assert not any(path.is_file() for path in library.rglob("sub-*")), "a case in a folder that is no library"
        # What was there is there when the disk comes back.
        elsewhere = library.with_name("elsewhere")
        if before is not None:
            assert read_case(elsewhere, CASE).checksums.items() >= before.checksums.items() or way == "save_again"
            open_case(elsewhere, CASE)
    assert undisturbed
    assert is_whole(library, "excluded" if way == "set_status" else "approved")
    assert refused > (5 if way == "set_status" else 20)
