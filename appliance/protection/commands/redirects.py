"""Read the redirections of a command."""

import re
from itertools import pairwise
from typing import Final, NamedTuple

from tree_sitter import Node

from appliance.protection.commands.heredocs import MARK
from appliance.protection.commands.words import DOWNLOADED, Source, Word

_MARK: Final = MARK.encode()
_READS: Final = frozenset(["<", "<&", "<>"])
_DESCRIPTOR_STARTS: Final = frozenset([b"{", *(b"%d" % digit for digit in range(10))])
_NUMBER: Final = re.compile(rb"[0-9]{1,3}")
_ANY: Final = frozenset(["<<<", "<", ">", ">>", "&>", "&>>", "<&", ">&", ">|", "<>", "<&-", ">&-"])


class Redirects:
    """What redirections say: where input comes from, which files are written, and to which hosts they talk.

    Attributes:
        stdin: what is read instead of the input; None if that is not redirected.
        reads, writes: files.
        hosts: of `/dev/tcp/HOST/PORT`; `sends` if anything goes there.
        copies: whether a descriptor is copied.
    """

    __slots__ = ("copies", "hosts", "reads", "sends", "stdin", "writes")

    def __init__(self) -> None:
        self.stdin: Source | None = None
        self.reads: list[Word] = []
        self.writes: list[Word] = []
        self.hosts: list[str] = []
        self.sends = False
        self.copies = False

    def apply_target(self, operator: str, word: Word, content: Source | None) -> None:
        """Take one redirection to or from a named file; `content` is what the file holds, if that is known."""
        kind, _, place = word.text.removeprefix("/dev/").partition("/")
        if word.text.startswith("/dev/") and kind in {"tcp", "udp"}:
            self.hosts.append(place.partition("/")[0])
            self.sends = self.sends or operator not in {"<", "<&"}
            if operator in _READS:
                self.stdin = DOWNLOADED
            return
        if operator in _READS:
            self.stdin = content
            if word.source is None:
                self.reads.append(word)
        if operator not in {"<", "<&"}:
            self.writes.append(word)


class Parts(NamedTuple):
    """A file redirection, taken apart."""

    operator: str
    target: list[Node]
    extra: list[Node]
    heredoc: int | None


def parts_of(node: Node, source: bytes) -> Parts:
    """Take a redirection to a file or a here-string apart."""
    operator, nodes = "", []
    for child in node.children:
        if child.type in _ANY:
            operator = child.type
        elif child.type == "ERROR":
            operator = "<>" if operator == "<" else operator
        elif child.type != "file_descriptor":
            nodes.append(child)
    groups = adjacent(nodes)
    target = groups[0] if groups else []
    heredoc = None
    if target and source.startswith(_MARK, target[0].start_byte):
        found = _NUMBER.match(source, target[0].start_byte + len(_MARK))
        heredoc = int(found[0]) if found else None
    return Parts(operator, target, [each for group in groups[1:] for each in group], heredoc)


def extra_words(node: Node, source: bytes) -> list[Node]:
    """Give the nodes behind the target, which are words of the command; not the descriptor of the next redirection."""
    if node.type == "heredoc_redirect":
        return []
    first = node.children[0]
    # The grammar takes `-rf2` in `-rf2>file` for a descriptor.
    is_word = (
        first.type == "file_descriptor" and source[first.start_byte : first.start_byte + 1] not in _DESCRIPTOR_STARTS
    )
    return [first] * is_word + [
        each
        for each in parts_of(node, source).extra
        if not (each.type == "number" and source[each.end_byte : each.end_byte + 1] in {b"<", b">"})
    ]


def adjacent(nodes: list[Node]) -> list[list[Node]]:
    """Group nodes that stand without a blank between them: together they are one word."""
    groups: list[list[Node]] = []
    end = -1
    for node in _loose(nodes):
        if node.start_byte == end:
            groups[-1].append(node)
        else:
            groups.append([node])
        end = node.end_byte
    return groups


def _loose(nodes: list[Node]) -> list[Node]:
    """Take words apart that the grammar has put together over blanks, as it does after a `]`."""
    loose: list[Node] = []
    for node in nodes:
        children = node.children if node.type == "concatenation" else []
        has_gap = any(one.end_byte != other.start_byte for one, other in pairwise(children))
        loose.extend(children if has_gap else [node])
    return loose


def is_duplicate(operator: str, target: list[Node], source: bytes) -> bool:
    """Tell whether a redirection only copies or closes a descriptor."""
    if operator.endswith("&-") or not target:
        return True
    text = source[target[0].start_byte : target[-1].end_byte]
    return operator in {">&", "<&"} and (
        text.isdigit() or text == b"-" or (text[:-1].isdigit() and text.endswith(b"-"))
    )
