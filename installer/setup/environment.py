"""Bring the Python environment `.venv` to the pinned requirements; a second run has nothing to do.

`python3 -m installer.setup.environment run|dev`. Runs before anything is installed: standard library only.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
UV_HOME = ROOT / ".tools" / "uv"
STAMP = VENV / "openleash.json"
OLDEST_PYTHON = (3, 11)
REQUIREMENTS = {"run": ROOT / "requirements.txt", "dev": ROOT / "requirements-dev.txt"}
UV_REQUIREMENTS = ROOT / "requirements-uv.txt"


class SetupError(Exception):
    """What is missing on this machine, and what to do about it."""


def main(words: list[str]) -> int:
    """Install for `run` (what `make up` needs) or `dev` (tests and linters too)."""
    if len(words) != 1 or words[0] not in REQUIREMENTS:
        sys.stderr.write(f"say one of: {', '.join(REQUIREMENTS)}\n")
        return 64
    try:
        install(words[0])
    except SetupError as problem:
        sys.stderr.write(f"{problem}\n")
        return 69
    return 0


def install(level: str) -> None:
    """Make the environment if it is not there, and sync it if its requirements changed.

    An environment that once was for `dev` stays so: `make up` after `make test` must not remove what tests need.
    """
    if sys.version_info < OLDEST_PYTHON:
        found, needed = (".".join(map(str, version)) for version in (sys.version_info[:3], OLDEST_PYTHON))
        raise SetupError(
            f"Python {needed} or later is needed, this is {found}; name another: make PYTHON=python3.12 ..."
        )
    before = _stamp()
    if before.get("level") == "dev":
        level = "dev"
    wanted = {"level": level, "requirements": digest(REQUIREMENTS[level]), "python": sys.version, "root": str(ROOT)}
    if before == wanted:
        return
    uv = uv_program()
    if not _is_on_this_python():
        say(f"making .venv on Python {sys.version.split()[0]}")
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
    say(f"installing {REQUIREMENTS[level].name}")
    target = ["--python", str(VENV / "bin" / "python")]
    run([uv, "pip", "sync", "--quiet", *target, "--require-hashes", "--only-binary", ":all:", str(REQUIREMENTS[level])])
    _link_project()
    STAMP.write_text(json.dumps(wanted, indent=2) + "\n")


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_on_this_python() -> bool:
    """Whether `.venv` is there, works, and was made on the interpreter that runs this."""
    tell = "import sys; print(sys.version, sys.base_prefix)"
    try:
        words = [str(VENV / "bin" / "python"), "-I", "-c", tell]
        said = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603 - our own interpreter
    except OSError:
        return False
    return said.stdout.strip() == f"{sys.version} {sys.base_prefix}"


def _stamp() -> dict[str, str]:
    try:
        read: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return read


def _link_project() -> None:
    """Let the environment find our packages, and give it `leashctl`: what an editable install would do.

    Without a build there is no build back-end to fetch, which no hash of ours would cover.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (VENV / "lib" / version / "site-packages" / "openleash.pth").write_text(f"{ROOT}\n")
    command = VENV / "bin" / "leashctl"
    command.write_text(f'#!/bin/sh\nexec "{VENV}/bin/python" -P -m installer "$@"\n')
    command.chmod(0o755)


def uv_program() -> str:
    """Path of uv: ours, else the machine's, else ours after installing it from its pinned hash."""
    ours = UV_HOME / "bin" / "uv"
    if not ours.exists():
        found = shutil.which("uv")
        if found is not None:
            return found
        say("installing uv into .tools")
        _install_uv()
    return str(ours)


def _install_uv() -> None:
    pinned = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(UV_REQUIREMENTS)]
    if importlib.util.find_spec("ensurepip") is not None:
        run([sys.executable, "-m", "venv", "--clear", str(UV_HOME)])
        run([str(UV_HOME / "bin" / "python"), "-m", "pip", *pinned])
    elif importlib.util.find_spec("pip") is not None:
        run([sys.executable, "-m", "pip", *pinned, "--target", str(UV_HOME)])
    else:
        raise SetupError(
            "uv is missing, and this Python has neither ensurepip nor pip to install it with.\n"
            "On Debian: apt-get install python3-venv. Elsewhere: install uv, or make PYTHON=... with a whole Python."
        )


def run(words: list[str]) -> None:
    """Run a program whose messages go to the terminal.

    Raises:
        SetupError: it failed.
    """
    environ = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(words, check=False, env=environ)  # noqa: S603 - fixed words and our own paths
    if done.returncode:
        raise SetupError(f"{' '.join(words[:3])} ... failed with exit code {done.returncode}; its message is above.")


def say(text: str) -> None:
    """Tell what takes a while."""
    sys.stderr.write(f"  {text} ...\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
