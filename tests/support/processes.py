"""What the kernel tells about processes: children, memory, whether they live. Read from /proc."""

import contextlib
import os
import re
import signal
import socket
from pathlib import Path

_PROC = Path("/proc")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def children(pid: int) -> list[int]:
    """Process ids of the direct children, whichever thread started them; empty if the process has ended."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (_PROC / f"{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """A process with all its descendants, parents first; empty if it has ended."""
    if not is_alive(pid):
        return []
    return [pid, *(each for child in children(pid) for each in family(child))]


def words(pid: int) -> list[str]:
    """The command line; empty if the process has ended."""
    try:
        return (_PROC / f"{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        stat = (_PROC / f"{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def pss_mib(pid: int) -> float:
    """Proportional set size in MiB: its own memory plus its share of what it shares; 0 if it has ended."""
    try:
        text = (_PROC / f"{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(kib) for kib in re.findall(r"^Pss: +(\d+) kB", text, re.MULTILINE)) / 1024


def end(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to one process; nothing if it has ended."""
    if pid > 1:  # 0 and negative numbers would mean whole groups, ours among them
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
