"""Makes the README's picture from a finished demo: the overview figure of its report.

make demo && .venv/bin/python Docs/make/report_picture.py
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def first_image(page: str) -> bytes:
    """The first picture that is embedded in a report."""
    found = re.search(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    if found is None:
        raise SystemExit("the report holds no picture: run make demo first")
    return base64.b64decode(found.group(1))


if __name__ == "__main__":
    report = ROOT / "demo" / "result" / "report.html"
    (ROOT / "Docs" / "pictures" / "report.png").write_bytes(first_image(report.read_text(encoding="utf-8")))
