"""The repository's own checks find what they are for."""

import string
from pathlib import Path

from appliance.protection.secrets.scanner import Scanner
from tests.checks import planted, sizes
from tests.checks.tree import ROOT, files, shown


def test_sizes_are_those_of_the_files() -> None:
    """Generated migrations are not counted; the longest function is named with its place."""
    in_files, in_functions = sizes.measured()
    own = next(size for size in in_files if size.what == "tests/checks/sizes.py")
    assert own.lines == (ROOT / own.what).read_text("utf-8").count("\n")
    assert not any("piccolo_migrations" in size.what for size in in_files)
    assert any(size.what.endswith(" measured") for size in in_functions)


def test_a_token_of_a_provider_is_allowed_nowhere() -> None:
    """Tests may hold made-up passwords, but nothing that looks like a real token."""
    token = "_".join(("ghp", (string.ascii_letters + string.digits)[20:56]))
    [finding], _ = Scanner(b"key").scan_text(token)
    assert not planted.is_allowed("tests/installer/test_x.py", finding.rule)
    assert not planted.is_allowed("installer/main.py", finding.rule)
    assert planted.is_allowed("appliance/protection/secrets/rules/chat.toml", finding.rule)


def test_ignored_files_are_not_looked_at() -> None:
    """What git does not know is not committed: environments, state, vendored scripts."""
    names = {shown(path) for path in files()}
    assert "Makefile" in names
    assert not any(name.startswith((".venv/", ".tools/", "server/dashboard/static/vendor/")) for name in names)
    assert all(isinstance(path, Path) for path in files(".toml"))
