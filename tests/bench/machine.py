"""The machine that the figures belong to: cores, memory, kernel, and how long its storage takes to be durable."""

import os
import platform
import re
import subprocess
from pathlib import Path

from tests.bench.figures import Figures
from tests.bench.installation import Installation


def describe(installation: Installation | None) -> Figures:
    """What a reader must know to compare figures; with an installation also its storage's fdatasync latency."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    described: Figures = {
        "cores": os.cpu_count(),
        "processor": model[1].strip() if model else platform.machine(),
        "memory_mb": int(memory[1]) // 1024 if memory else 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }
    if installation is not None:
        described["fdatasync_us"] = _fdatasync_us(installation)
    return described


def _fdatasync_us(installation: Installation) -> float:
    """Microseconds of one 8 kB write with fdatasync, as pg_test_fsync tells; the rest of its tests is not awaited."""
    file = installation.data.parent / "pg_test_fsync.tmp"
    words = [installation.program("pg_test_fsync"), "-s", "1", "-f", str(file)]
    user = installation.user
    with subprocess.Popen(  # noqa: S603 - the embedded server's own program
        words, stdout=subprocess.PIPE, text=True, user=user, group=user, extra_groups=[] if user else None, cwd="/"
    ) as process:
        found = None
        for line in process.stdout or ():
            found = re.search(r"^\s+fdatasync\s.*?([\d.]+) usecs/op", line)
            if found:
                break
        process.kill()
    file.unlink(missing_ok=True)
    return float(found[1]) if found else 0.0
