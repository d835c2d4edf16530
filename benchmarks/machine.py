"""The name of the machine that a benchmark ran on, for the tables of its figures."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Name the processor, as the system does, and the cores that this process may use."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores"
