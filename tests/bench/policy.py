"""Time of one evaluation, by how many policies there are and how many of them concern the action."""

import statistics
import time

from appliance.actions.records import Action, Facts, Kind, Moment
from appliance.policy.compilation import STARTER_TEXT, CompiledPolicies
from appliance.policy.evaluation import evaluate
from appliance.policy.records import Subject
from appliance.policy.validation import compile_policies
from appliance.protection.commands.facts import facts_of
from tests.bench.figures import Figures

SIZES = (10, 100, 1000)
PERCENTS = (1, 10)
ACTIONS = 64
ROUNDS = 24
_SUBJECT = Subject(machine="018f0000-0000-7000-8000-000000000001", person="018f0000-0000-7000-8000-000000000002")
_Case = tuple[Action, Facts]
# Policies of other teams: what they need is not in the action. Several forms, as people write them.
_ELSEWHERE = (
    'forbid (principal, action == Action::"shell", resource) when {{ context.programs.contains("tool{0}") }};',
    'forbid (principal, action, resource) when {{ context.hosts.contains("host{0}.example.org") }};',
    'forbid (principal, action, resource) when {{ context.directories_written.contains("/srv/team{0}") }};',
    'forbid (principal == Agent::"codex", action, resource) when {{ context.words.contains("--option{0}") }};',
    'permit (principal, action == Action::"mcp", resource) when {{ context.mcp_server == "server{0}" }};',
    'forbid (principal, action == Action::"shell", resource) when {{ context.command like "*deploy-{0}*" }};',
)
# Policies that concern the action: everything that can be looked up holds. Cedar must evaluate each permit; of the
# forbids, which it had to evaluate too, the index knows since that their pattern is matched.
_HERE = (
    """permit (principal, action == Action::"shell", resource)
when {{ context.programs.contains("git") && context.session != "nobody-{0}" }};""",
    """forbid (principal, action == Action::"shell", resource) when {{ context.programs.contains("git") }}
unless {{ context.command like "git *" || context.session == "nobody-{0}" }};""",
)


def measure() -> Figures:
    """Median microseconds for each number and share, in alternating rounds, and the ratios to 10 policies."""
    cases = [_case(number) for number in range(ACTIONS)]
    sets = {(percent, size): compile_policies(_text(size, percent), 1) for percent in PERCENTS for size in SIZES}
    times: dict[tuple[int, int], list[float]] = {key: [] for key in sets}
    for _ in range(ROUNDS):
        for key, compiled in sets.items():
            times[key] += _times(compiled, cases)
    figures: Figures = {}
    for percent in PERCENTS:
        medians = {size: statistics.median(times[percent, size]) for size in SIZES}
        figures[f"concerning_{percent}_percent"] = {
            **{f"policies_{size}_us": round(1e6 * medians[size], 1) for size in SIZES},
            "ratio_100_to_10": round(medians[100] / medians[10], 2),
            "ratio_1000_to_10": round(medians[1000] / medians[10], 2),
        }
    starter = compile_policies(STARTER_TEXT, 1)
    pack = [each for _ in range(ROUNDS) for each in _times(starter, cases)]
    figures["starter_pack_us"] = round(1e6 * statistics.median(pack), 1)
    figures["evaluations_each"] = ROUNDS * ACTIONS
    return figures


def _text(size: int, percent: int) -> str:
    """`size` policies: one that permits everything, the share that concerns the action, the rest elsewhere."""
    here = max(1, size * percent // 100)
    forms = [_HERE[number % len(_HERE)].format(number) for number in range(here)]
    forms += [_ELSEWHERE[number % len(_ELSEWHERE)].format(number) for number in range(size - 1 - here)]
    named = [f'@id("policy-{number}")\n{form}' for number, form in enumerate(forms)]
    return "\n\n".join(['@id("everyday")\npermit (principal, action, resource);', *named])


def _case(number: int) -> _Case:
    command = ("git status --short", "git diff --stat", "git add -A", "git log --oneline -5")[number % 4]
    arguments = {"command": f"{command} packages/part{number}"}
    action = Action(
        agent="claude", event="PreToolUse", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL, tool="Bash",
        arguments=arguments, session=f"session-{number}", tool_use=f"toolu_{number}", project="/src/billing",
        body={"tool_input": arguments},
    )  # fmt: skip
    return action, facts_of(action)


def _times(compiled: CompiledPolicies, cases: list[_Case]) -> list[float]:
    times = []
    compiled.answers.forget()  # a repeated question would be answered from memory, not by Cedar
    for action, facts in cases:
        started = time.perf_counter()
        evaluate(compiled, action, facts, (), _SUBJECT)
        times.append(time.perf_counter() - started)
    return times
