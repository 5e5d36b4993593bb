"""Logs are JSON lines for operators; what is secret is masked, whatever way it came."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from appliance.logging import configure

SECRET = "hunter2-of-the-test"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where lines go; the process's logging is as before afterwards."""
    handlers, level = logging.root.handlers[:], logging.root.level
    written = io.StringIO()
    configure(level="info", format_="json", mask=lambda line: line.replace(SECRET, "[masked]"), stream=written)
    yield written
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_event_with_its_facts(stream: io.StringIO) -> None:
    """One JSON object per line: time in UTC, level, and the correlation id of the request."""
    structlog.contextvars.bind_contextvars(request_id="r-1")
    structlog.get_logger().info("ledger.sealed", leaves=3)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "ledger.sealed", "leaves": 3, "level": "info", "request_id": "r-1"}


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    """As the setting says."""
    structlog.get_logger().debug("chatter")
    assert lines(stream) == []


def test_other_libraries_write_the_same_lines(stream: io.StringIO) -> None:
    """From warnings on, with their traceback inside the line."""
    log = logging.getLogger("some.library")
    log.info("chatter")
    try:
        int(SECRET)
    except ValueError:
        log.exception("failed with %s", SECRET)
    (line,) = lines(stream)
    assert line["event"] == "failed with [masked]"
    assert line["level"] == "error"
    assert "ValueError: invalid literal for int() with base 10: '[masked]'" in line["exception"]


@pytest.mark.parametrize("key", ["password", "note", "event_name"])
def test_a_secret_is_masked_under_any_key(stream: io.StringIO, key: str) -> None:
    """Also in keys, in nested values and in exceptions."""
    try:
        int(SECRET)
    except ValueError:
        structlog.get_logger().error("failed", **{key: [SECRET], SECRET: 1}, exc_info=True)
    assert SECRET not in stream.getvalue()
    assert "[masked]" in stream.getvalue()


def test_a_value_cannot_forge_a_line(stream: io.StringIO) -> None:
    """Line ends and terminal escapes stay inside their JSON string."""
    structlog.get_logger().info("event", value='x\r\n{"event": "forged"}\x1b[2J\u2028')
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()
    assert len(lines(stream)) == stream.getvalue().count("\n") == 1


def test_people_can_have_coloured_text() -> None:
    """The console format is one readable line."""
    handlers, level, written = logging.root.handlers[:], logging.root.level, io.StringIO()
    configure(level="debug", format_="console", stream=written)
    structlog.get_logger().debug("ledger.sealed", leaves=3)
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    assert "ledger.sealed" in written.getvalue()
    assert written.getvalue().count("\n") == 1


class _Full(io.StringIO):
    """A stream on a disk that is full for a while."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


@pytest.mark.usefixtures("stream")
def test_a_full_disk_under_the_log_stops_nobody_and_is_told_afterwards() -> None:
    """Lines that cannot be written are counted, and the number comes before the next line."""
    full = _Full()
    configure(level="info", format_="json", stream=full)
    for _ in range(3):
        structlog.get_logger("x").error("lost")
    full.is_full = False
    structlog.get_logger("x").error("written")
    lost, written = [json.loads(line) for line in full.getvalue().splitlines()]
    assert (lost["event"], lost["count"]) == ("logging.writes_lost", 3)
    assert written["event"] == "written"
