"""The picture of the floors against the plan that it is drawn from."""

from __future__ import annotations

import runpy

from Testing.house.text_files import ROOT


def picture_findings() -> list[str]:
    """One where the plan has changed since the picture was drawn."""
    drawn = runpy.run_path(str(ROOT / "Docs" / "make" / "floors.py"))["picture"]()
    shown = ROOT / "Docs" / "pictures" / "floors.svg"
    if shown.is_file() and shown.read_text(encoding="utf-8") == drawn:
        return []
    return ["Docs/pictures/floors.svg is older than the plan; run: python Docs/make/floors.py"]
