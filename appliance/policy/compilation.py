"""Turn a policy text into something that answers fast: parsed, checked, and indexed by what each policy needs."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import count
from typing import Any, Final, NamedTuple

import cedarpy
import msgspec

from appliance.actions.records import AskTerms, MatchedPolicy
from appliance.policy.annotations import ask_terms
from appliance.policy.answers import CedarAnswers
from appliance.policy.conditions import Shape, best, shape_of
from appliance.policy.context import DIFFERENT_ALONE
from appliance.policy.index import Bucket, Test, View, as_test, is_own
from appliance.policy.records import PolicySummary

SCHEMA_TEXT: Final = files("appliance.policy").joinpath("schema.cedarschema").read_text("utf-8")
STARTER_TEXT: Final = files("appliance.policy").joinpath("starter.cedar").read_text("utf-8")
SCHEMA: Final = cedarpy.Schema.from_str(SCHEMA_TEXT)

_SLICES_KEPT: Final = 512


class CompiledPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy, ready to be chosen and named.

    Attributes:
        match: how a verdict names it.
        terms: how its ask may be answered; None for a permit or plain forbid.
        line: 1-based line in the text.
        shape: what it needs and reads.
        source: its JSON form without annotations, under its id: a member of Cedar's `staticPolicies`.
        tests: what a request must meet for the policy to be a candidate: what other policies may share.
        own_tests: the same for what each policy mostly has for itself: texts to be found, values to be lacked,
            patterns not to be matched.
    """

    match: MatchedPolicy
    terms: AskTerms | None
    line: int
    shape: Shape
    source: str
    tests: tuple[Test, ...]
    own_tests: tuple[Test, ...]


class Slice(NamedTuple):
    """The policies that one request concerns, parsed.

    Attributes:
        policy_set: Cedar's handle.
        number: tells it from every other slice of these policies.
        attributes: names of the context attributes that any of them reads.
        uses_hierarchy: whether any of them asks for the directories above the project.
    """

    policy_set: cedarpy.PolicySet
    number: int
    attributes: tuple[str, ...]
    uses_hierarchy: bool


class CompiledPolicies:
    """A whole policy version. Immutable; safe to share between threads.

    Attributes:
        version: its number, 0 for a text that was never published.
        text: the Cedar source.
        policies: in the order of the text.
        by_id: the same by `@id`.
        position_of: where in `policies` an `@id` stands.
        answers: what Cedar has said of requests by these policies.
    """

    __slots__ = (
        "_always",
        "_index",
        "_numbers",
        "_slice",
        "answers",
        "by_id",
        "policies",
        "position_of",
        "text",
        "version",
    )

    def __init__(self, text: str, version: int, policies: tuple[CompiledPolicy, ...]) -> None:
        self.text = text
        self.version = version
        self.policies = policies
        self.by_id: Mapping[str, CompiledPolicy] = {policy.match.id: policy for policy in policies}
        self.position_of: Mapping[str, int] = {policy.match.id: position for position, policy in enumerate(policies)}
        self._index: dict[str, dict[str, dict[tuple[Test, ...], Bucket]]] = {}
        self._always = Bucket.of(())
        for position, policy in enumerate(policies):
            self._file(position, policy)
        self.answers = CedarAnswers()
        self._numbers = count(1)
        self._slice = lru_cache(maxsize=_SLICES_KEPT)(self._parse)

    def candidates(self, views: Sequence[View]) -> frozenset[int]:
        """Give the positions of all policies that could match any of the requests, or fail on it.

        Args:
            views: as `requests_of` gives them: the whole action first.
        """
        chosen: set[int] = set(self._always.plain)
        whole = views[0]
        for view in () if self._always.is_plain() else views:
            self._always.choose(view, chosen)
        for name, postings in self._index.items():
            known = postings.keys()
            if name not in DIFFERENT_ALONE and known.isdisjoint(whole.keys(name)):
                continue
            for view in views:
                keys = view.keys(name)
                for key in () if known.isdisjoint(keys) else known & keys:
                    for bucket in postings[key].values():
                        bucket.choose(view, chosen)
        return frozenset(chosen)

    def slice_of(self, positions: frozenset[int]) -> Slice:
        """Give those policies parsed; the last few hundred combinations are kept."""
        return self._slice(positions)

    def without_asks(self, positions: frozenset[int]) -> frozenset[int]:
        """Leave out the policies that ask: what remains if everybody asked had said yes."""
        return frozenset(position for position in positions if self.policies[position].terms is None)

    def summaries(self) -> tuple[PolicySummary, ...]:
        """List the policies for people, in the order of the text."""
        return tuple(
            PolicySummary(
                id=each.match.id,
                title=each.match.title,
                effect=each.match.effect,
                why=each.match.why,
                line=each.line,
            )
            for each in self.policies
        )

    def _file(self, position: int, policy: CompiledPolicy) -> None:
        """Put a policy under every value of its best requirement, or where every request finds it."""
        requirement = best(policy.shape.requirements)
        if requirement is None:
            self._always.add(position, policy.own_tests)
            return
        for name, value in requirement:
            buckets = self._index.setdefault(name, {}).setdefault(value, {})
            bucket = buckets.setdefault(policy.tests, Bucket.of(policy.tests))
            bucket.add(position, policy.own_tests)

    def _parse(self, positions: frozenset[int]) -> Slice:
        chosen = [self.policies[position] for position in sorted(positions)]
        members = ",".join(policy.source for policy in chosen)
        source = f'{{"templates":{{}},"staticPolicies":{{{members}}},"templateLinks":[]}}'
        return Slice(
            number=next(self._numbers),
            policy_set=cedarpy.PolicySet.from_json_str(source),
            attributes=tuple(sorted({name for policy in chosen for name in policy.shape.attributes})),
            uses_hierarchy=any(policy.shape.uses_hierarchy for policy in chosen),
        )


def compile_policy(form: Mapping[str, Any], line: int) -> CompiledPolicy:
    """Compile one policy from its JSON form, whose annotations were found to be right."""
    annotations: Mapping[str, str | None] = form.get("annotations", {})
    identifier = annotations["id"] or ""
    shape = shape_of(form)
    tests = [as_test(requirement) for requirement in shape.requirements]
    return CompiledPolicy(
        match=MatchedPolicy(
            id=identifier,
            title=annotations.get("title") or identifier,
            effect="ask" if "ask" in annotations else form["effect"],
            why=annotations.get("why") or "",
        ),
        terms=ask_terms(annotations),
        line=line,
        shape=shape,
        source=f"{json.dumps(identifier)}:{json.dumps(_bare(form))}",
        tests=tuple(sorted((test for test in tests if not is_own(test)), key=repr)),
        own_tests=tuple(test for test in tests if is_own(test)),
    )


def _bare(form: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what Cedar need not see: annotations, and what the tests decide exactly of a policy's scope.

    A third of Cedar's time on a policy goes into its scope, which is one and the same for every command of an action.
    What is equal is equal for the tests as for Cedar. Where a permit speaks of what lies within something, it keeps
    that: of two checks that agree, the second costs little where a mistake would allow.
    """
    bare = {key: value for key, value in form.items() if key != "annotations"}
    for variable in ("principal", "action", "resource"):
        if form["effect"] == "forbid" or form[variable]["op"] == "==":
            bare[variable] = {"op": "All"}
    return bare
