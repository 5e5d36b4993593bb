"""Which file is made by which function."""

from collections.abc import Callable
from pathlib import Path

from appliance.config.example import example_text
from tests.docs import REFERENCE, ROOT, errors, ledger_events, settings

PAGES: dict[Path, Callable[[], str]] = {
    ROOT / "config.example.toml": example_text,
    REFERENCE / "settings.md": settings.render,
    REFERENCE / "errors.md": errors.render,
    REFERENCE / "ledger-events.md": ledger_events.render,
}
