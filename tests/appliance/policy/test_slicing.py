"""Leaving policies out must never change a verdict: checked against Cedar with all policies and all attributes."""

import cedarpy
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.actions.records import Action, Command, Facts, Kind, Moment, Outcome
from appliance.policy.compilation import CompiledPolicies
from appliance.policy.context import ATTRIBUTES, DIFFERENT_ALONE, Request, project_directories, requests_of
from appliance.policy.evaluation import evaluate
from appliance.policy.index import View
from appliance.policy.records import Subject
from appliance.policy.validation import compile_policies

SUBJECT = Subject(machine="m", person="p", groups=("dev",))
WORDS = st.sampled_from(["a", "b", "c"])
TEXT_NAMES = st.sampled_from(["program", "command", "tool"])
SET_NAMES = st.sampled_from(["effects", "programs", "words", "groups"])
FAILING = "(if context.understood then 9223372036854775807 + 1 == 0 else true)"


def _literals(words: list[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


ATOMS = st.one_of(
    st.builds(lambda name, word: f'context.{name} == "{word}"', TEXT_NAMES, WORDS),
    st.builds(lambda name, word: f'"{word}" != context.{name}', TEXT_NAMES, WORDS),
    st.builds(lambda name, word: f'context.{name} like "*{word}*{word}"', TEXT_NAMES, WORDS),
    st.builds(lambda name, word: f'context.{name} like "{word}"', TEXT_NAMES, WORDS),
    st.builds(lambda name, word: f'context.{name}.contains("{word}")', SET_NAMES, WORDS),
    st.builds(
        lambda name, method, words: f"context.{name}.{method}({_literals(words)})",
        SET_NAMES,
        st.sampled_from(["containsAny", "containsAll"]),
        st.lists(WORDS, min_size=1, max_size=3),
    ),
    st.builds(
        lambda name, words: f"{_literals(words)}.contains(context.{name})",
        TEXT_NAMES,
        st.lists(WORDS, min_size=1, max_size=3),
    ),
    st.builds(
        lambda name, method, words: f"{_literals(words)}.{method}(context.{name})",
        SET_NAMES,
        st.sampled_from(["containsAny", "containsAll"]),
        st.lists(WORDS, min_size=1, max_size=2),
    ),
    st.builds(lambda name: f"context.{name}.isEmpty()", SET_NAMES),
    st.builds(lambda one, two: f"context.{one} == context.{two}", TEXT_NAMES, TEXT_NAMES),
    st.sampled_from(["context.understood", "true", "false", 'resource in Project::"/a"', FAILING]),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda one, two: f"({one} && {two})", inner, inner),
        st.builds(lambda one, two: f"({one} || {two})", inner, inner),
        st.builds(lambda one: f"!({one})", inner),
        st.builds(lambda one, two, three: f"(if {one} then {two} else {three})", inner, inner, inner),
    ),
    max_leaves=6,
)
SCOPES = st.builds(
    lambda principal, action, resource: f"{principal}, {action}, {resource}",
    st.sampled_from(["principal", 'principal == Agent::"claude"', 'principal in Agent::"codex"', "principal is Agent"]),
    st.sampled_from(
        ["action", 'action == Action::"shell"', 'action in [Action::"mcp", Action::"shell"]', 'action in Action::"mcp"']
    ),
    st.sampled_from(
        ["resource", 'resource == Project::"/a/b"', 'resource in Project::"/a"', 'resource is Project in Project::"/"']
    ),
)
CLAUSES = st.lists(
    st.builds(lambda kind, condition: f"{kind} {{ {condition} }}", st.sampled_from(["when", "unless"]), CONDITIONS),
    max_size=2,
)
POLICIES = st.lists(
    st.builds(
        lambda effect, scope, clauses: f"{effect} ({scope}) {' '.join(clauses)};",
        st.sampled_from(["permit", "forbid", "forbid", "@ask forbid"]),
        SCOPES,
        CLAUSES,
    ),
    max_size=7,
).map(lambda policies: "\n".join(f'@id("p{number}") {policy}' for number, policy in enumerate(policies)))
PATHS = st.lists(st.sampled_from(["/a", "/a/b", "~/a", "/home/a/b"]), max_size=2).map(tuple)
COMMANDS = st.builds(
    Command,
    program=st.sampled_from(["", "a", "b"]),
    words=st.lists(WORDS, max_size=3).map(tuple),
    effects=st.lists(WORDS, max_size=2, unique=True).map(tuple),
    paths_read=PATHS,
    paths_written=PATHS,
    paths_deleted=PATHS,
    hosts=st.lists(st.sampled_from(["a.b", "c.b"]), max_size=1).map(tuple),
)
FACTS = st.builds(
    lambda commands, understood: Facts(
        commands=tuple(commands),
        effects=tuple(sorted({effect for command in commands for effect in command.effects})),
        is_understood=understood,
    ),
    st.lists(COMMANDS, max_size=3),
    st.booleans(),
)
ACTIONS = st.builds(
    lambda agent, kind, tool, project: Action(
        agent=agent, event="E", moment=Moment.BEFORE_TOOL, kind=kind, tool=tool, project=project
    ),
    st.sampled_from(["claude", "codex"]),
    st.sampled_from([Kind.SHELL, Kind.MCP]),
    st.sampled_from(["", "a", "ab"]),
    st.sampled_from(["", "/", "/a/b", "/a", "/ab", "/a/../b"]),
)


