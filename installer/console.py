"""What leashctl says to a person: steps with their progress, moving on a terminal and plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import msgspec

_NAME_WIDTH = 13
_CLEAR_LINE = "\r\x1b[2K"


class Step:
    """One step that is under way; `detail` is what the finished line says."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.detail = ""


class Console:
    """Lines on one stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Standard output unless a stream is given."""
        self._stream = stream or sys.stdout
        self._is_terminal = self._stream.isatty()

    def say(self, text: str = "") -> None:
        """One line, at once: whoever reads a pipe must not wait for a full buffer."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def fact(self, name: str, value: str) -> None:
        """A name and its value, in two columns."""
        self.say(f"  {name:<{_NAME_WIDTH}}{value}")

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show that something is going on, then what came of it and how long it took."""
        started, step = time.monotonic(), Step()
        if self._is_terminal:
            self._stream.write(f"  {name:<{_NAME_WIDTH}}...")
            self._stream.flush()
        try:
            yield step
        finally:
            if self._is_terminal:
                self._stream.write(_CLEAR_LINE)
        self.fact(name, f"{step.detail}  ({time.monotonic() - started:.1f} s)")


def print_json(value: object) -> None:
    """The one JSON answer of a command, on standard output."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def size_text(number: float) -> str:
    """Bytes as a person reads them, in decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004 - where the next unit begins
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
