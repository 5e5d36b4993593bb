"""The Makefile's targets, and the environment that it makes. What a fresh clone does is shown by CI itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks import lock_files

ROOT = Path(__file__).resolve().parents[3]


def make(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LEASH_", "MAKE", "MFLAGS"))}
    return subprocess.run(  # noqa: S603 - fixed words
        ["make", "--no-print-directory", *words],  # noqa: S607 - make, from PATH
        cwd=ROOT,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["up", "test", "check", "bench", "docs", "clean", "install", "help"])
def test_every_target_can_be_planned(target: str) -> None:
    """`make -n` finds no mistake in it."""
    done = make("-n", target)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_up_takes_port_state_and_configuration() -> None:
    """Port and state by the environment, as every command of the instance can have them; the rest as options."""
    done = make("-n", "up", "CONFIG=/etc/my leash.toml", "ARGS=--port 9401")
    assert "-P -m installer --config '/etc/my leash.toml' up --port 9401" in done.stdout


def test_without_port_and_state_the_configuration_decides(tmp_path: Path) -> None:
    """An empty variable would be a wrong setting."""
    (tmp_path / "show.mk").write_text("include Makefile\nshow:\n\t@env | grep ^LEASH_ || echo none\n")
    words = ("-f", str(tmp_path / "show.mk"), "show")
    assert make(*words).stdout == "none\n"
    shown = make(*words, "PORT=9400", "STATE=/srv/leash").stdout
    assert sorted(shown.split()) == ["LEASH_SERVER__PORT=9400", "LEASH_STATE__DIRECTORY=/srv/leash"]


def test_test_runs_one_area() -> None:
    """`make test AREA=road ARGS=-x`."""
    assert "-m pytest --area road -x" in make("-n", "test", "AREA=road", "ARGS=-x").stdout


@pytest.mark.parametrize("module", ["environment", "assets", "providers", "tools"])
def test_the_set_up_needs_nothing_but_python(module: str) -> None:
    """It runs before anything is installed: no import from outside the standard library and `installer.setup`."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import installer.setup.{module}"
    done = subprocess.run(  # noqa: S603 - our own words; -S leaves out the environment's packages
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_second_set_up_has_nothing_to_do() -> None:
    """And says nothing; what tests need stays when `make up` asks for less."""
    for level in ("dev", "run"):
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "installer.setup.environment", level],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    """With every mistake an end, and every skip a failure."""
    script = ROOT / ".ci" / "run"
    text = script.read_text("utf-8")
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in text
    assert "export CI=true" in text
    assert [line for line in text.splitlines() if line.startswith("make ")] == ["make check", "make test"]
    assert "$ make test" in (ROOT / "README.md").read_text("utf-8")


def test_lock_files_pin_by_hash_and_name_no_host() -> None:
    """An organisation installs from its own mirror."""
    assert lock_files.problems() == []
