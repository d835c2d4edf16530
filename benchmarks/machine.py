"""What a benchmark was measured on, for the tables of its results."""

import os
import platform
import subprocess
import time
from pathlib import Path


def machine() -> str:
    """Return the name of the CPU, as the system gives it, and the cores that this process may use."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def measured_on() -> dict[str, str]:
    """Return the columns machine, date (UTC) and commit, with `+` where the checkout has changes."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--exclude=*"]
    commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return {"machine": machine(), "date": time.strftime("%Y-%m-%d", time.gmtime()), "commit": commit}
