"""How long a test waits before it says that something hangs.

Never a measure of speed: a test passes on a machine that is a hundred times slower than the one it was written on. What is
quick enough is the benchmarks' to say.
"""

from __future__ import annotations

HANGING_S = 1800.0
