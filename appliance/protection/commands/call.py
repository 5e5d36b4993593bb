"""One simple command while it is judged: what it was given, and what has been seen so far."""

from collections.abc import Collection, Iterable
from typing import Final, Protocol

from appliance.actions.records import Command
from appliance.protection.commands.credentials import is_credential, is_environment
from appliance.protection.commands.deletion import judge_deletion
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.options import Options, split_options
from appliance.protection.commands.paths import is_below, resolve
from appliance.protection.commands.places import is_untold, meanings_of_delete, meanings_of_write
from appliance.protection.commands.state import State
from appliance.protection.commands.words import NOTHING, Flow, Source, Word

MOST_WORDS: Final = 512
LONGEST_WORD: Final = 4096
LONGEST_IN_WHY: Final = 120


class Line(Protocol):
    """The line that the command is part of."""

    project: str
    stdin_shells: int

    def run_text(self, text: str, state: State, stdin: Source | None, inherited: dict[Effect, str]) -> Source:
        """Judge shell code that the command would run."""
        ...

    def run_words(self, words: list[Word], state: State, stdin: Source | None, inherited: dict[Effect, str]) -> Source:
        """Judge a command that the command would run."""
        ...

    def step(self) -> None:
        """Count one step of what may be spent on a line."""

    def note(self, effect: Effect, why: str) -> None:
        """Record an effect that only the whole line shows."""

    def unclear(self) -> None:
        """Record that a part depends on run-time values."""


