"""Judge the simple commands of one shell text: words, assignments, redirections."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final
from weakref import WeakMethod

from tree_sitter import Node

from appliance.protection.commands.call import Call
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.expansion import Expander
from appliance.protection.commands.grammar import REDIRECTS, is_overgrown, substitutions
from appliance.protection.commands.heredocs import Heredoc
from appliance.protection.commands.paths import resolve
from appliance.protection.commands.plain import Plain, PlainCommand
from appliance.protection.commands.redirects import Redirects, adjacent, extra_words, is_duplicate, parts_of
from appliance.protection.commands.state import State
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Flow, Origin, Source, Word, text_source

if TYPE_CHECKING:
    from appliance.protection.commands.line import Line

_BLANKS: Final = b" \t"
_FROM_FILE: Final = Source(origins=frozenset([Origin.FILE]))


class SimpleCommands(ABC):
    """The simple commands of one shell text; control flow is the subclass's.

    Attributes:
        line: what the text is part of.
        source, heredocs: the text as it was parsed, and what was taken out of it before.
        inherited: effects of the wrappers around the text.
        is_background: whether what is walked goes on in the background.
        attached: redirections that the grammar has put around a pipeline, by the command that they belong to.
    """

    def __init__(self, line: "Line", source: bytes, heredocs: list[Heredoc], inherited: dict[Effect, str]) -> None:
        self.line = line
        self.source = source
        self.heredocs = heredocs
        self.inherited = inherited
        self.expander = Expander(source, WeakMethod(self.substitute))
        self.is_background = False
        self.attached: dict[int, list[Node]] = {}

    @abstractmethod
    def run(self, node: Node | Plain, state: State, flow: Flow) -> Source:
        """Walk one node; give what it would write."""

    @abstractmethod
    def substitute(self, node: Node, state: State) -> Source:
        """Walk a command or process substitution in a shell of its own."""

    def command(self, node: Node, state: State, flow: Flow, redirects: list[Node] | None = None) -> Source:
        """Judge one simple command; `redirects` are those that the grammar has put around it."""
        after = (redirects or []) + self.attached.pop(node.id, [])
        nodes, assignments, redirected = self._taken_apart(node, after, state)
        words = self._words(nodes, state) if nodes else []
        own = self._redirects(redirected, state)
        if not words:
            for each in assignments:
                self._assign(each, state)
            if own.reads or own.writes or own.hosts:
                self._finish(self._call([], state, Flow()), own, own.stdin or NOTHING)
            return own.stdin or NOTHING
        inner = state.copy() if assignments else state
        assigned = [self._assign(each, inner) for each in assignments]
        call = self._call(words, inner, flow if own.stdin is None else flow._replace(stdin=own.stdin))
        if nodes:
            self.line.check_spelling(call, self._text(nodes[0]), words[0])
        for name, value in assigned:
            self.line.judge_assignment(call, name, value)
        output = self.line.judge(call, own)
        if own.hosts and call.program == "exec":
            inner.has_connection = True
        if assignments:
            state.directories = inner.directories
            state.files = inner.files
        self._finish(call, own, output)
        return output

    def plain(self, node: PlainCommand, state: State, flow: Flow) -> Source:
        """Judge one simple command of plain words."""
        step = self.line.step
        for _ in node.words:
            step()
        call = self._call(node.words, state, flow)
        output = self.line.judge(call)
        self.line.add(call)
        return output

    def _taken_apart(self, node: Node, after: list[Node], state: State) -> tuple[list[Node], list[Node], list[Node]]:
        """Give the nodes of the words, the assignments before them, and the redirections.

        `after` are redirections that the grammar has put around the command. Words behind the target of a redirection
        are words of the command.
        """
        words: list[Node] = []
        assignments: list[Node] = []
        redirected: list[Node] = []
        for child in [*node.children, *after]:
            kind = child.type
            if kind == "command_name":
                words.append(child.children[0])
            elif kind == "variable_assignment" and not words:
                assignments.append(child)
            elif kind in REDIRECTS:
                redirected.append(child)
                words.extend(extra_words(child, self.source))
            elif kind == "ERROR":
                self.line.unclear()
                words.extend(each for each in child.children if each.is_named and each.type not in REDIRECTS)
            elif kind == "subshell":
                # `time (command)`
                self.run(child, state.copy(), Flow())
            elif kind != "comment":
                words.append(child)
        if self._is_misread(node) or any(is_overgrown(word, self.source) for word in words):
            self.line.salvage(self._text(node), state, self.inherited)
        return words, assignments, redirected

    def _is_misread(self, node: Node) -> bool:
        """Tell whether the grammar has skipped over a newline; other skipped characters make the line unclear."""
        end = node.start_byte
        for child in node.children:
            start = child.start_byte
            if start - end > 1 or (start > end and self.source[end] not in _BLANKS):
                gap = self.source[end:start]
                if b"\n" in gap:
                    return True
                if gap.strip(_BLANKS):
                    # It skips more than a shell does, such as `\\ ` and no-break spaces.
                    self.line.unclear()
            end = child.end_byte
        return False

    def _words(self, nodes: list[Node], state: State) -> list[Word]:
        words: list[Word] = []
        for group in adjacent(nodes):
            self.line.step()
            words.extend(self.expander.words(group, state))
        if not self.expander.is_clear:
            self.line.unclear()
        return words

    def _call(self, words: list[Word], state: State, flow: Flow) -> Call:
        call = Call(words, state, flow, self.line)
        call.inherited = dict(self.inherited)
        if self.is_background:
            call.note(Effect.BACKGROUND_SERVICE, "It would go on in the background.")
        return call

    def _finish(self, call: Call, redirects: Redirects, output: Source) -> None:
        """Record what the redirections do, and add the command to the line."""
        for word in redirects.reads:
            call.read(word)
        for word in redirects.writes:
            call.write(word, output)
        for host in redirects.hosts:
            call.host(host)
            call.network(f"It would connect to {host}.")
        if redirects.hosts and redirects.sends and output.text is None:
            call.note(Effect.EXFILTRATION, f"It would send what {call.program or 'it'} writes to {redirects.hosts[0]}.")
        self.line.add(call)

    def assign_all(self, node: Node, state: State, _: Flow) -> Source:
        """Take assignments without a command."""
        children = [node] if node.type == "variable_assignment" else node.children
        for child in children:
            if child.type == "variable_assignment":
                self._assign(child, state)
        return NOTHING

    def _assign(self, node: Node, state: State) -> tuple[str, Word]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        words = self.expander.values(value, state) if value is not None else (Word(""),)
        text = self._text(name) if name is not None else ""
        if name is not None and name.type == "subscript":
            for each in substitutions(name):
                self.substitute(each, state)
            text = text.partition("[")[0]
            words = (*state.variables.get(text, ()), *words)
        elif any(child.type == "+=" for child in node.children):
            before = state.variables.get(text)
            if before is None:
                words = (words[0]._replace(is_known=False, text=f"${text}{words[0].text}"),)
            elif value is not None and value.type == "array":
                words = (*before, *words)
            else:
                words = (
                    before[0]._replace(
                        text=before[0].text + words[0].text, is_known=before[0].is_known and words[0].is_known
                    ),
                )
        state.variables[text] = words or (Word(""),)
        return text, state.variables[text][0]

    def declare(self, node: Node, state: State, flow: Flow) -> Source:
        """Judge `export`, `declare`, `unset` and their like."""
        words: list[Word] = []
        assigned: list[tuple[str, Word]] = []
        for child in node.children:
            if child.type == "variable_assignment":
                assigned.append(self._assign(child, state))
                words.append(Word(self._text(child)))
            else:
                words.extend(self._words([child], state))
        call = Call(words, state, flow, self.line)
        call.inherited = dict(self.inherited)
        out = self.line.judge_declaration(call, assigned)
        self._finish(call, Redirects(), out)
        return out

    def _redirects(self, nodes: list[Node], state: State) -> Redirects:
        found = Redirects()
        for node in nodes:
            if node.type == "file_redirect":
                self._file_redirect(node, state, found)
            elif node.type == "herestring_redirect":
                target = parts_of(node, self.source).target
                if any(is_overgrown(each, self.source) for each in target):
                    self.line.unclear()
                if target:
                    found.stdin = text_source(self.expander.one(target, state), "\n")
            else:
                self._raw_heredoc(node, state, found)
        return found

    def _file_redirect(self, node: Node, state: State, found: Redirects) -> None:
        self.line.step()
        operator, target, _, heredoc = parts_of(node, self.source)
        if any(is_overgrown(each, self.source) for each in target):
            self.line.unclear()
        if heredoc is not None:
            found.stdin = self.line.heredoc(self.heredocs[heredoc], state, self.inherited)
        elif is_duplicate(operator, target, self.source):
            found.copies = found.copies or operator in {"<&", ">&"}
        else:
            words = self.expander.words(target, state) or [Word("")]
            for word in words:
                content = word.source or self._content(word, state)
                found.apply_target(operator, word, content)

    @staticmethod
    def _content(word: Word, state: State) -> Source:
        if word.is_known:
            known = state.files.get(resolve(word.text, state.directories[0]))
            if known is not None:
                return known
        return _FROM_FILE

    def _raw_heredoc(self, node: Node, state: State, found: Redirects) -> None:
        """Take a here-document where the scanner gave up: everything around it is judged, but not understood."""
        self.line.unclear()
        for child in node.children:
            if child.type == "heredoc_body":
                found.stdin = text_source(self.expander.text_of(child, state))
            elif child.type == "file_redirect":
                self._file_redirect(child, state, found)
            elif child.is_named and child.type not in {"heredoc_start", "heredoc_end", "file_descriptor"}:
                self.run(child, state, Flow(PROGRAM_OUTPUT))

    def _redirected_nothing(self, nodes: list[Node], state: State) -> None:
        call = Call([], state, Flow(), self.line)
        self._finish(call, self._redirects(nodes, state), NOTHING)

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
