"""Cut a text that the grammar cannot read into what may be single commands."""

from typing import Final

MOST_FRAGMENTS: Final = 64
_SEPARATORS: Final = "\n;&|(){}"
_QUOTES: Final = "'\"`"


def fragments_of(text: str) -> list[str]:
    """Give the pieces between separators that stand outside quotes; at most `MOST_FRAGMENTS`, the first ones."""
    pieces: list[str] = []
    start = position = 0
    quote = ""
    while position < len(text) and len(pieces) < MOST_FRAGMENTS:
        character = text[position]
        if character == "\\" and quote != "'":
            position += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character in _SEPARATORS:
            pieces.append(text[start:position])
            start = position + 1
        position += 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()][:MOST_FRAGMENTS]