class Call:
    """A simple command that is being judged.

    Attributes:
        words: all its words, wrappers included.
        args: the words after the program that really runs.
        program: base name of that program.
        stdin: what it reads; None for what the agent's own input is.
        is_piped: whether another command reads its output.
        inherited: effects of the wrappers around it, e.g. `privileged`.
        ran: whether it ran other commands, which then are judged on their own.
    """

    __slots__ = (
        "args", "deletes", "effects", "hosts", "inherited", "is_piped", "line", "path", "program", "ran", "reads",
        "state",
        "stdin", "words", "writes",
    )  # fmt: skip

    def __init__(self, words: list[Word], state: State, flow: Flow, line: Line) -> None:
        self.words = words
        self.args = words[1:]
        self.path = words[0].text if words else ""
        self.program = ""
        self.state = state
        self.stdin = flow.stdin
        self.line = line
        self.is_piped = flow.is_piped
        self.inherited: dict[Effect, str] = {}
        self.ran = False
        self.effects: dict[Effect, str] = {}
        self.reads: dict[str, None] = {}
        self.writes: dict[str, None] = {}
        self.deletes: dict[str, None] = {}
        self.hosts: dict[str, None] = {}

    def note(self, effect: Effect, why: str) -> None:
        """Record an effect; the first sentence about it stays."""
        if effect not in self.effects:
            self.effects[effect] = why

    def unclear(self) -> None:
        """Record that a part of this depends on run-time values."""
        self.line.unclear()

    def options(self, valued: Collection[str] = (), *, is_posix: bool = False) -> Options:
        """Split the arguments; one that may become an option when it runs makes the line unclear."""
        for word in self.args:
            if word.may_split and not word.is_known:
                self.unclear()
        return split_options(self.args, valued, is_posix=is_posix)

    def resolved(self, word: Word) -> tuple[str, ...]:
        """Give the places that a word may mean, the likeliest first."""
        self.line.step()
        directories = self.state.directories
        if len(directories) == 1 and not self.state.links:
            return (resolve(word.text, directories[0]),)
        paths = dict.fromkeys([resolve(word.text, directory) for directory in directories])
        return tuple(paths) if not self.state.links else tuple(dict.fromkeys(map(self._followed, paths)))

    def _followed(self, path: str) -> str:
        """Follow a link that the line itself has made."""
        for link, target in self.state.links.items():
            if is_below(path, link):
                return target + path[len(link) :]
        return path

    def read(self, word: Word, *, is_recursive: bool = False, reveals: bool = True) -> None:
        """Record that a file is read; `reveals` whether its content comes out."""
        if not word.is_known:
            if reveals:
                self.unclear()
            if word.text[:1] not in {"/", "~"}:
                return
        for path in self.resolved(word):
            if is_untold(path):
                continue
            self.reads.setdefault(path)
            if reveals and is_environment(path):
                self.note(Effect.ENVIRONMENT_DUMP, f"It would read {shown(path)}, a process's environment.")
            elif reveals and is_credential(path, is_glob=word.is_glob, is_recursive=is_recursive):
                self.note(Effect.CREDENTIAL_READ, f"It would read {shown(path)}, where credentials are kept.")

    def read_all(self, words: Iterable[Word], *, is_recursive: bool = False, reveals: bool = True) -> None:
        """Record that files are read."""
        for word in words:
            self.read(word, is_recursive=is_recursive, reveals=reveals)

    def write(self, word: Word, content: Source | None = None) -> None:
        """Record that a file is written, with what, if that is known."""
        if not word.is_known:
            self.unclear()
            if word.text[:1] not in {"/", "~"}:
                return
        for path in self.resolved(word):
            if is_untold(path):
                continue
            self.writes.setdefault(path)
            for effect, why in meanings_of_write(path):
                self.note(effect, why)
            if content is not None:
                self.state.files[path] = content

    def delete(self, word: Word, *, is_recursive: bool) -> None:
        """Record that a file or folder is deleted, and judge it."""
        if not word.is_known:
            self.unclear()
            self.note(Effect.DESTRUCTIVE, f"It would delete {shown(word.text)}, which is known only when it runs.")
            if word.text[:1] not in {"/", "~"}:
                return
        for path in self.resolved(word):
            self.deletes.setdefault(path)
            judged = judge_deletion(path, self.line.project, is_recursive=is_recursive)
            if judged is not None:
                self.note(*judged)
            for effect, why in meanings_of_delete(path):
                self.note(effect, why)

    def host(self, name: str) -> None:
        """Record that it talks to a host."""
        if name:
            self.hosts.setdefault(name.lower())

    def network(self, what: str = "") -> None:
        """Record that it talks to some host."""
        self.note(Effect.NETWORK, what or f"{self.program} talks to a host.")

    def run_text(self, text: str, stdin: Source | None = None, state: State | None = None) -> Source:
        """Judge shell code that it would run."""
        self.ran = True
        return self.line.run_text(text, state or self.state.copy(), stdin, {**self.inherited, **self._passed_on()})

    def run_words(self, words: list[Word], stdin: Source | None = NOTHING, state: State | None = None) -> Source:
        """Judge a command that it would run."""
        self.ran = True
        return self.line.run_words(words, state or self.state.copy(), stdin, {**self.inherited, **self._passed_on()})

    def _passed_on(self) -> dict[Effect, str]:
        return {effect: why for effect, why in self.effects.items() if effect in _PASSED_ON}

    def command(self) -> Command | None:
        """Give the facts; None if it only ran others and did nothing itself."""
        effects = {**self.inherited, **self.effects} if self.inherited else self.effects
        is_silent = self.ran and not (self.reads or self.writes or self.deletes or self.hosts)
        if is_silent and not (effects.keys() - _PASSED_ON):
            return None
        texts = [word.text for word in self.words]
        if len(texts) > MOST_WORDS or max(map(len, texts), default=0) > LONGEST_WORD:
            self.unclear()
            texts = [text[:LONGEST_WORD] for text in texts[:MOST_WORDS]]
        return Command(
            program=self.program,
            words=tuple(texts),
            effects=tuple([effect.value for effect in effects]) if effects else (),
            paths_read=tuple(self.reads),
            paths_written=tuple(self.writes),
            paths_deleted=tuple(self.deletes),
            hosts=tuple(self.hosts),
            why=tuple(effects.values()),
        )


_PASSED_ON: Final = frozenset([Effect.PRIVILEGED, Effect.BACKGROUND_SERVICE, Effect.PRODUCTION_CONTEXT])


def shown(text: str) -> str:
    """Shorten a text for a sentence."""
    return text if len(text) <= LONGEST_IN_WHY else text[: LONGEST_IN_WHY - 1] + "…"
