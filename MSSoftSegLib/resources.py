"""Where the data that ships is found: in a checkout, in an installed wheel and in an installed extension alike."""

from __future__ import annotations

from pathlib import Path

from MSSoftSegLib.errors import EnvironmentLack


def find_resources() -> Path:
    """The folder ``Resources``: beside the package (checkout, extension) or inside it (wheel)."""
    package = Path(__file__).resolve().parent
    for candidate in (package.parent / "Resources", package / "Resources"):
        if (candidate / "Atlas").is_dir():
            return candidate
    raise EnvironmentLack(
        "the folder Resources that belongs to MSSoftSegLib is missing",
        remedy="reinstall MSSoftSeg; the installation is incomplete",
    )
