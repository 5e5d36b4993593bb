"""Judge a policy text: what keeps it from being published, and what its author should look at."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

import cedarpy
import msgspec

from appliance.actions.records import Kind, Moment
from appliance.policy.annotations import annotation_problems
from appliance.policy.compilation import SCHEMA, CompiledPolicies, CompiledPolicy, compile_policy
from appliance.policy.conditions import Requirement, depth_of
from appliance.policy.context import TEXTS
from appliance.policy.effects import EFFECTS
from appliance.policy.errors import PolicyInvalidError
from appliance.policy.records import Problem, Severity
from appliance.policy.statements import Statement, line_of_word, split_statements

LARGEST_TEXT_BYTES: Final = 1_048_576
MOST_POLICIES: Final = 5_000
# Cedar's parser runs out of stack, and takes the process with it, at some thousand operators or brackets in one
# policy; and `context has a.b.c...` costs it the cube of the length. It never sees what comes near that.
LONGEST_CODE: Final = 16_384
DEEPEST_BRACKETS: Final = 50
DEEPEST_EXPRESSION: Final = 150
_CHAIN: Final = re.compile(r"(?:\s?\.\s?\w+){9}")
_TOO_DEEP: Final = "the condition is too long; split the policy, or write a set instead of many || or &&"
_QUOTED: Final = re.compile(r"`([^`]{1,200})`")
_VOCABULARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "effects": EFFECTS,
    "moment": tuple(Moment),
    "action": tuple(Kind),
}


class _Parsed(msgspec.Struct, frozen=True):
    statement: Statement
    form: Mapping[str, Any]

    @property
    def id(self) -> str:
        return self.form.get("annotations", {}).get("id") or ""

    def problem(self, message: str, *, word: str = "", severity: Severity = Severity.ERROR) -> Problem:
        line = line_of_word(self.statement, word)
        return Problem(line=line, message=message, policy=self.id, severity=severity)


def validate_policies(text: str) -> tuple[Problem, ...]:
    """Tell everything that is wrong with a policy text, in the order of its lines."""
    return _examine(text)[0]


def compile_policies(text: str, version: int) -> CompiledPolicies:
    """Compile a policy text.

    Raises:
        PolicyInvalidError: if the text has any error; warnings do not matter here.
    """
    problems, policies = _examine(text)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise PolicyInvalidError(problems)
    return CompiledPolicies(text, version, policies)


def _examine(text: str) -> tuple[tuple[Problem, ...], tuple[CompiledPolicy, ...]]:
    if len(text.encode("utf-8", "replace")) > LARGEST_TEXT_BYTES:
        return (Problem(line=0, message="the text is larger than 1 MiB"),), ()
    parsed: list[_Parsed] = []
    problems: list[Problem] = []
    statements = split_statements(text)
    if len(statements) > MOST_POLICIES:
        return (Problem(line=0, message=f"the text has more than {MOST_POLICIES} policies"),), ()
    for statement in statements:
        one = _parse(statement)
        if isinstance(one, Problem):
            problems.append(one)
        else:
            parsed.append(one)
            problems += [
                one.problem(message, word="@" + message.split()[0].lstrip("@").split("(")[0])
                for message in annotation_problems(one.form.get("annotations", {}), one.form["effect"])
            ]
    problems += _duplicate_problems(parsed)
    if not problems:
        problems += _schema_problems(parsed)
    if problems:
        return tuple(sorted(problems, key=lambda problem: problem.line)), ()
    policies = tuple(compile_policy(one.form, one.statement.line) for one in parsed)
    return tuple(_warnings(parsed, policies)), policies


def _parse(statement: Statement) -> _Parsed | Problem:
    if beyond := _beyond_reason(statement):
        return Problem(line=statement.line, message=beyond)
    try:
        forms = msgspec.json.decode(cedarpy.policies_to_json_str(statement.text))
    except RecursionError:
        return Problem(line=statement.line, message=_TOO_DEEP)
    except ValueError as error:
        message = str(error)
        if not statement.is_closed and "end of input" in message:
            message = "the policy does not end with a semicolon"
        word = _QUOTED.search(message)
        return Problem(line=line_of_word(statement, word[1] if word else ""), message=message)
    if forms["templates"]:
        line = line_of_word(statement, "?")
        return Problem(line=line, message="templates (?principal, ?resource) are not supported")
    form = forms["staticPolicies"]["policy0"]
    if any(depth_of(clause["body"]) > DEEPEST_EXPRESSION for clause in form["conditions"]):
        return Problem(line=statement.line, message=_TOO_DEEP)
    return _Parsed(statement, form)


def _beyond_reason(statement: Statement) -> str:
    """Tell in what way a policy is larger than Cedar can safely read; empty if it is not."""
    if len(statement.code) > LONGEST_CODE:
        return f"the policy is longer than {LONGEST_CODE} characters, strings not counted; split it"
    if statement.depth > DEEPEST_BRACKETS:
        return f"brackets are nested more than {DEEPEST_BRACKETS} deep"
    return "a chain of more than 8 attributes names nothing" if _CHAIN.search(statement.code) else ""


def _duplicate_problems(parsed: list[_Parsed]) -> Iterator[Problem]:
    counts = Counter(one.id for one in parsed if one.id)
    for one in parsed:
        if counts[one.id] > 1:
            yield one.problem(f'@id("{one.id}") is used by {counts[one.id]} policies; ids must be unique', word="@id")


def _schema_problems(parsed: list[_Parsed]) -> Iterator[Problem]:
    text = "\n".join(one.statement.text for one in parsed)
    told = set()
    for error in cedarpy.validate_policies(text, SCHEMA).errors:
        one = parsed[int(error.policy_id.removeprefix("policy"))]
        message = error.error.removeprefix(f"for policy `{error.policy_id}`, ")
        # Cedar repeats itself for every action that the policy may concern.
        message = re.sub(r' (in context )?for Action::"[a-z_]+"', "", message)
        if (one.statement.line, message) not in told:
            told.add((one.statement.line, message))
            word = _QUOTED.search(message)
            yield one.problem(message, word=word[1] if word else "")


def _warnings(parsed: list[_Parsed], policies: tuple[CompiledPolicy, ...]) -> Iterator[Problem]:
    if not any(policy.match.effect == "permit" for policy in policies):
        message = "no policy permits anything: every action will be denied"
        yield Problem(line=0, message=message, severity=Severity.WARNING)
    for one, policy in zip(parsed, policies, strict=True):
        if contradiction := _contradiction(policy.shape.requirements):
            yield one.problem(f"this policy can never match: {contradiction}", severity=Severity.WARNING)
        for name, values in _named(policy.shape.requirements).items():
            for value in sorted(values - set(_VOCABULARIES[name])):
                near = get_close_matches(value, _VOCABULARIES[name], n=1)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                message = f'no action ever has the {name.rstrip("s")} "{value}"{hint}'
                yield one.problem(message, word=f'"{value}"', severity=Severity.WARNING)


def _named(requirements: tuple[Requirement, ...]) -> dict[str, set[str]]:
    named: dict[str, set[str]] = {}
    for name, value in (key for requirement in requirements for key in requirement):
        if name in _VOCABULARIES and not value.startswith("\x00"):
            named.setdefault(name, set()).add(value)
    return named


def _contradiction(requirements: tuple[Requirement, ...]) -> str:
    """Find two requirements on the same single value that exclude each other, or one that nothing meets."""
    allowed: dict[str, set[str]] = {}
    for requirement in requirements:
        if not requirement:
            return "a part of its condition is always false"
        (name, *names) = {name for name, _ in requirement}
        if names or any(value.startswith("\x00") for _, value in requirement):
            continue
        if not (name in TEXTS or name in {"principal", "action", "resource", "understood"}):
            continue
        values = {value for _, value in requirement}
        allowed[name] = allowed.get(name, values) & values
        if not allowed[name]:
            return f"it requires two different values of {name} at once"
    return ""
