"""Read the redirections of a command."""

from typing import Final, NamedTuple

from tree_sitter import Node

from appliance.protection.commands.heredocs import MARK
from appliance.protection.commands.words import DOWNLOADED, Source, Word

_MARK: Final = MARK.encode()
_READS: Final = frozenset(["<", "<&", "<>"])
_ANY: Final = frozenset(["<", ">", ">>", "&>", "&>>", "<&", ">&", ">|", "<>", "<&-", ">&-"])


class Redirects:
    """What redirections say: where input comes from, which files are written, and to which hosts they talk.

    Attributes:
        stdin: what is read instead of the input; None if that is not redirected.
        reads, writes: files.
        hosts: of `/dev/tcp/HOST/PORT`; `sends` if anything goes there.
        extra: words of the command that the grammar takes for targets.
        copies: whether a descriptor is copied.
    """

    __slots__ = ("copies", "extra", "hosts", "reads", "sends", "stdin", "writes")

    def __init__(self) -> None:
        self.stdin: Source | None = None
        self.reads: list[Word] = []
        self.writes: list[Word] = []
        self.hosts: list[str] = []
        self.sends = False
        self.extra: list[Word] = []
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
    extra: list[list[Node]]
    heredoc: int | None


def parts_of(node: Node, source: bytes, following: int) -> Parts:
    """Take a `file_redirect` node apart; `following` is where the next redirection begins, -1 if there is none."""
    operator, nodes = "", []
    for child in node.children:
        if child.type in _ANY:
            operator = child.type
        elif child.type == "ERROR":
            operator = "<>" if operator == "<" else operator
        elif child.type != "file_descriptor":
            nodes.append(child)
    groups = adjacent(nodes)
    if groups and len(groups) > 1 and groups[-1][-1].type == "number" and groups[-1][-1].end_byte == following:
        # The descriptor of the next redirection.
        groups.pop()
    target = groups[0] if groups else []
    heredoc = None
    if target and source.startswith(_MARK, target[0].start_byte):
        heredoc = int(source[target[0].start_byte + len(_MARK) : target[-1].end_byte])
    return Parts(operator, target, groups[1:], heredoc)


def adjacent(nodes: list[Node]) -> list[list[Node]]:
    """Group nodes that stand without a blank between them: together they are one word."""
    groups: list[list[Node]] = []
    end = -1
    for node in nodes:
        if node.start_byte == end:
            groups[-1].append(node)
        else:
            groups.append([node])
        end = node.end_byte
    return groups


def is_duplicate(operator: str, target: list[Node], source: bytes) -> bool:
    """Tell whether a redirection only copies or closes a descriptor."""
    if operator.endswith("&-") or not target:
        return True
    text = source[target[0].start_byte : target[-1].end_byte]
    return operator in {">&", "<&"} and (text.isdigit() or text == b"-" or (text[:-1].isdigit() and text.endswith(b"-")))
