"""Where the public development data lies, when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "open_ms"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not available")
