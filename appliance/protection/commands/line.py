"""A whole shell line while it is judged: every command found, what only the line shows, and how much was spent."""

from typing import Final

from tree_sitter import Node

from appliance.actions.records import Command
from appliance.protection.commands.budget import Budget, SpentError
from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.dispatch import judge
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.environment import judge_assignment, judge_declaration
from appliance.protection.commands.expansion import FIRST_PRIVATE
from appliance.protection.commands.fragments import fragments_of
from appliance.protection.commands.heredocs import Heredoc, separate
from appliance.protection.commands.parsing import LONGEST_TEXT, parse
from appliance.protection.commands.paths import resolve
from appliance.protection.commands.plain import plain_program
from appliance.protection.commands.redirects import Redirects
from appliance.protection.commands.script import Script
from appliance.protection.commands.shells import SHELLS
from appliance.protection.commands.spelling import is_spelled_oddly, reorders_text
from appliance.protection.commands.state import Function, State
from appliance.protection.commands.words import PROGRAM_OUTPUT, Flow, Source, Word, text_source

MOST_COMMANDS: Final = 512
DEEPEST_SHELL: Final = 12
MOST_SALVAGES: Final = 16
_CONNECTORS: Final = frozenset(
    ["nc", "ncat", "netcat", "socat", "telnet", "openssl", "nc.traditional", "nc.openbsd", "pwncat"]
)


