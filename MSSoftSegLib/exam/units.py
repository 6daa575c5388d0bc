"""Units that are converted between, each once."""

from __future__ import annotations

MM3_PER_ML = 1000.0