def _cedar(text: str, request: Request) -> cedarpy.AuthzResult:
    """Ask Cedar about one request with every policy, attribute and folder."""
    action = request.action
    project = {"type": "Project", "id": action.project}
    above = [{"type": "Project", "id": each} for each in project_directories(request) if each != action.project]
    return cedarpy.is_authorized(
        {
            "principal": {"type": "Agent", "id": action.agent},
            "action": {"type": "Action", "id": action.kind.value},
            "resource": project,
            "context": msgspec.json.encode({name: build(request) for name, build in ATTRIBUTES.items()}).decode(),
        },
        text,
        [{"uid": project, "attrs": {}, "parents": above}],
    )


def _expected(compiled: CompiledPolicies, requests: list[Request]) -> tuple[Outcome, set[str]]:
    """Decide as the documentation says, in the plainest way."""
    effects = {policy.match.id: policy.match.effect for policy in compiled.policies}
    without_asks = "\n".join(line for line in compiled.text.splitlines() if "@ask" not in line)
    results = [_cedar(compiled.text, request) for request in requests]
    errors = [error for result in results for error in result.diagnostics.errors]
    if errors:
        return Outcome.DENY, {name for name in effects if any(f"`policy{name[1:]}`" in error for error in errors)}
    named = [{f"p{reason[6:]}" for reason in result.diagnostics.reasons} for result in results]
    if all(result.allowed for result in results):
        return Outcome.ALLOW, set().union(*named)
    plain: set[str] = set()
    hopeless = False
    for request, result, names in zip(requests, results, named, strict=True):
        if not result.allowed:
            plain |= {name for name in names if effects[name] == "forbid"}
            hopeless = hopeless or not names or any(effects[name] != "ask" for name in names)
            hopeless = hopeless or not _cedar(without_asks, request).allowed
    if hopeless:
        return Outcome.DENY, plain
    refused = [names for result, names in zip(results, named, strict=True) if not result.allowed]
    return Outcome.ASK, set().union(*refused)


@settings(max_examples=150, deadline=None)
@given(POLICIES, ACTIONS, FACTS)
def test_slicing_never_changes_a_verdict(text: str, action: Action, facts: Facts) -> None:
    """Random policies and actions: same outcome and same deciding policies with and without the index."""
    compiled = compile_policies(text, 1)
    verdict = evaluate(compiled, action, facts, (), SUBJECT)
    outcome, names = _expected(compiled, requests_of(action, facts, (), SUBJECT))
    assert (verdict.outcome, {policy.id for policy in verdict.policies}) == (outcome, names)


