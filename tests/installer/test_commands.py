"""The command line as a whole: quick help, small `up`, no surprises on wrong words."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from appliance.release import DISTRIBUTION, version
from installer.groups import ENTRIES
from tests.installer.conftest import Leashctl

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
HEAVY = {"piccolo", "litestar", "cedarpy", "hyperscan", "asyncio", "http.client", "rich", "structlog"}


def imported(statement: str) -> set[str]:
    """Names of all modules after a statement in a fresh interpreter."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_the_help_names_every_command(leashctl: Leashctl) -> None:
    """Each on a line with what it does."""
    done = leashctl("--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: leashctl ")
    longest = max(map(len, ENTRIES))
    for name, entry in ENTRIES.items():
        assert f"  {name:<{longest}}  {entry.help}" in done.stdout


def test_what_stays_in_memory_is_small() -> None:
    """`up` runs for months: it never imports the server, nor anything that a short-lived command can do for it."""
    modules = imported("import installer.main, installer.commands.up")
    assert modules & HEAVY == set()
    assert not any(name == "server" or name.startswith("server.") for name in modules)


def test_the_help_needs_no_feature() -> None:
    """It must come at once, whatever a command costs to import."""
    modules = imported("import installer.main")
    assert not any(name.startswith("installer.commands.") for name in modules)
    assert modules & HEAVY == set()


def test_wrong_words_are_exit_code_2(leashctl: Leashctl) -> None:
    """With the usage, and without a trace."""
    for words in (("bogus",), ("up", "--port", "0"), ("config", "bogus"), ("--bogus",)):
        done = leashctl(*words)
        assert done.returncode == 2, words
        assert "Usage: leashctl" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_version_is_that_of_the_project(leashctl: Leashctl) -> None:
    """In both forms."""
    assert version() == PROJECT["version"]
    assert f"OpenLeash Private Cloud {version()} " in leashctl("version").stdout
    assert json.loads(leashctl("version", "--json").stdout)["version"] == version()


def test_the_wheel_has_the_command() -> None:
    """`leashctl` after an installation is what `python -m installer` is in a clone."""
    assert PROJECT["scripts"] == {"leashctl": "installer.main:main"}
    assert PROJECT["name"] == DISTRIBUTION


def test_nobody_else_provides_our_names() -> None:
    """PyPI has another `installer`: in one environment with it, one would overwrite the other."""
    found = packages_distributions()
    for name in ("appliance", "server", "installer"):
        assert set(found.get(name, [])) <= {DISTRIBUTION}


def test_status_of_nothing_says_so(leashctl: Leashctl) -> None:
    """Exit code 69, and nothing is made by looking."""
    done = leashctl("status", "--json", LEASH_SERVER__PORT="1")
    assert done.returncode == 69
    told = json.loads(done.stdout)
    assert (told["up"], told["postgres"], told["is_ready"]) == (None, None, False)
