"""The arguments of an action as apps quote them: none can look like another one, and none hides another one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from server.api.clients.texts import QUOTE_MAX, line, plain
from server.dashboard.payload import pretty

ARGUMENTS_MAX: Final = 40
_NAME_MAX: Final = 60
_INDENT: Final = "\n    "
# A phone breaks a line where it is full: so many blanks could move what follows to the beginning of the next one.
_BLANKS: Final = re.compile(r"[ \t]{24,}")
_PLAIN_NAME: Final = re.compile(r"(server: )?[\w.$-]+")


def quoted(arguments: Mapping[str, Any], page: str) -> str:
    """Each argument from a line's beginning, its further lines indented; what does not fit is at `page`.

    All of them share QUOTE_MAX characters, the long ones alike, so that a long one pushes no other out of sight.
    """
    names = [_name(name) for name in arguments]
    texts = [_text(value) for value in list(arguments.values())[:ARGUMENTS_MAX]]
    shares = _shares([len(text) for text in texts], QUOTE_MAX)
    parts = [
        f"{name}: {text[:share]}{'…' if len(text) > share else ''}"
        for name, text, share in zip(names, texts, shares, strict=False)
    ]
    cut = sum(map(len, texts)) - sum(shares)
    more = [f"{cut} more characters"] if cut else []
    more += [f"{len(names) - len(texts)} more arguments"] if len(names) > len(texts) else []
    end = f"\n… {' and '.join(more)}, at {page}" if more else ""
    return "\n\n".join(parts) + end


def _name(name: str) -> str:
    """As it is, or in quotes if it could be taken for a name with its value."""
    shown = line(name, _NAME_MAX)
    return shown if _PLAIN_NAME.fullmatch(name) and shown == name else f'"{shown}"'


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = value if isinstance(value, str) else pretty(value)
    visible = plain(text, max(len(text), QUOTE_MAX))
    folded = _BLANKS.sub(lambda found: f" ⟨{len(found.group())} blanks⟩ ", visible)
    return folded.replace("\n", _INDENT)


def _shares(lengths: Sequence[int], room: int) -> list[int]:
    """How much of each text is shown: short ones whole, and the others as much as each other."""
    shares, left = [0] * len(lengths), room
    for done, index in enumerate(sorted(range(len(lengths)), key=lengths.__getitem__)):
        shares[index] = min(lengths[index], left // (len(lengths) - done))
        left -= shares[index]
    return shares