class Line:
    """Collects what is seen in one shell line and in all that it runs.

    Attributes:
        project: the agent's working directory.
        commands: found so far, in order, without repetitions.
        effects: what only the whole line shows, each with its sentence.
        is_understood: see Facts.
        defined: functions of the line; those never called are judged at the end.
        stdin_shells: how many shells read their code from a pipe.
    """

    def __init__(self, project: str) -> None:
        self.project = resolve(project, "") if project else ""
        self.commands: list[Command] = []
        self.effects: dict[Effect, str] = {}
        self.is_understood = True
        self.defined: dict[str, tuple[Function, State]] = {}
        self.stdin_shells = 0
        self._seen: set[Command] = set()
        self._called: list[tuple[int, int]] = []
        self._ever_called: set[str] = set()
        self._budget = Budget()
        self._depth = 0
        self._is_salvaging = False
        self._salvages = 0

    def judge_all(self, text: str, folder: str = "") -> None:
        """Judge the whole text, in a folder of the project if one is given; SpentError if it is too large."""
        self.run_text(text, State(resolve(folder, self.project) if folder else self.project), None, {})
        for name, ((body, script), state) in list(self.defined.items()):
            if name not in self._ever_called:
                script.run(body, state.copy(), Flow())

    def step(self) -> None:
        """Count one step; beyond the limit the rest is not judged (SpentError)."""
        self._budget.step()

    def unclear(self) -> None:
        """Record that a part could not be parsed or depends on run-time values."""
        self.is_understood = False

    def note(self, effect: Effect, why: str) -> None:
        """Record what only the whole line shows."""
        self.effects.setdefault(effect, why)

    def add(self, call: Call) -> None:
        """Add a judged command."""
        command = call.command()
        if command is None or command in self._seen:
            return
        if len(self.commands) >= MOST_COMMANDS:
            raise SpentError
        self._seen.add(command)
        self.commands.append(command)

    def run_text(self, text: str, state: State, stdin: Source | None, inherited: dict[Effect, str]) -> Source:
        """Judge shell code in a given state."""
        self.step()
        if self._depth >= DEEPEST_SHELL or not self._is_clean(text):
            self.unclear()
            if self._depth >= DEEPEST_SHELL:
                return PROGRAM_OUTPUT
            text = "".join(character if "\0" < character < FIRST_PRIVATE else "�" for character in text)
        separated = separate(text)
        if separated is None:
            text = text.replace("\n\\", "\n \\")
        source = (separated.text if separated else text).encode("utf-8", "replace")
        if len(source) > LONGEST_TEXT:
            # What lies beyond is not judged: that makes it not understood, and never weakens what is seen before.
            self.unclear()
            source = source[:LONGEST_TEXT].rpartition(b"\n")[0] or source[:LONGEST_TEXT]
        self._budget.take(len(source))
        plain = plain_program(separated.text) if separated and not separated.heredocs else None
        root = plain or parse(source, self._budget)
        if root is None:
            self.unclear()
            return PROGRAM_OUTPUT
        script = Script(self, source, separated.heredocs if separated else [], inherited)
        self._depth += 1
        try:
            if isinstance(root, Node) and root.has_error and not _is_forgiven(root):
                self.salvage(source.decode("utf-8", "replace"), state, inherited)
            return script.run(root, state, Flow(stdin))
        finally:
            self._depth -= 1

    def salvage(self, text: str, state: State, inherited: dict[Effect, str]) -> None:
        """Judge the pieces of a text that the grammar cannot read, so that the worst in it is still seen."""
        self.unclear()
        self._salvages += 1
        if self._is_salvaging or self._salvages > MOST_SALVAGES:
            return
        self._is_salvaging = True
        try:
            for piece in fragments_of(text):
                if piece != text:
                    self.run_text(piece, state.copy(), None, inherited)
        finally:
            self._is_salvaging = False

    def run_words(self, words: list[Word], state: State, stdin: Source | None, inherited: dict[Effect, str]) -> Source:
        """Judge a command that is given by its words."""
        self.step()
        if self._depth >= DEEPEST_SHELL:
            self.unclear()
            return PROGRAM_OUTPUT
        call = Call(words, state, Flow(stdin), self)
        call.inherited = inherited
        self._depth += 1
        try:
            output = self.judge(call)
        finally:
            self._depth -= 1
        self.add(call)
        return output

    def judge(self, call: Call, redirects: Redirects | None = None) -> Source:
        """Judge one simple command: a function of the line, an alias, or a program."""
        self.step()
        name = call.words[0].text if call.words else ""
        if name in call.state.functions:
            return self._run_function(name, call)
        alias = call.state.aliases.get(name)
        if alias is not None:
            state = call.state.copy()
            del state.aliases[name]
            rest = " ".join(_quoted(word.text) for word in call.words[1:])
            return call.run_text(f"{alias} {rest}", call.stdin, state)
        output = judge(call)
        if redirects is not None and call.program in SHELLS:
            if redirects.hosts:
                call.note(Effect.REVERSE_SHELL, f"It would connect a shell to {shown(redirects.hosts[0])}.")
            elif redirects.copies and call.state.has_connection:
                call.note(Effect.REVERSE_SHELL, "It would connect a shell to a host.")
        return output

    def judge_declaration(self, call: Call, assigned: list[tuple[str, Word]]) -> Source:
        """Judge `export`, `declare`, `unset` and their like."""
        return judge_declaration(call, assigned)

    def judge_assignment(self, call: Call, name: str, value: Word) -> None:
        """Judge an assignment before a command."""
        judge_assignment(call, name, value)

    def check_spelling(self, call: Call, written: str, word: Word) -> None:
        """See whether the program's name is written in a way that hides it."""
        if word.is_disguised or is_spelled_oddly(written, word):
            call.note(Effect.OBFUSCATED, f"It hides which program it runs: {shown(written)}.")

    def heredoc(self, heredoc: Heredoc, state: State, inherited: dict[Effect, str]) -> Source:
        """Give the content of a here-document, and judge the substitutions in it."""
        if heredoc.is_literal or not any(character in heredoc.body for character in "$`\\"):
            return Source(text=heredoc.body)
        source = f"cat <<__END_OF_BODY__\n{heredoc.body}__END_OF_BODY__\n".encode("utf-8", "replace")
        root = parse(source, self._budget)
        body = _find(root, "heredoc_body") if root is not None else None
        if body is None or (root is not None and root.has_error):
            self.unclear()
        if body is None:
            return Source(text=heredoc.body, is_exact=False)
        script = Script(self, source, [], inherited)  # which must live as long as its expander works
        return text_source(script.expander.text_of(body, state))

    def has_shell_since(self, position: int) -> bool:
        """Tell whether a shell is among the commands since a position."""
        return any(command.program in SHELLS for command in self.commands[position:])

    def check_connected_shell(self, position: int) -> None:
        """See whether a pipeline with a shell in it is connected to a host."""
        programs = {command.program for command in self.commands[position:]}
        if programs & _CONNECTORS:
            self.note(Effect.REVERSE_SHELL, f"A shell is connected to {min(programs & _CONNECTORS)}.")

    def _is_clean(self, text: str) -> bool:
        if reorders_text(text):
            self.note(Effect.OBFUSCATED, "It holds characters that make it read otherwise than it runs.")
        return _is_plain(text)

    def _run_function(self, name: str, call: Call) -> Source:
        call.program = name
        body, script = call.state.functions[name]
        key = (id(script), body.id)
        if key in self._called or len(self._called) >= DEEPEST_SHELL:
            return PROGRAM_OUTPUT
        outer, call.state.positional = call.state.positional, tuple(call.words[1:])
        self._called.append(key)
        self._ever_called.add(name)
        try:
            return script.run(body, call.state, Flow(call.stdin, call.is_piped))
        finally:
            self._called.pop()
            call.state.positional = outer


def _is_plain(text: str) -> bool:
    """Tell whether a text has none of the characters that shells and grammar take differently."""
    return "\0" not in text and "\r" not in text and (text.isascii() or max(text) < FIRST_PRIVATE)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _find(root: Node, kind: str) -> Node | None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            return node
        waiting.extend(node.children)
    return None


def _is_forgiven(root: Node) -> bool:
    """Tell whether all errors are `<>`, which the grammar does not know."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_missing:
            return False
        if node.type == "ERROR" and not (
            node.text == b">" and node.parent is not None and node.parent.type == "file_redirect"
        ):
            return False
        if node.has_error:
            waiting.extend(node.children)
    return True
