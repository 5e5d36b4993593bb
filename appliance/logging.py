"""Structured logs: JSON lines for operators, with the correlation id of the request in each."""

import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog

Mask = Callable[[str], str]


def configure(*, level: str, format_: str, mask: Mask | None = None, stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging for this process; lines go to standard output.

    `mask` gets the finished line, so that a secret is masked whatever key or exception text it came by.
    """
    renderer: Any = structlog.processors.JSONRenderer() if format_ == "json" else structlog.dev.ConsoleRenderer()
    target = stream or sys.stdout
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
