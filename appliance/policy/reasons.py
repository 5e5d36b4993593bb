"""Say in one plain sentence why: which policies decided, and what was seen that made them."""

from typing import Final

from appliance.policy.compilation import CompiledPolicy
from appliance.policy.context import Request

NOTHING_PERMITS: Final = "Denied because no policy allows this."
NOBODY_MAY_ANSWER: Final = (
    "Denied because the policies that ask about this name different roles, so nobody may answer all."
)
TOO_MANY_COMMANDS: Final = "Denied because the line holds more commands than can be judged one by one."
UNREADABLE: Final = "Denied because the action holds text that cannot be judged."

_MOST_NAMED: Final = 3
_LONGEST_SEEN: Final = 300


def allowed_reason(policies: tuple[CompiledPolicy, ...]) -> str:
    """Name what permits."""
    return f"Allowed by {_titles(policies)}."


def asked_reason(policies: tuple[CompiledPolicy, ...], requests: list[Request]) -> str:
    """Name what asks, and what was seen."""
    return f"Asks a person by {_titles(policies)}: {_seen(policies, requests)}."


def denied_reason(policies: tuple[CompiledPolicy, ...], requests: list[Request]) -> str:
    """Name what forbids, and what was seen."""
    return f"Denied by {_titles(policies)}: {_seen(policies, requests)}."


def failed_reason(policies: tuple[CompiledPolicy, ...]) -> str:
    """Name the policies that could not be evaluated."""
    which = f"the policy {_titles(policies)}" if policies else "a policy"
    return f"Denied because {which} could not be evaluated."


def _titles(policies: tuple[CompiledPolicy, ...]) -> str:
    titles = [f"“{policy.match.title}”" for policy in policies[:_MOST_NAMED]]
    if len(policies) > _MOST_NAMED:
        titles.append(f"{len(policies) - _MOST_NAMED} more")
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if titles[1:] else titles)


def _seen(policies: tuple[CompiledPolicy, ...], requests: list[Request]) -> str:
    """Tell what was seen of the effects that the policies name; else the secrets; else the policy's own why."""
    named = frozenset(effect for policy in policies for effect in policy.shape.effects)
    sentences = dict.fromkeys(sentence for request in requests for sentence in _whys(request, named))
    secrets = dict.fromkeys(
        f"it holds a secret ({finding.rule})"
        for request in requests
        for finding in request.findings
        if any("secrets" in policy.shape.attributes for policy in policies)
    )
    seen = [*sentences, *secrets] or [policy.match.why for policy in policies if policy.match.why]
    told = [_clause(sentence) for sentence in seen[:_MOST_NAMED]]
    return "; ".join(told) if told else "its condition is met"


def _whys(request: Request, named: frozenset[str]) -> list[str]:
    """Give the sentences about the named effects; all sentences where they cannot be told apart."""
    if not named:
        return []
    sentences: list[str] = []
    for command in request.commands:
        if len(command.why) == len(command.effects):
            pairs = zip(command.effects, command.why, strict=True)
            sentences += [why for effect, why in pairs if effect in named]
        elif not named.isdisjoint(command.effects):
            sentences += command.why
    line_only = named.difference(*(command.effects for command in request.commands))
    if request.is_whole and not line_only.isdisjoint(request.effects):
        sentences += request.facts.why
    return sentences


def _clause(sentence: str) -> str:
    short = sentence if len(sentence) <= _LONGEST_SEEN else sentence[: _LONGEST_SEEN - 1] + "…"
    return short.strip().rstrip(".")