def test_policies_about_other_things_are_left_out() -> None:
    """Of a thousand policies, only those that the action could concern are put to Cedar."""
    others = [
        f'@id("other-{number}") forbid (principal, action, resource) when {{ context.program == "tool-{number}" }};'
        for number in range(990)
    ]
    near = [
        f'@id("near-{number}") forbid (principal, action == Action::"shell", resource) '
        f'when {{ context.effects.contains("network") }} unless {{ context.words.contains("w-{number}") }};'
        for number in range(9)
    ]
    compiled = compile_policies("\n".join(['@id("base") permit (principal, action, resource);', *others, *near]), 1)
    action = Action(agent="claude", event="E", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL, project="/a")
    command = Command(program="tool-3", words=("tool-3", "w-4"), effects=("network",))
    (request,) = requests_of(action, Facts(commands=(command,), effects=("network",)), (), SUBJECT)
    chosen = {compiled.policies[position].match.id for position in compiled.candidates([View(request)])}
    assert chosen == {"base", "other-3", *(f"near-{number}" for number in range(9) if number != 4)}


def test_a_policy_that_may_fail_is_never_left_out_by_its_condition() -> None:
    """Arithmetic can overflow before the rest of the condition is looked at, and that must be seen."""
    condition = f'{FAILING} && context.program == "x"'
    forbid = f'@id("f") forbid (principal, action, resource) when {{ {condition} }};'
    text = f'@id("p") permit (principal, action, resource);\n{forbid}'
    compiled = compile_policies(text, 1)
    action = Action(agent="claude", event="E", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL)
    verdict = evaluate(compiled, action, Facts(), (), SUBJECT)
    assert verdict.outcome is Outcome.DENY


PATTERN_PARTS = st.lists(st.sampled_from(["*", "*", "a", "b", "ab", " ", "\\*", "\\n", "é"]), max_size=6).map("".join)
PATTERN_TEXTS = st.lists(st.sampled_from(["a", "b", "ab", " ", "*", "\n", "é"]), max_size=7).map("".join)


@settings(max_examples=400, deadline=None)
@given(PATTERN_PARTS, PATTERN_TEXTS)
def test_what_matches_an_excluding_pattern_is_left_out_exactly_if_cedar_says_so(pattern: str, tool: str) -> None:
    """A forbid `unless` a text is like a pattern: left out for every ASCII text that Cedar finds like it, else kept."""
    text = f'@id("p0") forbid (principal, action, resource) unless {{ context.tool like "{pattern}" }};'
    action = Action(agent="claude", event="E", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL, tool=tool)
    (request,) = requests_of(action, Facts(), (), SUBJECT)
    forbids = bool(_cedar(text, request).diagnostics.reasons)
    is_left_out = not compile_policies(text, 1).candidates([View(request)])
    assert is_left_out == (tool.isascii() and not forbids)


def test_what_matches_no_excluding_pattern_is_kept_whatever_else_the_policies_share() -> None:
    """Policies under one pattern and under several are each found by the texts that do not match theirs."""
    patterns = ["git *", "git *", "git push*", "*origin", "g*t *h*n"]
    text = "\n".join(
        f'@id("p{number}") forbid (principal, action, resource) when {{ context.programs.contains("git") }} '
        f'unless {{ context.command like "{pattern}" || context.session == "s{number}" }};'
        for number, pattern in enumerate(patterns)
    )
    compiled = compile_policies(text, 1)

    def kept(command: str, session: str = "") -> set[int]:
        action = Action(
            agent="claude", event="E", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL, session=session,
            arguments={"command": command},
        )  # fmt: skip
        (request,) = requests_of(action, Facts(commands=(Command(program="git"),)), (), SUBJECT)
        return set(compiled.candidates([View(request)]))

    assert kept("git push origin") == set()
    assert kept("git pull origin main") == {2, 3, 4}
    assert kept("git pull origin main", "s2") == {3, 4}
    assert kept("sudo git push") == {0, 1, 2, 3, 4}
    assert kept("git push örigin") == {0, 1, 2, 3, 4}


@given(ACTIONS, FACTS)
def test_what_a_command_alone_has_the_whole_action_has(action: Action, facts: Facts) -> None:
    """What the index need not look for in the commands, because it was not in the whole action, is in none of them."""
    whole, *alone = [View(request) for request in requests_of(action, facts, (), SUBJECT)]
    for name in (ATTRIBUTES.keys() | {"principal", "action", "resource"}) - DIFFERENT_ALONE:
        for view in alone:
            assert view.keys(name) <= whole.keys(name), name
