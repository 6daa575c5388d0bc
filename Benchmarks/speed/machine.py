"""What a time was measured on, and how busy that was."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import torch

# What decides how fast convolutions are on processors, in the words of Linux.
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def described() -> dict[str, Any]:
    """Processor, cores, instructions, software, and how many programs wanted a core in the last minute."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").is_file() else ""
    lines = dict(line.split(":", 1) for line in facts.splitlines() if ":" in line)
    known = {key.strip(): value.strip() for key, value in lines.items()}
    flags = known.get("flags", "").split()
    return {
        "processor": known.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "torch": torch.__version__,
        "python": platform.python_version(),
        "wanted_cores": round(os.getloadavg()[0], 1),
    }
