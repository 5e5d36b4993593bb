"""What a shell remembers between commands, as far as the text tells."""

from typing import TYPE_CHECKING, Final, NamedTuple

from tree_sitter import Node

from appliance.protection.commands.words import NO_ORIGINS, Source, Word

if TYPE_CHECKING:
    from appliance.protection.commands.script import Script

MOST_DIRECTORIES: Final = 4
UNKNOWN_DIRECTORY: Final = ""

_DIFFERS: Final = (Word("", is_known=False, may_split=True),)


class Function(NamedTuple):
    """The body of a function, and the text that it stands in."""

    body: Node
    script: "Script"


class State:
    """The working directory, variables, functions and files of one shell; mutable, copied for a subshell.

    Attributes:
        directories: where it may be, the likeliest first; empty text where that is unknown.
        variables: their values; several words for an array. A name that is missing has the environment's value.
        functions: their bodies.
        aliases: their texts.
        files: content or origin of files that the line itself has written, by path; subshells share them.
        links: symbolic links that the line itself has made, and where they lead.
        positional: `$1` and on; None if unknown.
        has_connection: whether a descriptor was opened to a host.
    """

    __slots__ = ("aliases", "directories", "files", "functions", "has_connection", "links", "positional", "variables")

    def __init__(self, directory: str) -> None:
        self.directories: tuple[str, ...] = (directory,)
        self.variables: dict[str, tuple[Word, ...]] = {}
        self.functions: dict[str, Function] = {}
        self.aliases: dict[str, str] = {}
        self.files: dict[str, Source] = {}
        self.links: dict[str, str] = {}
        self.positional: tuple[Word, ...] | None = None
        self.has_connection = False

    def copy(self) -> "State":
        """A subshell's own state."""
        other = State.__new__(State)
        other.directories = self.directories
        other.variables = self.variables.copy()
        other.functions = self.functions.copy()
        other.aliases = self.aliases.copy()
        other.files = self.files
        other.links = self.links
        other.positional = self.positional
        other.has_connection = self.has_connection
        return other

    def merge(self, other: "State") -> None:
        """Be either this state or the other: what differs is unknown."""
        if other.directories != self.directories:
            both = tuple(dict.fromkeys(self.directories + other.directories))
            self.directories = both if len(both) <= MOST_DIRECTORIES else (UNKNOWN_DIRECTORY,)
        if other.variables != self.variables:
            for name in self.variables.keys() | other.variables.keys():
                if self.variables.get(name) != other.variables.get(name):
                    self.variables[name] = _either(self.variables.get(name), other.variables.get(name))
        self.functions = {**other.functions, **self.functions}
        self.aliases = {**other.aliases, **self.aliases}
        self.has_connection = self.has_connection or other.has_connection

    def replace(self, other: "State") -> None:
        """Become the other state."""
        for name in State.__slots__:
            setattr(self, name, getattr(other, name))


def _either(one: tuple[Word, ...] | None, other: tuple[Word, ...] | None) -> tuple[Word, ...]:
    origins = NO_ORIGINS.union(*(word.origins for word in (*(one or ()), *(other or ()))))
    return (_DIFFERS[0]._replace(origins=origins),)
