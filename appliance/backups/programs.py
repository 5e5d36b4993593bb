"""PostgreSQL's own programs, as backups use them: run as ourselves, over the server's socket or network address."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

from appliance.backups.errors import ProgramFailedError
from appliance.parent_death import dies_with_parent

_WORDS_KEPT: Final = 600
_SECONDS: Final = 60


class Programs:
    """The programs in one directory, for one server and role."""

    def __init__(self, folder: Path, url: str) -> None:
        """`url` is of a role that may replicate; its password goes by a file that only we can read, never by argv."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._folder = folder
        self._password = unquote(parts.password or "")
        self._environment = {
            "PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC",
            "PGHOST": query.get("host", [parts.hostname or ""])[-1],
            "PGPORT": str(parts.port or query.get("port", ["5432"])[-1]),
            "PGUSER": unquote(parts.username or ""),
            "PGDATABASE": parts.path.lstrip("/") or "postgres",
            "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "leash-backup",
        }  # fmt: skip

    def ask(self, statement: str) -> list[str]:
        """The fields of the one row that a statement gives.

        Raises:
            ProgramFailedError: with what psql said.
        """
        with self.running(["psql", "-X", "-At", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-c", statement]) as running:
            told = running.output.read().decode()
            running.finish()
        return told.rstrip("\n").split("\x1f")

    def run(self, words: Sequence[str]) -> str:
        """What a program printed.

        Raises:
            ProgramFailedError: with its own words.
        """
        with self.running(words) as running:
            told = running.output.read().decode(errors="replace")
            running.finish()
        return told

    @contextmanager
    def running(self, words: Sequence[str]) -> Iterator["Running"]:
        """A program whose output is read; it is killed if the block ends before it does, and if we die."""
        with tempfile.TemporaryDirectory(prefix="leash-") as folder, tempfile.TemporaryFile() as said:
            passwords = Path(folder) / "pgpass"
            passwords.touch(mode=0o600)
            escaped = self._password.replace("\\", "\\\\").replace(":", "\\:")
            passwords.write_text(f"*:*:*:*:{escaped}\n")
            process = subprocess.Popen(  # noqa: S603 - PostgreSQL's programs, no shell
                [str(self._folder / words[0]), *words[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd="/",
                env={**self._environment, "PGPASSFILE": str(passwords)},
                preexec_fn=dies_with_parent(os.getpid()),  # noqa: PLW1509 - one system call, which allocates nothing
            )
            with Running(words[0], process, said) as running:
                yield running


class Running:
    """A program that runs.

    Attributes:
        output: what it prints, as bytes.
    """

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        """`said` collects its messages."""
        assert process.stdout is not None  # noqa: S101 - it is piped
        self.output = process.stdout
        self._name = name
        self._process = process
        self._said = said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.output.close()
        self._process.wait()

    def read(self, size: int = -1, /) -> bytes:
        """Output; its end only if the program succeeded, so that half an output is never taken for a whole one.

        Raises:
            ProgramFailedError: it failed.
        """
        piece = self.output.read(size)
        if not piece:
            self.finish()
        return piece

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def finish(self) -> None:
        """Wait for its end.

        Raises:
            ProgramFailedError: with its own last words.
        """
        code = self._process.wait(_SECONDS)
        if code:
            self._said.seek(max(0, os.fstat(self._said.fileno()).st_size - _WORDS_KEPT))
            told = self._said.read().decode(errors="replace").strip().replace("\n", " | ")
            raise ProgramFailedError(f"{self._name} ended with {code}: {told or 'it said nothing'}")
