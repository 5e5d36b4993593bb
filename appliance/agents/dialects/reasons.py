"""The words that an agent, and the person before it, read."""

import unicodedata
from typing import Final

REASON_MAX: Final = 2_000
_UNTOLD: Final = "Decided by your organisation's policy."
# Control, format (direction marks among them), surrogate, line, paragraph: a terminal would obey or hide them.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean_reason(reason: str) -> str:
    """`reason` as one line without control characters, at most 2,000 characters, never empty.

    Codex ignores a deny without a reason, so there always is one.
    """
    cut = reason if len(reason) <= REASON_MAX else reason[: REASON_MAX - 1] + "…"
    if not cut.isprintable():
        cut = "".join(" " if unicodedata.category(char) in _UNSAFE else char for char in cut)
    return cut.strip() or _UNTOLD
