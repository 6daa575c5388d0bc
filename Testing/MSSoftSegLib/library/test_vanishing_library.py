"""A library that is deleted, or whose disk is unmounted, while something is added: an error says so, or the case is whole."""

from __future__ import annotations

import shutil
import sys

import pytest

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.opening import open_case
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


def is_whole(library):
    try:
        open_case(library, CaseId("01", None))
    except (MSSoftSegError, OSError):
        return False
    return True


@pytest.mark.parametrize("how", ["deleted", "unmounted"])
def test_what_is_said_to_be_added_is_there(tmp_path, vanishing, how):
    """The library vanishes before each step on the disk in turn, until none is left."""
    images, masks = (
        {Modality.FLAIR: written(gray(), tmp_path / "f.nrrd")},
        {"A": written(labels(), tmp_path / "m.nrrd")},
    )
    refused = 0
    for step in range(1, 1000):
        (tmp_path / str(step)).mkdir()
        library = new_library(tmp_path / str(step))
        vanishing.begin(library, step, how)
        try:
            add_case(library, patient="01", images=images, raters=masks, status="approved")
        except MSSoftSegError as problem:
            words = str(problem)
        else:
            words = ""
        undisturbed = vanishing.end()
        if undisturbed:
            break
        refused += 1
        assert library.name in words, f"step {step}"
        # Nothing of a new library was begun in its place.
        assert not any(path.is_file() for path in library.rglob("sub-*")), "a case in a folder that is no library"
    assert undisturbed
    assert is_whole(library)
    assert refused > 20
