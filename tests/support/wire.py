"""Replies to clients, compared with golden files: what is new each time is replaced by its form."""

import json
import re
from pathlib import Path
from typing import Any, Final

import httpx

GOLDEN: Final = Path(__file__).parents[1] / "server" / "api" / "golden" / "clients"
_NEW: Final = (
    (re.compile(r"ol[a-z]?_[A-Za-z0-9_-]{43}"), "<token>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"20\d\d-\d\d-\d\dT[0-9:.]+Z"), "<moment>"),
    (re.compile(r'(?<=_seconds": )\d+'), '"<seconds>"'),
)


def formed(reply: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """The reply's JSON with everything that is new each time replaced."""
    return formed_json(reply.json())


def formed_json(told: object) -> Any:  # noqa: ANN401 - JSON
    """The same of JSON that came otherwise, such as by a stream."""
    text = json.dumps(told, ensure_ascii=False)
    for pattern, name in _NEW:
        text = pattern.sub(name, text)
    return json.loads(text)


def golden(name: str) -> Any:  # noqa: ANN401 - JSON
    """What is to be answered, word for word."""
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
