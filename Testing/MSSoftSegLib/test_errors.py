"""Failures of disks in the user's words."""

from __future__ import annotations

import errno
import os

import pytest

from MSSoftSegLib.errors import DiskFull, EnvironmentLack, JobFailed, RequestError, make_user_error


def failure(name):
    number = getattr(errno, name)
    return make_user_error(OSError(number, os.strerror(number), "/share/Doe_Jane/lesion_mask.nii.gz"))


@pytest.mark.parametrize("name", ["ESTALE", "EIO", "ENODEV", "ENOTCONN"])
def test_a_share_that_vanished_is_named_by_the_file_that_could_not_be_reached(name):
    error = failure(name)
    assert type(error) is EnvironmentLack
    assert str(error).startswith(
        "lesion_mask.nii.gz cannot be reached any more — see whether the disk or network share"
    )
    assert "Doe" not in str(error)


@pytest.mark.parametrize(("name", "kind"), [("ENOSPC", DiskFull), ("EROFS", RequestError), ("EPIPE", JobFailed)])
def test_other_failures_keep_their_own_words(name, kind):
    assert type(failure(name)) is kind
