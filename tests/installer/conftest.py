"""`leashctl` as a process of its own, and stand-ins for the modules that it keeps running."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.postgres import TestDatabase

Leashctl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def leashctl(tmp_path: Path) -> Leashctl:
    """Runs a command in `tmp_path`, with a state directory there; keyword arguments are environment variables."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEASH_")}
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "installer", *words],
            env={**clean, "LEASH_STATE__DIRECTORY": str(tmp_path / "state"), **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def keep_password(database: TestDatabase, state: Path) -> None:
    """Roles belong to the whole server: a migration from another state directory would change this one's password."""
    file = state / "secrets" / "leash_retention.password"
    file.parent.mkdir(parents=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_text(unquote(urlsplit(database.retention_url).password or ""))
