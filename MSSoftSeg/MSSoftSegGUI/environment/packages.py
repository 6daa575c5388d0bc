"""Which packages are missing, dependencies of dependencies included: pip that stopped half-way leaves those."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from importlib import metadata


def find_unsatisfied(requirements: Iterable[str], *, ignored: Collection[str] = ()) -> list[str]:
    """The requirements, and what installed packages require in turn, that are not met here, each with its range.

    ignored: names that are somebody else's to install, with all that they require.
    """
    others = {_canonical(name) for name in ignored}
    found: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [_requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop(0)
        name = _canonical(requirement.name)
        wanted = f"{requirement.name}{_extras(requirement)}{requirement.specifier}"
        if name in others or wanted in seen:
            continue
        seen.add(wanted)
        version = find_installed_version(requirement.name)
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            found[wanted] = None
            continue
        waiting += _required_by(requirement)
    return list(found)


def find_installed_version(name: str) -> str | None:
    """The version of a package that is here, None where it is not."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _required_by(requirement) -> list:
    """What an installed package requires on this computer, with the extras that were asked for."""
    found = []
    for text in metadata.requires(requirement.name) or ():
        each = _requirement(text)
        contexts = [{"extra": extra} for extra in ("", *requirement.extras)]
        if each.marker is None or any(each.marker.evaluate(context) for context in contexts):
            found.append(each)
    return found


def _requirement(text: str):
    try:
        from packaging.requirements import Requirement
    except ImportError:
        # Every Python that has pip has this.
        from pip._vendor.packaging.requirements import Requirement
    return Requirement(text)


def _extras(requirement) -> str:
    return f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
