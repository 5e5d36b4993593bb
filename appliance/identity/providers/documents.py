"""JSON from outside, read strictly: what two readers could read in two ways is refused."""

import json
import math
from typing import Any


def read_object(raw: bytes | str) -> dict[str, Any]:
    """The JSON object that a text is.

    Raises:
        ValueError: no JSON object, a name twice, a number that is none or has no end, or nested too deeply.
    """
    try:
        found = json.loads(raw, object_pairs_hook=_members, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004 - one kind of error for every wrong document
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("names a member twice")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"holds {constant}, which is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("holds a number without end")
    return number
