"""Structured logs: JSON lines for operators, with the correlation id of the request in each."""

import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog

Mask = Callable[[str], str]


class LossyStream:
    """A stream whose failures never reach the caller: a full disk under the log must not stop the service.

    What could not be written is counted, and the number is written before the next line that can be.
    """

    def __init__(self, target: TextIO) -> None:
        """`target` may fail with OSError at any time, or be closed."""
        self._target = target
        self._lost = 0

    def write(self, text: str) -> int:
        """Write, or count what was lost."""
        try:
            if self._lost:
                self._target.write(f'{{"event": "logging.writes_lost", "level": "error", "count": {self._lost}}}\n')
                self._lost = 0
            return self._target.write(text)
        except (OSError, ValueError):
            self._lost += 1
            return 0

    def flush(self) -> None:
        """Flush, or count what was lost."""
        try:
            self._target.flush()
        except (OSError, ValueError):
            self._lost += 1


def configure(*, level: str, format_: str, mask: Mask | None = None, stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging for this process; lines go to standard output.

    `mask` gets the finished line, so that a secret is masked whatever key or exception text it came by.
    """
    renderer: Any = structlog.processors.JSONRenderer() if format_ == "json" else structlog.dev.ConsoleRenderer()
    target: Any = LossyStream(stream or sys.stdout)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]

    def masked(_logger: object, _name: str, line: Any) -> Any:  # noqa: ANN401 - structlog's processor type
        return mask(line) if mask is not None and isinstance(line, str) else line

    structlog.configure(
        processors=[*shared, renderer, masked],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, masked],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
