"""Quote removal and brace expansion, after the bash reference manual, sections 3.1.2 and 3.5.1."""

import itertools
from typing import Final

MOST_BRACES: Final = 64

_SIMPLE_ESCAPES: Final = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_HEX_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_LAST_CHARACTER: Final = 0x10FFFF


def ansi_c(text: str, *, octal_zero: bool = False) -> str:
    r"""Decode backslash escapes as in `$'...'`; `octal_zero` as `echo -e` does (`\0101`)."""
    if "\\" not in text:
        return text
    parts: list[str] = []
    position, end = 0, len(text)
    while position < end:
        if text[position] != "\\" or position + 1 == end:
            stop = text.find("\\", position + 1)
            stop = end if stop < 0 else stop
            parts.append(text[position:stop])
            position = stop
            continue
        letter = text[position + 1]
        position += 2
        if letter in _HEX_DIGITS:
            digits = _digits(text, position, _HEX_DIGITS[letter], "0123456789abcdefABCDEF")
            code = int(digits, 16) if digits else -1
            parts.append(chr(code) if 0 <= code <= _LAST_CHARACTER else "\\" + letter)
            position += len(digits)
        elif letter in "01234567":
            start = position if octal_zero and letter == "0" else position - 1
            digits = _digits(text, start, 3, "01234567")
            parts.append(chr(int(digits or "0", 8) & 0xFF))
            position = start + len(digits)
        elif letter == "c" and position < end:
            parts.append(chr(ord(text[position]) & 0x1F))
            position += 1
        else:
            parts.append(_SIMPLE_ESCAPES.get(letter, "\\" + letter))
    return "".join(parts)


def _digits(text: str, start: int, most: int, alphabet: str) -> str:
    stop = start
    while stop < min(start + most, len(text)) and text[stop] in alphabet:
        stop += 1
    return text[start:stop]


def expand_braces(text: str) -> list[str] | None:
    """Expand `{a,b}` and `{1..3}`; None if there would be more than `MOST_BRACES` words."""
    done: list[str] = []
    waiting = [text]
    while waiting:
        current = waiting.pop()
        found = _first_brace(current)
        if found is None:
            done.append(current)
        else:
            before, choices, after = found
            waiting.extend(before + choice + after for choice in reversed(choices))
        if len(done) + len(waiting) > MOST_BRACES:
            return None
    return done


def _first_brace(text: str) -> tuple[str, list[str], str] | None:
    """Split at the first brace that expands: what is before, the choices, what is after."""
    ends = _partners(text)
    for start in sorted(ends):
        end = ends[start]
        choices = _choices(text, start, end)
        if choices is not None:
            return text[:start], choices, text[end + 1 :]
    return None


def _partners(text: str) -> dict[int, int]:
    opened: list[int] = []
    pairs: dict[int, int] = {}
    for position, character in enumerate(text):
        if character == "{":
            opened.append(position)
        elif character == "}" and opened:
            pairs[opened.pop()] = position
    return pairs


def _choices(text: str, start: int, end: int) -> list[str] | None:
    inside, depth, commas = text[start + 1 : end], 0, []
    for position, character in enumerate(inside):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character == "," and depth == 0:
            commas.append(position)
    if not commas:
        return _range(inside)
    edges = [-1, *commas, len(inside)]
    return [inside[left + 1 : right] for left, right in itertools.pairwise(edges)]


def _range(inside: str) -> list[str] | None:
    parts = inside.split("..")
    if len(parts) not in {2, 3}:
        return None
    first, last = parts[0], parts[1]
    if _is_number(first) and _is_number(last):
        low, high = int(first), int(last)
        step = max(abs(int(parts[2])), 1) if len(parts) > 2 and _is_number(parts[2]) else 1  # noqa: PLR2004
        if abs(high - low) // step > MOST_BRACES:
            return [f"{{{inside}}}"[1:-1] + "\0"] * (MOST_BRACES + 1)
        ahead = range(low, high + 1, step) if low <= high else range(low, high - 1, -step)
        return [str(number) for number in ahead]
    if len(first) == 1 and len(last) == 1:
        low, high = ord(first), ord(last)
        return [chr(code) for code in (range(low, high + 1) if low <= high else range(low, high - 1, -1))]
    return None


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 10  # noqa: PLR2004 - no shell counts further here
