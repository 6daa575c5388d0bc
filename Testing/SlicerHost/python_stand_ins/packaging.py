"""slicer.packaging: records what was asked to be installed, and installs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement


@dataclass
class Requested:
    """What the module asked for, and what the user (the test) answers."""

    ensured: list[tuple] = field(default_factory=list)
    installed: list[tuple] = field(default_factory=list)
    uninstalled: list[tuple] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    user_agrees: bool = True
    failure: BaseException | None = None


REQUESTED = Requested()


def load_requirements(path):
    # As Slicer does it: a comment behind a requirement is an error.
    lines = (line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def load_pyproject_dependencies(path):
    import tomllib

    project = tomllib.loads(Path(path).read_text(encoding="utf-8"))["project"]
    return [Requirement(each) for each in project.get("dependencies", [])]


def _all(requirements):
    if isinstance(requirements, str | Requirement):
        requirements = [requirements]
    return [str(each) for each in requirements]


def pip_check(req, _seen=None):
    return all(each in REQUESTED.present for each in _all(req))


def isPipInstallInProgress():
    return False


def pip_ensure(requirements, constraints=None, skip_packages=None, prompt_install=True, prompt_restart=True,
               requester=None, skip_in_testing=True, show_progress=True):  # fmt: skip
    REQUESTED.ensured.append((_all(requirements), requester))
    if not REQUESTED.user_agrees:
        raise RuntimeError("the user did not agree to the installation")
    if REQUESTED.failure is not None:
        raise REQUESTED.failure
    REQUESTED.present.update(_all(requirements))


def pip_install(requirements, constraints=None, no_deps_requirements=None, skip_packages=None, blocking=True,
                show_progress=True, requester=None, logCallback=None, completedCallback=None):  # fmt: skip
    REQUESTED.installed.append((_all(requirements), requester))
    if REQUESTED.failure is not None:
        raise REQUESTED.failure
    REQUESTED.present.update(_all(requirements))
    if logCallback is not None:
        logCallback("nothing is installed here")
    if completedCallback is not None:
        completedCallback(0)


def pip_uninstall(requirements, blocking=True, logCallback=None, completedCallback=None):
    REQUESTED.uninstalled.append(tuple(_all(requirements)))
    REQUESTED.present.difference_update(_all(requirements))
    if completedCallback is not None:
        completedCallback(0)
