"""What a rater's label map holds: 0 outside, and these two."""

from __future__ import annotations

LESION = 1
POSSIBLE_LESION = 2
