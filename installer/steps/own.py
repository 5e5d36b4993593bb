"""Another leashctl command as a child process: what it needs of memory is given back when it ends."""

import subprocess
import sys
from typing import Any

import msgspec

from installer.context import CommandLine
from installer.errors import CommandFailedError


class OwnCommand:
    """`leashctl WORDS --json`, which runs while the caller does something else."""

    def __init__(self, line: CommandLine, *words: str) -> None:
        """Start it."""
        self._words = words
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "installer", *line.words, *words, "--json"],
            env=dict(line.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )

    def answer(self) -> Any:  # noqa: ANN401 - any JSON
        """Wait for its JSON answer.

        Raises:
            CommandFailedError: with what it said when it failed.
        """
        try:
            out, err = self._process.communicate()
        except BaseException:
            self.cancel()
            raise
        if self._process.returncode:
            raise CommandFailedError(_said(self._words, err), max(1, self._process.returncode))
        return msgspec.json.decode(out)

    def cancel(self) -> None:
        """End it; nothing if it has ended."""
        self._process.kill()
        self._process.wait()


def _said(words: tuple[str, ...], err: bytes) -> str:
    """The sentences of a failed command, whose error is one line of JSON on standard error."""
    text = err.decode(errors="replace").strip()
    try:
        facts = msgspec.json.decode(text.rpartition("\n")[2], type=dict[str, str])
    except msgspec.DecodeError:
        return f"leashctl {' '.join(words)} failed: {text}"
    return "\n".join(part for part in (facts.get("detail", ""), facts.get("next_step", "")) if part)
