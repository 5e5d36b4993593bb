"""What the processes do not load."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["server.__main__", "server.scheduler"])
def test_libraries_that_nothing_needs_are_not_loaded(module: str) -> None:
    """Neither Rich nor Black, and everything works without them."""
    tell = f"import {module}, sys; print([n for n in sys.modules if n.partition('.')[0] in ('rich', 'blib2to3')])"
    words = [sys.executable, "-P", "-c", tell]
    done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - our own modules
    assert done.stdout.strip() == "['rich']"  # the name alone, which stands for what must not be found


@pytest.mark.parametrize("module", ["server.app", "server.scheduler"])
def test_channels_are_loaded_when_something_is_sent(module: str) -> None:
    """An installation that tells nobody yet has neither an HTTP client nor a mail client in memory."""
    names = ("httpx", "smtplib", "appliance.adapters.notifications.post")
    tell = f"import {module}, sys; print([name for name in {names} if name in sys.modules])"
    words = [sys.executable, "-P", "-c", tell]
    done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - our own modules
    assert done.stdout.strip() == "[]"
