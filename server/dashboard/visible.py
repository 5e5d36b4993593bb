"""Makes text from agents readable as what it is: control, direction, invisible and look-alike characters are marked."""

import re
import unicodedata
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from server.dashboard.confusables import LETTERS, SIGNS

# Everything that is not plain printable ASCII, and the five characters that mean something in HTML.
_SPECIAL: Final = re.compile("[^ -~]|[&<>\"']")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that show nothing: fillers, the blank Braille pattern, joiners, variation selectors.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_CONTROL_NAMES: Final = {
    "\0": "NULL", "\a": "BELL", "\b": "BACKSPACE", "\v": "LINE TABULATION", "\f": "FORM FEED", "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE", "\x7f": "DELETE", "\x85": "NEXT LINE",
}  # fmt: skip
_WORD_REACH: Final = 64
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"}
_NEWLINE: Final = '<span class="nl"></span>\n'
_TAB: Final = '<span class="tab">\t</span>'


class Excerpt(NamedTuple):
    """The beginning of a text, made visible.

    Attributes:
        markup: safe HTML.
        shown, total: characters.
        lines: of the whole text.
    """

    markup: Markup
    shown: int
    total: int
    lines: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return self.shown == self.total


def visible(text: str) -> Markup:
    """The text as HTML in which every character can be seen: `⟨U+202E⟩` stands for what has no shape of its own."""
    return Markup(_SPECIAL.sub(_marked, text))  # noqa: S704 - _marked escapes all that HTML reads


def excerpt(text: str, limit: int) -> Excerpt:
    """At most `limit` characters of the text, made visible."""
    shown = text[:limit]
    return Excerpt(visible(shown), len(shown), len(text), text.count("\n") + 1)


def is_hidden(character: str) -> bool:
    """Whether a character shows nothing, or changes what stands around it."""
    category = unicodedata.category(character)
    if category in _HIDDEN_CATEGORIES or (category == "Zs" and character != " "):
        return True
    return _INVISIBLE.match(character) is not None


def json_escaped(text: str) -> str:
    """JSON text with every hidden character but line ends written as an escape: it means the same, and can be read."""
    return "".join(_json_escape(character) if _needs_escape(character) else character for character in text)


def _needs_escape(character: str) -> bool:
    return character > "~" and is_hidden(character)


def _json_escape(character: str) -> str:
    point = ord(character)
    if point < 0x10000:  # noqa: PLR2004 - the basic plane
        return f"\\u{point:04x}"
    point -= 0x10000
    return f"\\u{0xD800 + (point >> 10):04x}\\u{0xDC00 + (point & 0x3FF):04x}"


def _marked(found: re.Match[str]) -> str:
    character = found.group()
    if character in _HTML:
        return _HTML[character]
    if character == "\n":
        return _NEWLINE
    if character == "\t":
        return _TAB
    if is_hidden(character):
        return _mark(character, f"⟨U+{ord(character):04X}⟩", _name(character), "mark")
    twin = _twin(found.string, found.start())
    if twin:
        shown = f"{character}⟨U+{ord(character):04X}⟩"
        return _mark(character, shown, f"{_name(character)}, looks like {twin}", "mark look-alike")
    return character


def _twin(text: str, place: int) -> str:
    """The ASCII character that the one at `place` could be mistaken for there; empty if none."""
    character = text[place]
    if character in SIGNS:
        return SIGNS[character]
    wide = unicodedata.normalize("NFKC", character)
    if wide.isascii() and len(wide) == 1 and unicodedata.category(character)[0] in "LNPS":
        return wide  # full-width, mathematical and the like
    if character not in LETTERS:
        return ""
    word = _word_around(text, place)
    has_ascii = any(each.isascii() and each.isalpha() for each in word)
    is_all_twins = all(each in LETTERS or not each.isalpha() for each in word)
    return LETTERS[character] if has_ascii or is_all_twins else ""


def _word_around(text: str, place: int) -> str:
    start = end = place
    while start > 0 and place - start < _WORD_REACH and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and end - place < _WORD_REACH and text[end].isalnum():
        end += 1
    return text[start:end]


def _name(character: str) -> str:
    fallback = {"Cs": "SURROGATE", "Co": "PRIVATE USE", "Cn": "UNASSIGNED"}.get(unicodedata.category(character))
    return unicodedata.name(character, _CONTROL_NAMES.get(character, fallback or "CONTROL"))


def _mark(character: str, shown: str, name: str, kind: str) -> str:
    title = escape(f"U+{ord(character):04X} {name}")
    return f'<span class="{kind}" title="{title}">{escape(shown)}</span>'
