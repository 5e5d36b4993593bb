r"""A JSON body as one line of bytes and back: flatten, point, rebuild; pure.

Layout of the scanned bytes: every string ends with `\x1f`; a member's key and its string value are joined by
`\x1e`, which the rules read as an assignment; a list under a key repeats the key before each string. Behind all
that stand the values once more without anything between them, so that a secret cut over neighbours is whole there.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from appliance.protection.secrets.errors import BodyTooDeepError
from appliance.protection.secrets.records import Leaf

MEMBER = "\x1e"
END = "\x1f"
DEPTH_MAX = 200
_EDGE = 300
_CONTEXT_MAX = 64
# What an abstract class says of a type is slow, so it is asked last: parsed JSON never comes to that.
_SCALARS = frozenset({int, float, bool, type(None)})

Json: TypeAlias = Any
Path: TypeAlias = tuple[str | int, ...]


def to_bytes(text: str) -> bytes:
    """Encode as UTF-8; lone surrogates are kept, for a scan may not fail on what a client sends."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _plain(text: str) -> str:
    return text.replace(MEMBER, "\x1a").replace(END, "\x1a")


def flatten(body: Json) -> tuple[str, bool]:
    """Give the layout of a body, and whether its strings are free of separators; the quick form without places."""
    parts: list[str] = []
    values: list[str] = []
    _collect(body, "", parts, values, 0)
    text = "".join(parts)
    is_clean = text.count(END) == len(parts)
    if len(values) > 1:
        text += "".join([v if len(v) <= _EDGE * 2 else v[:_EDGE] + END + v[-_EDGE:] for v in values])
    return text, is_clean


def _collect(node: Json, context: str, parts: list[str], values: list[str], depth: int) -> None:
    if depth > DEPTH_MAX:
        raise BodyTooDeepError
    if isinstance(node, str):
        parts.append(f"{context}{node}\x1f")
        values.append(node)
    elif isinstance(node, (dict, Mapping)):
        for key, value in node.items():
            if type(value) is str:
                parts.append(f"{key}\x1e{value}\x1f")
                values.append(value)
                continue
            parts.append(f"{key}\x1f")
            if type(value) not in _SCALARS and isinstance(value, (dict, list, tuple, Mapping)):
                _collect(value, key, parts, values, depth + 1)
    elif isinstance(node, (list, tuple)):
        prefix = f"{context}\x1e" if context and len(context) <= _CONTEXT_MAX else ""
        for item in node:
            if type(item) is str:
                parts.append(f"{prefix}{item}\x1f")
                values.append(item)
            else:
                _collect(item, "", parts, values, depth + 1)


class Layout:
    """The slow form of `flatten`: the same bytes with every string's place in them."""

    def __init__(self, body: Json) -> None:
        self.leaves: list[Leaf] = []
        self.joined: list[Leaf] = []
        self._parts: list[bytes] = []
        self._length = 0
        self._walk(body, (), "", 0)
        self.joined_from = self._length
        values = [leaf for leaf in self.leaves if not leaf.is_key]
        if len(values) > 1:
            for leaf in values:
                self._add_joined(leaf)
        self.data = b"".join(self._parts)

    def _add(self, text: str) -> None:
        raw = to_bytes(text)
        self._parts.append(raw)
        self._length += len(raw)

    def _leaf(self, path: Path, text: str, end: str, *, is_key: bool = False) -> None:
        start = self._length
        self._add(_plain(text))
        self.leaves.append(Leaf(path, is_key, text, start, self._length))
        self._add(end)

    def _add_joined(self, leaf: Leaf) -> None:
        text = _plain(leaf.text)
        pieces = [(0, text)] if len(text) <= _EDGE * 2 else [(0, text[:_EDGE]), (len(text) - _EDGE, text[-_EDGE:])]
        for number, (offset, piece) in enumerate(pieces):
            if number:
                self._add(END)
            start = self._length
            self._add(piece)
            shift = leaf.start + len(to_bytes(text[:offset]))
            # `end` holds where the piece's own bytes begin in the first part.
            self.joined.append(Leaf(leaf.path, is_key=False, text="", start=start, end=shift))

    def _walk(self, node: Json, path: Path, context: str, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise BodyTooDeepError
        if isinstance(node, str):
            self._add(context)
            self._leaf(path, node, END)
        elif isinstance(node, Mapping):
            for key, value in node.items():
                here = (*path, key)
                self._leaf(here, key, MEMBER if type(value) is str else END, is_key=True)
                if type(value) is str:
                    self._leaf(here, value, END)
                else:
                    self._walk(value, here, key, depth + 1)
        elif isinstance(node, (list, tuple)):
            prefix = f"{context}{MEMBER}" if context and len(context) <= _CONTEXT_MAX else ""
            for index, item in enumerate(node):
                self._walk(item, (*path, index), prefix if isinstance(item, str) else "", depth + 1)


def rebuild(node: Json, mask: Callable[[Path, str, bool], str], path: Path = ()) -> Json:
    """Copy a body with every string and key replaced by `mask(path, text, is_key)`; equal new keys are numbered."""
    if isinstance(node, str):
        return mask(path, node, False)  # noqa: FBT003 - the callback's signature is positional
    if isinstance(node, Mapping):
        copy: dict[str, Json] = {}
        for key, value in node.items():
            here = (*path, key)
            name = shown = mask(here, key, True)  # noqa: FBT003 - as above
            number = 2
            while name in copy:
                name, number = f"{shown} ({number})", number + 1
            copy[name] = rebuild(value, mask, here)
        return copy
    if isinstance(node, (list, tuple)):
        return [rebuild(item, mask, (*path, index)) for index, item in enumerate(node)]
    return node


def pointer_of(path: Path, shown: Callable[[Path, str], str]) -> str:
    """Write an RFC 6901 pointer; member names are shown as they stand in the masked body."""
    parts = []
    for index, part in enumerate(path):
        text = shown(path[: index + 1], part) if isinstance(part, str) else str(part)
        parts.append("/" + text.replace("~", "~0").replace("/", "~1"))
    return "".join(parts)
