"""Read a policy's annotations: its name, and for an ask who may answer, how many, and for how long."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from appliance.actions.records import AskTerms
from appliance.identity.records import Role
from appliance.identity.scopes import is_approver_group

ANNOTATIONS: Final = ("id", "title", "why", "ask", "quorum", "expires", "allow_self", "step_up", "match_number")
ROLES: Final = tuple(role.value for role in Role)

_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DURATION: Final = re.compile(r"([0-9]{1,5})([smhd])")
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_ID: Final = 80
_MOST_TOLD: Final = 5
_LARGEST_QUORUM: Final = 10
_FLAGS: Final = (
    ("allow_self", "to forbid self-approval"),
    ("step_up", "to ask for no proof"),
    ("match_number", "to ask for no number"),
)
_SHORTEST_SECONDS: Final = 30
_LONGEST_SECONDS: Final = 7 * 86_400

Annotations = Mapping[str, str | None]


def annotation_problems(annotations: Annotations, effect: str) -> list[str]:
    """Tell what is wrong with a policy's annotations; `effect` is Cedar's `permit` or `forbid`."""
    unknown = [name for name in annotations if name not in ANNOTATIONS]
    problems = [_unknown(name) for name in unknown[:_MOST_TOLD]]
    problems += _id_problems(annotations)
    if "ask" not in annotations:
        stray = [name for name in ("quorum", "expires", "allow_self", "step_up", "match_number") if name in annotations]
        return problems + [f"@{name} means nothing without @ask" for name in stray]
    if effect != "forbid":
        problems.append("@ask belongs on a forbid: it turns the refusal into a question")
    problems += [
        f'@ask names the role "{role}"; the roles are {", ".join(ROLES)}, and approver groups such as group:payments'
        for role in _roles(annotations)
        if role not in ROLES and not is_approver_group(role)
    ]
    return problems + _term_problems(annotations)


def ask_terms(annotations: Annotations) -> AskTerms | None:
    """Give the terms of an ask, or None if the policy is a plain permit or forbid.

    Raises:
        ValueError: for annotations in which `annotation_problems` finds a problem.
    """
    if "ask" not in annotations:
        return None
    return AskTerms(
        roles=_roles(annotations),
        quorum=int(annotations.get("quorum") or 1),
        expires_seconds=seconds_of(annotations.get("expires") or "1h"),
        allows_self="allow_self" in annotations,
        step_up="step_up" in annotations,
        match_number="match_number" in annotations,
    )


def seconds_of(duration: str) -> int:
    """Read a duration such as `90s`, `15m`, `8h`, `2d` as seconds; ValueError for anything else."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        message = f'"{duration}" is not a duration; write a number and s, m, h or d, e.g. "15m"'
        raise ValueError(message)
    return int(found[1]) * _UNIT_SECONDS[found[2]]


def strictest(terms: list[AskTerms]) -> AskTerms | None:
    """Give the one set of terms that satisfies all; None if no role may answer all of them."""
    shared = [role for role in terms[0].roles if all(role in other.roles for other in terms)]
    if not shared:
        return None
    return AskTerms(
        roles=tuple(shared),
        quorum=max(each.quorum for each in terms),
        expires_seconds=min(each.expires_seconds for each in terms),
        allows_self=all(each.allows_self for each in terms),
        step_up=any(each.step_up for each in terms),
        match_number=any(each.match_number for each in terms),
    )


def _roles(annotations: Annotations) -> tuple[str, ...]:
    named = [role.strip() for role in (annotations.get("ask") or "").split(",")]
    return tuple(dict.fromkeys(role for role in named if role)) or ("approver",)


def _unknown(name: str) -> str:
    near = get_close_matches(name, ANNOTATIONS, n=1)
    hint = f"; did you mean @{near[0]}?" if near else f"; known are {', '.join('@' + each for each in ANNOTATIONS)}"
    return f"@{name} is not a known annotation{hint}"


def _id_problems(annotations: Annotations) -> list[str]:
    identifier = annotations.get("id")
    if not identifier:
        return ['the policy has no @id; give it a unique one, e.g. @id("no-force-push")']
    if len(identifier) > _LONGEST_ID or not _ID.fullmatch(identifier):
        return [f'@id("{identifier}") must be kebab-case (a-z, 0-9, -) and at most {_LONGEST_ID} characters']
    return []


def _term_problems(annotations: Annotations) -> list[str]:
    problems = []
    if "quorum" in annotations:
        quorum = annotations["quorum"] or ""
        if not (quorum.isascii() and quorum.isdigit() and 1 <= int(quorum[:9]) <= _LARGEST_QUORUM):
            problems.append(f'@quorum("{quorum}") must be a number from 1 to {_LARGEST_QUORUM}')
    if "expires" in annotations:
        try:
            seconds = seconds_of(annotations["expires"] or "")
        except ValueError as error:
            problems.append(f"@expires: {error}")
        else:
            if not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
                problems.append("@expires must lie between 30s and 7d")
    return problems + _flag_problems(annotations)


def _flag_problems(annotations: Annotations) -> list[str]:
    """Tell what is wrong with the annotations that take no value."""
    problems = [f"@{name} takes no value; leave it out {without}" for name, without in _FLAGS if annotations.get(name)]
    if "match_number" in annotations and "allow_self" in annotations:
        problems.append("@match_number goes with no @allow_self: whoever sees the number would type it")
    return problems
