"""The plan of the house: each room and the rooms that it may use. Files directly in a package are everybody's in
``MSSoftSegLib``; in ``MSSoftSegGUI`` they put the sections together, and no room may use them."""

from __future__ import annotations

from collections.abc import Iterator

from Testing.house.imports import module_arrows, modules

# None: everything of its package.
LIBRARY = {
    "exam": set(),
    "softlabel": {"exam"},
    "phantom": {"exam"},
    "preprocessing": {"exam"},
    "dicom": {"exam"},
    "lesion": {"exam"},
    "network": {"exam", "preprocessing"},
    "inference": {"exam", "softlabel", "preprocessing", "network", "lesion"},
    "region": {"exam", "preprocessing"},
    "quality": {"exam", "preprocessing", "lesion"},
    "evaluation": {"exam", "lesion"},
    "report": {"exam", "lesion", "region", "evaluation"},
    "change": {"exam", "preprocessing", "lesion", "report"},
    "library": {"exam", "softlabel", "dicom"},
    "training": {
        "exam",
        "softlabel",
        "phantom",
        "preprocessing",
        "network",
        "inference",
        "lesion",
        "evaluation",
        "library",
    },
    "study": {
        "exam",
        "softlabel",
        "phantom",
        "preprocessing",
        "network",
        "inference",
        "lesion",
        "evaluation",
        "library",
        "training",
    },
    "segmenting": {"exam", "preprocessing", "network", "inference", "lesion", "region", "quality"},
    "jobs": None,
    "cohort": {
        "exam",
        "preprocessing",
        "lesion",
        "network",
        "evaluation",
        "library",
        "region",
        "report",
        "segmenting",
        "change",
        "jobs",
    },
    "cli": None,
    "api": None,
}
_BELOW_SECTIONS = {"widgets", "worker", "scene"}
# One section of the panel each; they do not know each other: whoever stands above hands over what one has for the other.
SECTIONS = ("exam", "segment", "review", "prior", "soft_label", "library", "train", "environment")
PANEL = {"widgets": set(), "worker": {"widgets"}, "scene": {"widgets", "worker"}} | dict.fromkeys(
    SECTIONS, _BELOW_SECTIONS
)
PLANS = {"MSSoftSegLib": LIBRARY, "MSSoftSegGUI": PANEL}
MOST_FILES = 25


def upward() -> Iterator[str]:
    """Imports that the plan does not allow, as "importing → imported"."""
    known = modules()
    for importing, imported in sorted(module_arrows()):
        package, own = _place(known[importing].room)
        other, room = _place(known[imported].room)
        if package != other:
            # The library serves the panel, never the other way round.
            allowed = package == "MSSoftSegGUI"
        elif own is None or own == room:
            allowed = True
        elif room is None:
            allowed = package == "MSSoftSegLib"
        else:
            may_use = PLANS[package][own]
            allowed = may_use is None or room in may_use
        if not allowed:
            yield f"{importing} → {imported}"


def _place(room: str) -> tuple[str, str | None]:
    """Package and first folder of a room; None for the package's own files."""
    package, *folders = room.split(".")
    return package, folders[0] if folders else None
