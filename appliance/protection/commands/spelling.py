"""Ways of writing a command that hide it from a reader."""

import itertools
from typing import Final

from appliance.protection.commands.words import Word

# Overrides and isolates of the writing direction (Unicode TR 36, "Trojan source").
_REORDERING: Final = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
_QUOTES: Final = "'\""


def reorders_text(text: str) -> bool:
    """Tell whether a text is shown in another order than it stands."""
    return not text.isascii() and not _REORDERING.isdisjoint(text)


def is_spelled_oddly(written: str, word: Word) -> bool:
    r"""Tell whether a program's name is put together from pieces: `r''m`, `r\m`, `"r"m`.

    Quotes around the whole name, or around a folder, are usual; so is one backslash in front, against aliases.
    """
    if written == word.text or not word.is_known:
        return False
    name = written[written.rfind("/") + 1 :]
    if len(name) > 1 and name[0] in _QUOTES and name[-1] == name[0] and name.count(name[0]) == 2:  # noqa: PLR2004
        name = name[1:-1]
    name = name.removeprefix("\\")
    pairs = itertools.pairwise(name)
    if any((one == "\\" and other.isalnum()) or (one in _QUOTES and other == one) for one, other in pairs):
        return True
    return any(
        quote in _QUOTES and before.isalnum() and after.isalnum()
        for before, quote, after in zip(name, name[1:], name[2:], strict=False)
    )
