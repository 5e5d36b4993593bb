"""Walk the syntax tree of one shell text in the order in which it would run, and judge each simple command."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tree_sitter import Node

from appliance.protection.commands.call import Call
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.expansion import Expander, substitutions
from appliance.protection.commands.heredocs import Heredoc
from appliance.protection.commands.redirects import Redirects, adjacent, is_duplicate, parts_of
from appliance.protection.commands.state import State
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Origin, Source, Word, combined, text_source

if TYPE_CHECKING:
    from appliance.protection.commands.line import Line

DEEPEST_NESTING: Final = 40
MOST_LOOP_VALUES: Final = 24
_REDIRECTS: Final = frozenset(["file_redirect", "heredoc_redirect", "herestring_redirect"])
_NO_STATEMENT: Final = frozenset(["comment", "heredoc_body", "heredoc_end", "heredoc_start"])
_LEAVES: Final = frozenset(["exit", "return", "break", "continue", "die"])
_BLANKS: Final = b" \t\n"


class Script:
    """One shell text that is being walked."""

    def __init__(self, line: "Line", source: bytes, heredocs: list[Heredoc], inherited: dict[Effect, str]) -> None:
        self.line = line
        self.source = source
        self.heredocs = heredocs
        self.inherited = inherited
        self.expander = Expander(source, self.substitute)
        self.depth = 0
        self.is_background = False

    def run(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool = False) -> Source:
        """Walk one node; give what it would write."""
        self.line.step()
        self.depth += 1
        try:
            if self.depth > DEEPEST_NESTING:
                self.line.unclear()
                return PROGRAM_OUTPUT
            visit = _VISITS.get(node.type)
            if visit is None:
                return self._other(node, state, stdin, is_piped=is_piped)
            return visit(self, node, state, stdin, is_piped=is_piped)
        finally:
            self.depth -= 1

    def substitute(self, node: Node, state: State) -> Source:
        """Walk a command or process substitution in a shell of its own."""
        inner = state.copy()
        if node.child_count == 3 and node.children[1].type == "file_redirect":  # noqa: PLR2004 - `$(< file)`
            redirects = self._redirects([node.children[1]], inner)
            return redirects.stdin or PROGRAM_OUTPUT
        stdin = PROGRAM_OUTPUT if self.source.startswith(b">(", node.start_byte) else None
        return self._sequence(node, inner, stdin, is_piped=True)

    def _other(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        if node.type in _NO_STATEMENT or not node.is_named:
            return NOTHING
        if node.type == "ERROR":
            self.line.unclear()
            return self._sequence(node, state, stdin, is_piped=is_piped)
        for each in substitutions(node):
            self.substitute(each, state)
        return NOTHING

    def _sequence(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        children = node.children
        outputs: list[Source] = []
        for position, child in enumerate(children):
            if not child.is_named or child.type in _NO_STATEMENT:
                continue
            is_background = position + 1 < len(children) and children[position + 1].type == "&"
            outer, self.is_background = self.is_background, self.is_background or is_background
            outputs.append(self.run(child, state.copy() if is_background else state, stdin, is_piped=is_piped))
            self.is_background = outer
        return combined(outputs) if outputs else NOTHING

    def _compound(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        if node.children and node.children[0].type == "((":
            if not self._text(node).endswith("))"):
                self.line.salvage(self._text(node), state, self.inherited)
            for each in substitutions(node):
                self.substitute(each, state)
            return NOTHING
        return self._sequence(node, state, stdin, is_piped=is_piped)

    def _test(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        for each in substitutions(node):
            self.substitute(each, state)
        # The grammar reads past the end of a test such as `[ -d / ] && command ]`.
        if _is_overlong(node, self.source):
            self.line.salvage(self._text(node), state, self.inherited)
        return NOTHING

    def _subshell(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        return self._sequence(node, state.copy(), stdin, is_piped=is_piped)

    def _list(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        steps: list[tuple[str, Node]] = []
        while node.type == "list":
            left, operator, right = node.children[0], node.children[1], node.children[-1]
            steps.append((operator.type, right))
            node = left
        outputs = [self.run(node, state, stdin, is_piped=is_piped)]
        earlier: State | None = None
        for operator, right in reversed(steps):
            if operator == "||":
                other = state.copy()
                outputs.append(self.run(right, other, stdin, is_piped=is_piped))
                if not self._leaves(right):
                    state.merge(other)
            else:
                earlier = earlier or state.copy()
                outputs.append(self.run(right, state, stdin, is_piped=is_piped))
        if earlier is not None:
            state.merge(earlier)
        return combined(outputs)

    def _leaves(self, node: Node) -> bool:
        return node.type == "command" and self._text(node).split(maxsplit=1)[0] in _LEAVES

    def _pipeline(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        stages = [child for child in node.children if child.is_named and child.type not in _NO_STATEMENT]
        before = len(self.line.commands)
        shells = self.line.stdin_shells
        flowing = stdin
        for position, stage in enumerate(stages):
            is_last = position == len(stages) - 1
            flowing = self.run(stage, state.copy(), flowing, is_piped=is_piped or not is_last)
        if self.line.stdin_shells > shells:
            self.line.check_connected_shell(before)
        return flowing or NOTHING

    def _if(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        outputs: list[Source] = []
        branches: list[State] = []
        has_else = False
        body: State | None = None
        for child in node.children:
            kind = child.type
            if kind == "then":
                body = state.copy()
                branches.append(body)
            elif kind == "else_clause":
                has_else = True
                branches.append(state.copy())
                outputs.append(self._sequence(child, branches[-1], stdin, is_piped=is_piped))
            elif kind == "elif_clause":
                outputs.append(self._if(child, state, stdin, is_piped=is_piped))
            elif child.is_named and kind not in _NO_STATEMENT:
                outputs.append(self.run(child, body or state, stdin, is_piped=is_piped))
        if has_else and branches:
            state.replace(branches.pop())
        for branch in branches:
            state.merge(branch)
        return combined(outputs) if outputs else NOTHING

    def _while(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        outputs = []
        for _ in range(2):
            earlier = state.copy()
            outputs.append(self._sequence(node, state, stdin, is_piped=is_piped))
            state.merge(earlier)
            if state.variables == earlier.variables and state.directories == earlier.directories:
                break
        return combined(outputs)

    def _for(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        variable = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        if variable is None or body is None:
            return self._while(node, state, stdin, is_piped=is_piped)
        values = self._words(node.children_by_field_name("value"), state)
        name = self._text(variable)
        if not any(child.type == "in" for child in node.children):
            values = list(state.positional or ()) or [Word("$" + name, is_known=False)]
        if len(values) > MOST_LOOP_VALUES:
            values = [Word("$" + name, is_known=False, may_split=True)]
        outputs: list[Source] = []
        earlier = state.copy()
        for value in dict.fromkeys(values):
            state.variables[name] = (value,)
            outputs.append(self._while(body, state, stdin, is_piped=is_piped))
        state.merge(earlier)
        return combined(outputs) if outputs else NOTHING

    def _case(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        outputs: list[Source] = []
        for child in node.children:
            if child.type == "case_item":
                branch = state.copy()
                values = {value.id for value in child.children_by_field_name("value")}
                for each in child.children:
                    if each.id in values:
                        self._other(each, branch, stdin, is_piped=is_piped)
                    elif each.is_named and each.type not in _NO_STATEMENT:
                        outputs.append(self.run(each, branch, stdin, is_piped=is_piped))
                state.merge(branch)
            elif child.type in {"command_substitution", "process_substitution"}:
                self.substitute(child, state)
            else:
                self._other(child, state, stdin, is_piped=is_piped)
        return combined(outputs) if outputs else NOTHING

    def _function(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            self.line.unclear()
            return NOTHING
        text = self._text(name).replace("\\", "")
        state.functions[text] = (body, self)
        self.line.defined[text] = (body, self, state)
        redirects = [child for child in node.children if child.type in _REDIRECTS]
        if redirects:
            self._redirected_nothing(redirects, state)
        return NOTHING

    def _redirected_nothing(self, nodes: list[Node], state: State) -> None:
        call = Call([], state, None, self.line, is_piped=False)
        self._finish(call, self._redirects(nodes, state), NOTHING)

    def _assignments(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
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
                words = (before[0]._replace(text=before[0].text + words[0].text, is_known=before[0].is_known and words[0].is_known),)
        state.variables[text] = words or (Word(""),)
        return text, state.variables[text][0]

    def _declaration(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        words: list[Word] = []
        assigned: list[tuple[str, Word]] = []
        for child in node.children:
            if child.type == "variable_assignment":
                assigned.append(self._assign(child, state))
            else:
                words.extend(self._words([child], state))
        call = Call(words, state, stdin, self.line, is_piped=is_piped)
        call.inherited = dict(self.inherited)
        out = self.line.judge_declaration(call, assigned)
        if call.effects:
            self._finish(call, Redirects(), out)
        return out

    def _negated(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        return self._sequence(node, state, stdin, is_piped=is_piped)

    def _redirected(self, node: Node, state: State, stdin: Source | None, *, is_piped: bool) -> Source:
        nodes = [child for child in node.children if child.type in _REDIRECTS]
        body = node.children[0]
        if body.type in {"file_redirect", "herestring_redirect", "heredoc_redirect"}:
            self._redirected_nothing(nodes, state)
            return NOTHING
        if body.type == "command":
            return self._command(body, state, stdin, is_piped=is_piped, redirects=nodes)
        if body.type in {"pipeline", "list"}:
            # They belong to the last command of it, and at worst are told of an earlier one.
            before = len(self.line.commands)
            redirects = self._redirects(nodes, state)
            output = self.run(body, state, redirects.stdin or stdin, is_piped=is_piped)
            self._trail(redirects, state, output, is_shell=self.line.has_shell_since(before))
            return output
        redirects = self._redirects(nodes, state)
        before = len(self.line.commands)
        output = self.run(body, state, redirects.stdin or stdin, is_piped=is_piped)
        self._trail(redirects, state, output, is_shell=self.line.has_shell_since(before))
        return output

    def _trail(self, redirects: Redirects, state: State, output: Source, *, is_shell: bool) -> None:
        """Record what the redirections of a group do, as a command of their own."""
        if redirects.extra:
            self.line.judge(self._call(redirects.extra, state, None, is_piped=False))
            redirects.extra = []
        if not (redirects.reads or redirects.writes or redirects.hosts):
            return
        call = self._call([], state, None, is_piped=False)
        if is_shell and redirects.hosts:
            call.note(Effect.REVERSE_SHELL, f"It would connect a shell to {redirects.hosts[0]}.")
        self._finish(call, redirects, output)

    def _call(self, words: list[Word], state: State, stdin: Source | None, *, is_piped: bool) -> Call:
        call = Call(words, state, stdin, self.line, is_piped=is_piped)
        call.inherited = dict(self.inherited)
        if self.is_background:
            call.note(Effect.BACKGROUND_SERVICE, "It would go on in the background.")
        return call

    def _command(
        self, node: Node, state: State, stdin: Source | None, *, is_piped: bool, redirects: list[Node] | None = None
    ) -> Source:
        nodes, assignments, redirected = self._taken_apart(node)
        words = self._words(nodes, state) if nodes else []
        own = self._redirects(redirected + (redirects or []), state)
        words += own.extra
        if not words:
            for each in assignments:
                self._assign(each, state)
            if own.reads or own.writes or own.hosts:
                self._finish(self._call([], state, None, is_piped=is_piped), own, own.stdin or NOTHING)
            return own.stdin or NOTHING
        inner = state.copy() if assignments else state
        assigned = [self._assign(each, inner) for each in assignments]
        call = self._call(words, inner, own.stdin if own.stdin is not None else stdin, is_piped=is_piped)
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

    def _taken_apart(self, node: Node) -> tuple[list[Node], list[Node], list[Node]]:
        """Give the nodes of the words, the assignments before them, and the redirections."""
        words: list[Node] = []
        assignments: list[Node] = []
        redirected: list[Node] = []
        end = node.start_byte
        for child in node.children:
            start = child.start_byte
            if start - end > 1 or (start > end and self.source[end] not in _BLANKS):
                gap = self.source[end:start]
                # The grammar skips more than a shell does, such as `\ ` and no-break spaces.
                if gap.strip(_BLANKS):
                    self.line.unclear()
            end = child.end_byte
            kind = child.type
            if kind == "command_name":
                words.append(child.children[0])
            elif kind == "variable_assignment":
                assignments.append(child)
            elif kind in _REDIRECTS:
                redirected.append(child)
            elif kind == "ERROR":
                self.line.unclear()
                words.extend(each for each in child.children if each.is_named and each.type not in _REDIRECTS)
            else:
                words.append(child)
        return words, assignments, redirected

    def _words(self, nodes: list[Node], state: State) -> list[Word]:
        words: list[Word] = []
        for group in adjacent(nodes):
            words.extend(self.expander.words(group, state))
        if not self.expander.is_clear:
            self.line.unclear()
        return words

    def _redirects(self, nodes: list[Node], state: State) -> Redirects:
        found = Redirects()
        for position, node in enumerate(nodes):
            following = nodes[position + 1].start_byte if position + 1 < len(nodes) else -1
            if node.type == "file_redirect":
                self._file_redirect(node, following, state, found)
            elif node.type == "herestring_redirect":
                groups = adjacent([child for child in node.children if child.type not in {"<<<", "file_descriptor"}])
                if groups:
                    found.stdin = text_source(self.expander.one(groups[0][0], state), "\n")
                for group in groups[1:]:
                    found.extra.extend(self.expander.words(group, state))
            else:
                self._raw_heredoc(node, state, found)
        return found

    def _file_redirect(self, node: Node, following: int, state: State, found: Redirects) -> None:
        operator, target, extra, heredoc = parts_of(node, self.source, following)
        for group in extra:
            found.extra.extend(self.expander.words(group, state))
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
        from appliance.protection.commands.paths import resolve

        if word.is_known:
            known = state.files.get(resolve(word.text, state.directories[0]))
            if known is not None:
                return known
        return Source(origins=frozenset([Origin.FILE]))

    def _raw_heredoc(self, node: Node, state: State, found: Redirects) -> None:
        """Take a here-document where the scanner gave up: everything around it is judged, but not understood."""
        self.line.unclear()
        for child in node.children:
            if child.type == "heredoc_body":
                found.stdin = text_source(self.expander.text_of(child, state))
            elif child.type == "file_redirect":
                self._file_redirect(child, -1, state, found)
            elif child.is_named and child.type not in {"heredoc_start", "heredoc_end", "file_descriptor"}:
                self.run(child, state, PROGRAM_OUTPUT)

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

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _is_overlong(node: Node, source: bytes) -> bool:
    """Tell whether a test holds what a shell would take for its end, or for another command."""
    ends = (b"]]",) if node.children[0].type == "[[" else (b"]", b"&&", b"||", b";", b"|", b"&", b"<", b">", b"\n")
    waiting = list(node.children[1:-1])
    end = node.children[0].end_byte
    if node.children[0].type == "[" and b"\n" in source[end : node.end_byte]:
        return True
    while waiting:
        current = waiting.pop()
        if current.type in {"command_substitution", "process_substitution", "string", "raw_string"}:
            continue
        if source[current.start_byte : current.end_byte] in ends:
            return True
        waiting.extend(current.children)
    return False


_Visit = Callable[..., Source]
_VISITS: Final[dict[str, _Visit]] = {
    "program": Script._sequence,
    "do_group": Script._sequence,
    "compound_statement": Script._compound,
    "subshell": Script._subshell,
    "list": Script._list,
    "pipeline": Script._pipeline,
    "if_statement": Script._if,
    "while_statement": Script._while,
    "for_statement": Script._for,
    "c_style_for_statement": Script._while,
    "case_statement": Script._case,
    "function_definition": Script._function,
    "variable_assignment": Script._assignments,
    "variable_assignments": Script._assignments,
    "declaration_command": Script._declaration,
    "unset_command": Script._declaration,
    "negated_command": Script._negated,
    "test_command": Script._test,
    "redirected_statement": Script._redirected,
    "command": Script._command,
}
