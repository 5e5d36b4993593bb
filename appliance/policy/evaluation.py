"""Judge an action by a policy version: pure, apart from the Cedar engine.

Cedar knows permit and forbid; an ask is a forbid with @ask. Three rules keep that safe:
an error in any policy denies (Cedar itself would skip the policy, and with it perhaps a forbid);
it is an ask only if nothing but asks forbids, and all would be permitted without them;
of the whole action and each of its commands, the strictest verdict counts.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import cedarpy
import msgspec

from appliance.actions.records import Action, Facts, Finding, Outcome, Verdict
from appliance.policy.annotations import strictest
from appliance.policy.answers import CedarAnswer
from appliance.policy.compilation import CompiledPolicies, CompiledPolicy
from appliance.policy.context import project_directories, requests_of
from appliance.policy.index import View
from appliance.policy.reasons import (
    NOBODY_MAY_ANSWER,
    NOTHING_PERMITS,
    TOO_MANY_COMMANDS,
    UNREADABLE,
    allowed_reason,
    asked_reason,
    denied_reason,
    failed_reason,
)
from appliance.policy.records import Subject

MOST_COMMANDS: Final = 256

_ALLOW: Final = cedarpy.Decision.Allow
_NO_ENTITIES: Final = cedarpy.Entities.from_json_str("[]")
_ENCODER: Final = msgspec.json.Encoder()
_EMPTY_CONTEXT: Final = b"{}"


class _Answer(NamedTuple):
    """What Cedar said of one request: see CedarAnswer."""

    view: View
    decision: cedarpy.Decision
    positions: tuple[int, ...]
    errors: tuple[str, ...]

    def asks(self, policies: Sequence[CompiledPolicy]) -> bool:
        """Whether it is refused by asks only."""
        return bool(self.positions) and all(policies[position].terms is not None for position in self.positions)


def evaluate(
    compiled: CompiledPolicies,
    action: Action,
    facts: Facts,
    findings: tuple[Finding, ...],
    subject: Subject,
) -> Verdict:
    """Say whether an action is allowed, denied or asked about, by which policies, and why.

    The reason repeats `why` sentences, and policies can test the command line: hand in the masked facts and
    an action whose arguments are masked, and no secret can reach what is stored. Never raises for anything
    that an agent can send: what cannot be judged is denied.
    """
    requests = requests_of(action, facts, findings, subject)
    # A line of too many commands is denied if they differ in what the policies about them read, patterns included.
    is_short = len(requests) <= MOST_COMMANDS
    views = [View(request, knows_patterns=is_short) for request in requests]
    positions = compiled.candidates(views)
    try:
        answers = _ask_cedar(compiled, positions, views)
        if len(answers) > MOST_COMMANDS:
            return _deny(compiled, TOO_MANY_COMMANDS, ())
        failed = [answer for answer in answers if answer.errors]
        if failed:
            return _fail(compiled, failed)
        refused = [answer for answer in answers if answer.decision is not _ALLOW]
        if not refused:
            return _allow(compiled, answers)
        if not all(answer.asks(compiled.policies) for answer in refused):
            return _refuse(compiled, refused)
        granted = _ask_cedar(compiled, compiled.without_asks(positions), [answer.view for answer in refused])
    except (ValueError, TypeError, RecursionError):
        # Text that no JSON can carry (lone surrogates); the dialects refuse it earlier.
        return _deny(compiled, UNREADABLE, ())
    return _ask(compiled, refused, granted)


def _ask_cedar(compiled: CompiledPolicies, positions: frozenset[int], views: Sequence[View]) -> list[_Answer]:
    """Put every request to Cedar once: requests that look the same to these policies are one."""
    chosen = compiled.slice_of(positions)
    # What reads nothing of a request cannot tell one from another.
    distinct: dict[bytes, View] = {} if chosen.attributes else {_EMPTY_CONTEXT: views[0]}
    for view in views if chosen.attributes else ():
        distinct.setdefault(_ENCODER.encode({name: view.value(name) for name in chosen.attributes}), view)
        if len(distinct) > MOST_COMMANDS:
            return [_Answer(view, cedarpy.Decision.Deny, (), ())] * len(distinct)
    action = views[0].request.action
    scope = (chosen.number, action.agent, action.kind.value, action.project)
    told = {context: compiled.answers.get((*scope, context)) for context in distinct}
    unknown = [context for context, answer in told.items() if answer is None]
    if unknown:
        entities = _project_tree(views[0]) if chosen.uses_hierarchy else _NO_ENTITIES
        requests = [_request(action, context) for context in unknown]
        results = cedarpy.is_authorized_batch(requests, chosen.policy_set, entities)
        for context, result in zip(unknown, results, strict=True):
            told[context] = compiled.answers.keep((*scope, context), _told(compiled, result))
    return [_Answer(distinct[context], *answer) for context, answer in told.items() if answer is not None]


def _request(action: Action, context: bytes) -> dict[str, Any]:
    return {
        "principal": {"type": "Agent", "id": action.agent},
        "action": {"type": "Action", "id": action.kind.value},
        "resource": {"type": "Project", "id": action.project},
        "context": context.decode(),
    }


def _told(compiled: CompiledPolicies, result: cedarpy.AuthzResult) -> CedarAnswer:
    errors = tuple(result.diagnostics.errors)
    if result.decision is cedarpy.Decision.NoDecision and not errors:
        errors = ("the request was not understood",)
    positions = sorted(map(compiled.position_of.__getitem__, result.diagnostics.reasons))
    return CedarAnswer(result.decision, tuple(positions), errors)


def _project_tree(view: View) -> cedarpy.Entities:
    project = view.request.action.project
    above = [{"type": "Project", "id": each} for each in project_directories(view.request) if each != project]
    entity = {"uid": {"type": "Project", "id": project}, "attrs": {}, "parents": above}
    return cedarpy.Entities.from_json_str(_ENCODER.encode([entity]).decode())


def _allow(compiled: CompiledPolicies, answers: list[_Answer]) -> Verdict:
    positions = _positions(answers)
    known = compiled.answers.allowed(positions)
    if known is not None:
        return known
    policies = tuple([compiled.policies[position] for position in positions])
    verdict = _verdict(compiled, Outcome.ALLOW, policies, allowed_reason(policies))
    return compiled.answers.keep_allowed(positions, verdict)


def _ask(compiled: CompiledPolicies, refused: list[_Answer], granted: list[_Answer]) -> Verdict:
    """Ask, if a yes would be enough."""
    failed = [answer for answer in granted if answer.errors]
    if failed:
        return _fail(compiled, failed)
    still = [answer for answer in granted if answer.decision is not _ALLOW]
    if still:
        return _refuse(compiled, still)
    policies = _distinct(compiled, refused)
    terms = strictest([policy.terms for policy in policies if policy.terms is not None])
    if terms is None:
        return _deny(compiled, NOBODY_MAY_ANSWER, policies)
    requests = [answer.view.request for answer in refused]
    verdict = _verdict(compiled, Outcome.ASK, policies, asked_reason(policies, requests))
    return msgspec.structs.replace(verdict, ask=terms)


def _refuse(compiled: CompiledPolicies, refused: list[_Answer]) -> Verdict:
    """Deny, naming the plain forbids alone: nobody's yes would change them."""
    denying = [answer for answer in refused if not answer.asks(compiled.policies)]
    policies = tuple(policy for policy in _distinct(compiled, denying) if policy.terms is None)
    if not policies:
        return _deny(compiled, NOTHING_PERMITS, ())
    requests = [answer.view.request for answer in denying if answer.positions]
    return _deny(compiled, denied_reason(policies, requests), policies)


def _fail(compiled: CompiledPolicies, failed: list[_Answer]) -> Verdict:
    errors = [error for answer in failed for error in answer.errors]
    broken = tuple(policy for policy in compiled.policies if any(f"`{policy.match.id}`" in e for e in errors))
    return _deny(compiled, failed_reason(broken), broken)


def _deny(compiled: CompiledPolicies, reason: str, policies: tuple[CompiledPolicy, ...]) -> Verdict:
    return _verdict(compiled, Outcome.DENY, policies, reason)


def _distinct(compiled: CompiledPolicies, answers: list[_Answer]) -> tuple[CompiledPolicy, ...]:
    """Give the deciding policies, each once, in the order of the text."""
    return tuple(compiled.policies[position] for position in _positions(answers))


def _positions(answers: list[_Answer]) -> tuple[int, ...]:
    if len(answers) == 1:
        return answers[0].positions
    return tuple(sorted({position for answer in answers for position in answer.positions}))


def _verdict(
    compiled: CompiledPolicies, outcome: Outcome, policies: tuple[CompiledPolicy, ...], reason: str
) -> Verdict:
    return Verdict(
        outcome=outcome,
        policy_version=compiled.version,
        policies=tuple([policy.match for policy in policies]),
        reason=reason,
    )
