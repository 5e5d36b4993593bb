"""The reference of the commands is what the commands say of themselves."""

from pathlib import Path

import pytest

from installer.errors import EXIT_CODES, MEANINGS
from installer.groups import ENTRIES
from installer.reference import TARGET, render

PAGE = TARGET.read_text("utf-8")
MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text("utf-8")


def test_the_page_is_the_one_that_the_commands_make() -> None:
    """After a change: `make docs`."""
    assert render() == PAGE


@pytest.mark.parametrize("name", ENTRIES)
def test_every_command_has_its_section(name: str) -> None:
    """With its usage."""
    assert f"\n## leashctl {name}\n" in PAGE
    assert f"\n    leashctl {name} [OPTIONS]" in PAGE


@pytest.mark.parametrize("code", MEANINGS)
def test_every_exit_code_is_explained(code: int) -> None:
    """With the errors that lead to it."""
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {code} |")]
    assert all(f"`{name}`" in row for name, each in EXIT_CODES.items() if each == code)


def test_every_target_of_the_makefile_is_in_its_help() -> None:
    """What a person is meant to call."""
    for target in ("up", "test", "check", "bench", "docs", "clean"):
        assert f"#   make {target}" in MAKEFILE
        assert f"\n{target}:" in MAKEFILE
