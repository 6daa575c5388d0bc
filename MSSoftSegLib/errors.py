"""What can go wrong, in words that a user can act on.

Every error says what is wrong, in which file (base name only: paths can name patients), and what to do.
`code` is the machine-readable name in the `failed` event, `exit_code` what the shell sees (Docs/contract.md section 2).
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import ClassVar


class MSSoftSegError(Exception):
    """Base of all errors that a user is shown; `remedy` is the next step in the imperative."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} — {self.remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        """Errors travel between the processes of a cohort; an exception would be made anew from its message alone."""
        return _again, (type(self), self.message, self.remedy)


def _again(kind: type[MSSoftSegError], message: str, remedy: str) -> MSSoftSegError:
    error = kind.__new__(kind)
    MSSoftSegError.__init__(error, message, remedy=remedy)
    return error


class RequestError(MSSoftSegError):
    """The request itself is wrong: nothing was computed."""

    code = "bad-request"
    exit_code = 2


class BadImage(RequestError):
    """A file that is not a usable three-dimensional grey-value image."""

    code = "bad-image"


class BadExam(RequestError):
    """Images that are each usable but do not make one exam."""

    code = "bad-exam"


class GridMismatch(RequestError):
    """Two images that must share a grid do not."""

    code = "grid-mismatch"


class BadBundle(RequestError):
    """A model bundle that is incomplete, altered or of an unknown schema."""

    code = "bad-bundle"


class BadRecipe(RequestError):
    """A recipe with a key or value that does not hold."""

    code = "bad-recipe"


class BadLibrary(RequestError):
    """A case library, datalist or foreign data set that is damaged, foreign or incomplete."""

    code = "bad-library"


class OutputExists(RequestError):
    """The output folder is there already and holds something."""

    code = "output-exists"


class EnvironmentLack(MSSoftSegError):
    """The machine lacks something: a package, memory, disk space, a device."""

    code = "environment"
    exit_code = 3


class PackageMissing(EnvironmentLack):
    """A Python package that a feature needs is not installed."""

    code = "package-missing"


class WeightsMissing(EnvironmentLack):
    """Network weights are not on this machine, and nothing is downloaded unasked."""

    code = "weights-missing"


class OutOfMemory(EnvironmentLack):
    """Neither the device nor the smaller pieces fit into memory."""

    code = "out-of-memory"


class DiskFull(EnvironmentLack):
    """A result could not be written."""

    code = "disk-full"


class DeviceMissing(EnvironmentLack):
    """The requested computing device is not on this machine."""

    code = "device-missing"


class JobFailed(MSSoftSegError):
    """The computation itself failed."""

    code = "job-failed"
    exit_code = 4


class JobCancelled(MSSoftSegError):
    """The user asked to stop."""

    code = "cancelled"
    exit_code = 130

    def __init__(self, remedy: str = "run the command again to start over") -> None:
        super().__init__("cancelled", remedy=remedy)


# What a disk answers that was pulled out, or a network share that has vanished.
UNREACHABLE = tuple(
    getattr(errno, name)
    for name in ("EIO", "ESTALE", "ENODEV", "ENXIO", "ENOTCONN", "EHOSTDOWN", "ESHUTDOWN")
    if hasattr(errno, name)
)


def make_user_error(problem: Exception) -> MSSoftSegError:
    """Any failure in words for the user; nothing of an unexpected exception's text, which may hold paths, is shown."""
    if isinstance(problem, MSSoftSegError):
        return problem
    if isinstance(problem, MemoryError):
        return OutOfMemory("the machine ran out of memory", remedy="close other programs and run again")
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull("the disk is full", remedy="free some space, or choose another --out, and run again")
    if isinstance(problem, OSError) and problem.errno == errno.ENAMETOOLONG:
        name = Path(str(problem.filename2 or problem.filename or "a file")).name[:40]
        return RequestError(f"the name {name}… is longer than this disk allows", remedy="choose a shorter one")
    if isinstance(problem, OSError) and problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        name = Path(str(problem.filename2 or problem.filename or "a file")).name
        return RequestError(f"{name} may not be read or written", remedy="ask for permission, or choose another --out")
    if isinstance(problem, OSError) and problem.errno in UNREACHABLE:
        name = Path(str(problem.filename2 or problem.filename or "a file")).name
        return EnvironmentLack(
            f"{name} cannot be reached any more", remedy="see whether the disk or network share is there, and run again"
        )
    return JobFailed(
        f"an unexpected {type(problem).__name__} stopped the job",
        remedy="run again with --debug and report the traceback",
    )
