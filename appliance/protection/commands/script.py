"""Walk the syntax tree of one shell text in the order in which it would run: lists, pipelines, branches, loops."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from tree_sitter import Node

from appliance.protection.commands.effects import Effect
from appliance.protection.commands.grammar import (
    EXPRESSIONS,
    NO_STATEMENT,
    REDIRECTS,
    is_overlong_test,
    last_command,
    substitutions,
)  # fmt: skip
from appliance.protection.commands.heredocs import Heredoc
from appliance.protection.commands.plain import Plain, PlainCommand, PlainList, PlainPipeline, PlainProgram
from appliance.protection.commands.redirects import Redirects, extra_words
from appliance.protection.commands.simple import SimpleCommands
from appliance.protection.commands.state import Function, State
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Flow, Source, Word, combined

if TYPE_CHECKING:
    from appliance.protection.commands.line import Line

DEEPEST_NESTING: Final = 40
MOST_LOOP_VALUES: Final = 24
_LEAVES: Final = frozenset(["exit", "return", "break", "continue", "die"])


class Script(SimpleCommands):
    """One shell text that is being walked."""

    def __init__(self, line: "Line", source: bytes, heredocs: list[Heredoc], inherited: dict[Effect, str]) -> None:
        super().__init__(line, source, heredocs, inherited)
        self._depth = 0

    def run(self, node: Node | Plain, state: State, flow: Flow) -> Source:
        """Walk one node; give what it would write."""
        self.line.step()
        self._depth += 1
        try:
            if self._depth > DEEPEST_NESTING:
                self.line.unclear()
                return PROGRAM_OUTPUT
            return self._visits.get(node.type, Script._other)(self, node, state, flow)
        finally:
            self._depth -= 1

    def substitute(self, node: Node, state: State) -> Source:
        """Walk a command or process substitution in a shell of its own."""
        inner = state.copy()
        if node.child_count == 3 and node.children[1].type == "file_redirect":  # noqa: PLR2004 - `$(< file)`
            redirects = self._redirects([node.children[1]], inner)
            return redirects.stdin or PROGRAM_OUTPUT
        stdin = PROGRAM_OUTPUT if self.source.startswith(b">(", node.start_byte) else None
        return self._sequence(node, inner, Flow(stdin, is_piped=True))

    def _other(self, node: Node, state: State, flow: Flow) -> Source:
        if node.type in NO_STATEMENT or not node.is_named:
            return NOTHING
        if node.type in EXPRESSIONS:
            for each in (
                [node] if node.type in {"command_substitution", "process_substitution"} else substitutions(node)
            ):
                self.substitute(each, state)
            return NOTHING
        # Something wrong, or new to this walk: what is in it is judged all the same.
        self.line.unclear()
        return self._sequence(node, state, flow)

    def _sequence(self, node: Node, state: State, flow: Flow) -> Source:
        children = node.children
        outputs: list[Source] = []
        for position, child in enumerate(children):
            if not child.is_named or child.type in NO_STATEMENT:
                continue
            is_background = position + 1 < len(children) and children[position + 1].type == "&"
            outer, self.is_background = self.is_background, self.is_background or is_background
            outputs.append(self.run(child, state.copy() if is_background else state, flow))
            self.is_background = outer
        return combined(outputs) if outputs else NOTHING

    def _plain_program(self, node: PlainProgram, state: State, flow: Flow) -> Source:
        return combined([self.run(each, state, flow) for each in node.statements])

    def _compound(self, node: Node, state: State, flow: Flow) -> Source:
        if node.children and node.children[0].type == "((":
            if not self._text(node).endswith("))"):
                self.line.salvage(self._text(node), state, self.inherited)
            for each in substitutions(node):
                self.substitute(each, state)
            return NOTHING
        return self._sequence(node, state, flow)

    def _test(self, node: Node, state: State, _: Flow) -> Source:
        for each in substitutions(node):
            self.substitute(each, state)
        # The grammar reads past the end of a test such as `[ -d / ] && command ]`.
        if is_overlong_test(node, self.source):
            self.line.salvage(self._text(node), state, self.inherited)
        return NOTHING

    def _subshell(self, node: Node, state: State, flow: Flow) -> Source:
        return self._sequence(node, state.copy(), flow)

    def _list(self, node: Node, state: State, flow: Flow) -> Source:
        steps: list[tuple[str, Node]] = []
        while node.type == "list":
            left, operator, right = node.children[0], node.children[1], node.children[-1]
            steps.append((operator.type, right))
            node = left
        return self._chained(node, steps[::-1], state, flow)

    def _plain_list(self, node: PlainList, state: State, flow: Flow) -> Source:
        return self._chained(node.first, node.steps, state, flow)

    def _chained(
        self, first: Node | Plain, steps: Sequence[tuple[str, Node | Plain]], state: State, flow: Flow
    ) -> Source:
        before = state.copy()
        outputs = [self.run(first, state, flow)]
        earlier: State | None = None
        for position, (kind, right) in enumerate(steps):
            if kind == "||":
                # It runs where something on its left has failed: a `cd` that failed has changed nothing.
                other = before.copy()
                if position:
                    other.merge(state)
                outputs.append(self.run(right, other, flow))
                if not self._leaves(right):
                    state.merge(other)
            else:
                earlier = earlier or state.copy()
                outputs.append(self.run(right, state, flow))
        if earlier is not None:
            state.merge(earlier)
        return combined(outputs)

    def _leaves(self, node: Node | Plain) -> bool:
        if not isinstance(node, Node):
            return isinstance(node, PlainCommand) and node.words[0].text in _LEAVES
        return node.type == "command" and self._text(node).partition(" ")[0].strip() in _LEAVES

    def _pipeline(self, node: Node, state: State, flow: Flow) -> Source:
        stages = [child for child in node.children if child.is_named and child.type not in NO_STATEMENT]
        return self._piped(stages, state, flow)

    def _plain_pipeline(self, node: PlainPipeline, state: State, flow: Flow) -> Source:
        return self._piped(node.stages, state, flow)

    def _piped(self, stages: Sequence[Node | Plain], state: State, flow: Flow) -> Source:
        before = len(self.line.commands)
        shells = self.line.stdin_shells
        flowing = flow.stdin
        for position, stage in enumerate(stages):
            is_last = position == len(stages) - 1
            flowing = self.run(stage, state.copy(), Flow(flowing, is_piped=flow.is_piped or not is_last))
        if self.line.stdin_shells > shells:
            self.line.check_connected_shell(before)
        return flowing or NOTHING

    def _if(self, node: Node, state: State, flow: Flow) -> Source:
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
                outputs.append(self._sequence(child, branches[-1], flow))
            elif kind == "elif_clause":
                outputs.append(self._if(child, state, flow))
            elif child.is_named and kind not in NO_STATEMENT:
                outputs.append(self.run(child, body or state, flow))
        if has_else and branches:
            state.replace(branches.pop())
        for branch in branches:
            state.merge(branch)
        return combined(outputs) if outputs else NOTHING

    def _while(self, node: Node, state: State, flow: Flow) -> Source:
        outputs = []
        for _ in range(2):
            earlier = state.copy()
            outputs.append(self._sequence(node, state, flow))
            state.merge(earlier)
            if state.variables == earlier.variables and state.directories == earlier.directories:
                break
        return combined(outputs)

    def _for(self, node: Node, state: State, flow: Flow) -> Source:
        variable = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        if variable is None or body is None:
            return self._while(node, state, flow)
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
            outputs.append(self._while(body, state, flow))
        state.merge(earlier)
        return combined(outputs) if outputs else NOTHING

    def _case(self, node: Node, state: State, flow: Flow) -> Source:
        outputs: list[Source] = []
        for child in node.children:
            if child.type == "case_item":
                branch = state.copy()
                values = {value.id for value in child.children_by_field_name("value")}
                for each in child.children:
                    if each.id in values:
                        self._other(each, branch, flow)
                    elif each.is_named and each.type not in NO_STATEMENT:
                        outputs.append(self.run(each, branch, flow))
                state.merge(branch)
            elif child.type in {"command_substitution", "process_substitution"}:
                self.substitute(child, state)
            else:
                self._other(child, state, flow)
        return combined(outputs) if outputs else NOTHING

    def _function(self, node: Node, state: State, _: Flow) -> Source:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            self.line.unclear()
            return NOTHING
        text = self._text(name).replace("\\", "")
        state.functions[text] = Function(body, self)
        self.line.defined[text] = (state.functions[text], state)
        redirects = [child for child in node.children if child.type in REDIRECTS]
        if redirects:
            self._redirected_nothing(redirects, state)
        return NOTHING

    def _negated(self, node: Node, state: State, flow: Flow) -> Source:
        return self._sequence(node, state, flow)

    def _redirected(self, node: Node, state: State, flow: Flow) -> Source:
        nodes = [child for child in node.children if child.type in REDIRECTS]
        body = node.children[0]
        if body.type in REDIRECTS:
            return self.command(node, state, flow)
        if body.type == "command":
            return self.command(body, state, flow, nodes)
        last = last_command(body)
        if last is not None:
            # They belong to the last command of a pipeline or list.
            self.attached[last.id] = nodes
            return self.run(body, state, flow)
        redirects = self._redirects(nodes, state)
        extra = [word for each in nodes for word in extra_words(each, self.source)]
        if extra:
            # Only something wrong can stand behind a group; it is judged by itself.
            self.line.unclear()
            self.line.run_words(self._words(extra, state), state.copy(), None, self.inherited)
        before = len(self.line.commands)
        output = self.run(body, state, flow._replace(stdin=redirects.stdin or flow.stdin))
        self._trail(redirects, state, output, is_shell=self.line.has_shell_since(before))
        return output

    def _trail(self, redirects: Redirects, state: State, output: Source, *, is_shell: bool) -> None:
        """Record what the redirections of a group do, as a command of their own."""
        if not (redirects.reads or redirects.writes or redirects.hosts):
            return
        call = self._call([], state, Flow())
        if is_shell and redirects.hosts:
            call.note(Effect.REVERSE_SHELL, f"It would connect a shell to {redirects.hosts[0]}.")
        self._finish(call, redirects, output)

    _visits: ClassVar[Mapping[str, Callable[..., Source]]] = {
        "program": _sequence,
        "do_group": _sequence,
        "compound_statement": _compound,
        "subshell": _subshell,
        "list": _list,
        "pipeline": _pipeline,
        "if_statement": _if,
        "while_statement": _while,
        "for_statement": _for,
        "c_style_for_statement": _while,
        "case_statement": _case,
        "function_definition": _function,
        "variable_assignment": SimpleCommands.assign_all,
        "variable_assignments": SimpleCommands.assign_all,
        "declaration_command": SimpleCommands.declare,
        "unset_command": SimpleCommands.declare,
        "negated_command": _negated,
        "test_command": _test,
        "redirected_statement": _redirected,
        "command": SimpleCommands.command,
        "plain_program": _plain_program,
        "plain_list": _plain_list,
        "plain_pipeline": _plain_pipeline,
        "plain_command": SimpleCommands.plain,
    }
