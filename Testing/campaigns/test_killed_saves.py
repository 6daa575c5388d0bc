"""Saving a case is killed at any of its file operations, and at any time: the library is sound, nothing approved is lost.

A few kills in ``make test``; in ``make campaigns`` every file operation of three kinds of save, and 200 moments.
"""

from __future__ import annotations

import collections
import multiprocessing
import os
import random
import signal
import sys
import time

import pytest

from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.layout import DESCRIPTION, CaseId, resolve_inside
from MSSoftSegLib.library.reading import find_case
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.library.made_cases import array, gray, labels, written
from Testing.MSSoftSegLib.library.saves import opened, save
from Testing.patience import HANGING_S

FORK = multiprocessing.get_context("fork")
CASE = CaseId("1")
MOMENTS = 200 if CAMPAIGN else 6
# Of every so many file operations one is deadly.
STEP = 1 if CAMPAIGN else 17
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")


@pytest.fixture
def files(tmp_path):
    made = {f"mask{n}": written(labels(n), tmp_path / f"mask{n}.nii.gz") for n in range(4)}
    softened = make_soft_mask([labels(1)], gray(), SoftLabelSettings(method="gaussian"))
    made["flair"], made["t1"] = (written(gray(n), tmp_path / f"image{n}.nii.gz") for n in (0, 1))
    made["soft"] = written(softened.image, tmp_path / "soft.nii.gz")
    return made


def die_at(number, library, action):
    """Run an action in a process that kills itself at a file operation in the library; whether it got that far."""

    def child():
        count = 0

        def hook(event, arguments):
            nonlocal count
            if event in OPERATIONS and arguments and str(library) in str(arguments[0]):
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        action()
        os._exit(0)

    process = FORK.Process(target=child)
    process.start()
    process.join(HANGING_S)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def kept_masks(library, case=CASE):
    """Checksums of every mask of the case by version, each verified; and whether the one that is current is approved."""
    case_record = find_case(library, case)
    if case_record is None:
        return {}, None
    masks = {(m.rater, m.version): case.earlier_mask(m.rater, m.version) for m in case_record.earlier}
    masks |= {(rater, entry.version): case.rater_mask(rater) for rater, entry in case_record.raters.items()}
    found = {key: compute_sha256(resolve_inside(library, name)) for key, name in masks.items()}
    assert found == {key: case_record.checksums[str(name)] for key, name in masks.items()}
    return found, case_record.status


def is_sound(library):
    """A library without fault, or none yet: its making was interrupted."""
    return not (library / DESCRIPTION).exists() or check_library(library) == []


def first_save(library, files):
    """Into a folder that is not there yet."""
    return save(library, files["mask0"], images={"flair": files["flair"], "t1": files["t1"]})


def second_save(library, files):
    """An approved case is corrected and approved again, with a soft label."""
    return save(library, files["mask1"], based_on=opened(library)["raters"]["anna"]["sha256"], soft_label=files["soft"])


def conflicting_save(library, files):
    """Somebody who saw nothing of the approved mask saves under the same name."""
    return save(library, files["mask2"], images={"flair": files["flair"]})


@pytest.mark.parametrize("kind", [first_save, second_save, conflicting_save])
def test_a_save_that_dies_at_any_file_operation_leaves_the_old_case_or_the_new_one(tmp_path, files, kind):
    counts = collections.Counter()
    for number in range(1, 2000, STEP):
        library = tmp_path / f"{kind.__name__}{number}"
        if kind is not first_save:
            first_save(library, files)
        before, _ = kept_masks(library) if kind is not first_save else ({}, None)
        died = die_at(number, library, lambda library=library: kind(library, files))
        assert is_sound(library)
        after, status = kept_masks(library)
        # What was approved is there with its checksum, now or as an earlier version.
        assert set(before.values()) <= set(after.values())
        assert status in ((None, "approved") if kind is first_save else ("approved", "corrected"))
        assert status == "approved" or kind is not second_save or status is None
        counts["died" if died else "ended"] += 1
        counts["new" if len(after) > len(before) else "old"] += died
        # And the next save works at once.
        summary = kind(library, files)
        assert summary["conflict"] == (kind is conflicting_save and len(after) == len(before))
        assert check_library(library) == []
        assert set(before.values()) <= set(kept_masks(library)[0].values())
        if not died:
            break
    assert counts["ended"] == 1
    assert counts["old"] > 0
    record(f"saves killed at every file operation: {kind.__name__.replace('_', ' ')}", dict(counts))


def test_saves_killed_at_any_moment_lose_nothing_that_was_approved(tmp_path, files):
    library = tmp_path / "library"
    rng = random.Random(20260607)
    told = tmp_path / "told"
    told.touch()
    counts = collections.Counter()
    acknowledged = collections.defaultdict(list)
    took_s = time.monotonic()
    first_save(library, files)
    took_s = time.monotonic() - took_s

    def saving(seed):
        for number in range(100_000):
            patient = str((seed + number) % 5)
            case = find_case(library, CaseId(patient))
            known = None if case is None else case.checksums[str(CaseId(patient).rater_mask("anna"))]
            images = {"flair": files["flair"]} if case is None else {}
            mask = files[f"mask{(seed + number) % 4}"]
            summary = save(library, mask, patient=patient, images=images, based_on=known)
            with told.open("a") as stream:
                stream.write(f"{patient} {summary['sha256']} {summary['status']}\n")

    for number in range(MOMENTS):
        process = FORK.Process(target=saving, args=(number,))
        process.start()
        time.sleep(rng.uniform(0, 3 * took_s))
        os.kill(process.pid, signal.SIGKILL)
        process.join(HANGING_S)
        # The last line may be cut off by the kill.
        for line in told.read_text().split("\n")[:-1][counts["acknowledged"] :]:
            patient, sha256, status = line.split()
            assert status == "approved"
            acknowledged[patient].append(sha256)
            counts["acknowledged"] += 1
        assert check_library(library) == []
        for patient, checksums in acknowledged.items():
            masks, status = kept_masks(library, CaseId(patient))
            assert set(checksums) <= set(masks.values())
            assert status == "approved"
        counts["killed"] += 1
    assert counts["killed"] == MOMENTS
    assert array(resolve_inside(library, CASE.rater_mask("anna"))).shape == array(files["mask0"]).shape
    record("saves killed at any moment", dict(counts))
