"""Read a policy's JSON form: what must hold for it to match, and which attributes it looks at.

Format: the Cedar JSON policy format (EST) of Cedar 4. A requirement is a set of keys of which a request must
have at least one; a policy whose requirement is not met cannot match, nor fail, and need not be evaluated.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from appliance.policy.context import ATTRIBUTES, FLAGS, SETS, TEXTS

# A key is an attribute and one value of it. NOT_EMPTY stands for "the set has some value", and a value that
# begins with CONTAINING for "the text has this in it", with LACKING for "the attribute does not have this value",
# with UNLIKE for "the text does not match this pattern", given as the literals around its wildcards, by GAP apart;
# these can be tested but not looked up.
Key = tuple[str, str]
Requirement = frozenset[Key]
NOT_EMPTY: Final = "\x00not empty"
CONTAINING: Final = "\x00containing "
LACKING: Final = "\x00lacking "
UNLIKE: Final = "\x00unlike "
GAP: Final = "\x00"
NEVER: Final[Requirement] = frozenset()

# Operations that cannot fail on a request which keeps to the schema. Everything else (arithmetic, extension
# calls) may, and Cedar would then report an error that must be seen: such a policy is sliced by its scope only.
_TOTAL: Final = frozenset({
    "Var", "Value", "Set", ".", "has", "==", "!=", "in", "is", "&&", "||", "!", "like", "if-then-else",
    "contains", "containsAny", "containsAll", "isEmpty",
})  # fmt: skip

# Which key tells least, for choosing the one requirement to index by: many requests share these.
_COMMONNESS: Final = {
    "project_directories": 1, "resource": 1, "groups": 1, "person": 1, "machine": 1,
    "understood": 2, "event": 3, "moment": 3, "agent": 4, "principal": 4, "action": 5,
}  # fmt: skip


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy needs and reads.

    Attributes:
        requirements: each must be met for the policy to match.
        attributes: names of the context attributes that it reads.
        uses_hierarchy: whether it asks for the directories above the project.
        effects: the effects that it names.
    """

    requirements: tuple[Requirement, ...]
    attributes: frozenset[str]
    uses_hierarchy: bool
    effects: frozenset[str]


def shape_of(policy: Mapping[str, Any]) -> Shape:
    """Read the shape of one static policy in JSON form."""
    bodies = [(clause["kind"] == "when", clause["body"]) for clause in policy["conditions"]]
    requirements = list(_scope(policy))
    if all(_is_total(body) for _, body in bodies):
        requirements += [each for holds, body in bodies for each in _requirements(body, holds=holds)]
    return Shape(
        requirements=tuple(dict.fromkeys(requirements)),
        attributes=frozenset(name for _, body in bodies for name in _attributes(body)),
        uses_hierarchy=_climbs_in_scope(policy["resource"])
        or any(_climbs(node) for _, body in bodies for node in _nodes(body)),
        effects=frozenset(
            value for each in requirements for name, value in each if name == "effects" and not value.startswith("\x00")
        ),
    )


def best(requirements: tuple[Requirement, ...]) -> Requirement | None:
    """Choose the requirement that fewest requests meet; None if the policy has none that can be looked up."""
    return min((each for each in requirements if _can_look_up(each)), key=_cost, default=None)


def _can_look_up(requirement: Requirement) -> bool:
    return not any(value.startswith((CONTAINING, LACKING, UNLIKE)) for _, value in requirement)


def depth_of(body: Mapping[str, Any]) -> int:
    """Count how many operations of a condition lie inside each other at most."""
    deepest, waiting = 0, [(body, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in _children(node))
    return deepest


def _cost(requirement: Requirement) -> tuple[int, int]:
    return max((_COMMONNESS.get(name, 0) for name, _ in requirement), default=0), len(requirement)


def _scope(policy: Mapping[str, Any]) -> Iterator[Requirement]:
    for variable, equal, within in (
        ("principal", "principal", "principal"),
        ("action", "action", "action"),
        ("resource", "resource", "project_directories"),
    ):
        scope = policy[variable]
        container = scope.get("in", {}) if scope["op"] == "is" else scope
        name = equal if scope["op"] == "==" else within
        if "entity" in container:
            yield frozenset([(name, container["entity"]["id"])])
        elif "entities" in container:
            yield frozenset((name, entity["id"]) for entity in container["entities"])


def _requirements(node: Mapping[str, Any], *, holds: bool) -> list[Requirement]:
    """Give what must be so if the node is `holds`; an empty list if nothing can be said."""
    (operation, operands), *_ = node.items()
    if operation == "!":
        return _requirements(operands["arg"], holds=not holds)
    if operation in {"&&", "||"}:
        left, right = (_requirements(operands[side], holds=holds) for side in ("left", "right"))
        if (operation == "&&") is holds:
            return left + right
        # One of the two must hold: some requirement of one side, or some of the other.
        one, other = (best(tuple(side)) or next(iter(side), None) for side in (left, right))
        return [] if one is None or other is None else [one | other]
    if operation == "Value":
        return [NEVER] if operands is (not holds) else []
    return _comparison(operation, operands, holds=holds)


def _comparison(operation: str, operands: Mapping[str, Any], *, holds: bool) -> list[Requirement]:
    """Give what must be so for a comparison of one context attribute with a literal to be `holds`."""
    keys: Requirement | None = None
    match operation:
        case "." if (name := _attribute({".": operands})) in FLAGS:
            return [frozenset([(name, str(holds).lower())])]
        case "isEmpty" if (name := _attribute(operands["arg"])) in SETS:
            keys, holds = frozenset([(name, NOT_EMPTY)]), not holds
        case "like":
            return _containment(operands) if holds else _unlikeness(operands)
        case "==" | "!=":
            keys, holds = _equality(operands["left"], operands["right"]), holds is (operation == "==")
        case "contains" | "containsAny":
            keys = _membership(operation, operands["left"], operands["right"])
        case "containsAll" if holds:
            every = _membership(operation, operands["left"], operands["right"]) or frozenset()
            return [frozenset([key]) for key in every]
        case _:
            pass
    return _met(keys, holds=holds)


def _met(keys: Requirement | None, *, holds: bool) -> list[Requirement]:
    """Require any of the keys, or if it must not hold, the lack of each."""
    if keys is None:
        return []
    return [keys] if holds else [frozenset([(name, LACKING + value)]) for name, value in sorted(keys)]


def _equality(left: Mapping[str, Any], right: Mapping[str, Any]) -> Requirement | None:
    """Give the keys of which a text must have one for it to equal a literal; None if nothing can be said."""
    for attribute, literal in ((left, right), (right, left)):
        name, values = _attribute(attribute), _texts(literal)
        if name in TEXTS and values is not None and "Value" in literal:
            return frozenset((name, value) for value in values)
    return None


def _containment(operands: Mapping[str, Any]) -> list[Requirement]:
    """Require the longest literal of a `like` pattern: whatever matches the pattern has it."""
    name, longest = _attribute(operands["left"]), max(_literals(operands["pattern"]), key=len)
    return [frozenset([(name, CONTAINING + longest)])] if name in TEXTS and longest and "\x00" not in longest else []


def _unlikeness(operands: Mapping[str, Any]) -> list[Requirement]:
    """Require that a text does not match a `like` pattern."""
    name, literals = _attribute(operands["left"]), _literals(operands["pattern"])
    is_known = name in TEXTS and not any(GAP in literal for literal in literals)
    return [frozenset([(name, UNLIKE + GAP.join(literals))])] if is_known else []


def _literals(pattern: Iterable[Any]) -> list[str]:
    """Give what stands before, between and after the wildcards of a `like` pattern."""
    literals: list[str] = [""]
    for part in pattern:
        if part == "Wildcard":
            literals.append("")
        else:
            literals[-1] += part["Literal"]
    return literals


def _membership(operation: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Requirement | None:
    """Give the keys that a test of a set is about; None if nothing can be said."""
    held, sought = _attribute(left), _texts(right)
    if operation == "contains" and sought is None:
        # A literal set that is to contain the attribute.
        name, choices = _attribute(right), _texts(left)
        return frozenset((name, each) for each in choices) if name in TEXTS and choices is not None else None
    if operation == "containsAny" and held not in SETS:
        held, sought = _attribute(right), _texts(left)
    if held not in SETS or sought is None:
        return None
    return frozenset((held, each) for each in sought)


def _climbs_in_scope(resource: Mapping[str, Any]) -> bool:
    return "in" in resource or resource["op"] == "in"


def _climbs(node: Mapping[str, Any]) -> bool:
    return "in" in node or "in" in node.get("is", {})


def _attribute(node: Mapping[str, Any]) -> str:
    """Give the name in `context.name`, or nothing."""
    access = node.get(".")
    if access is None or access["left"] != {"Var": "context"}:
        return ""
    return str(access["attr"])


def _texts(node: Mapping[str, Any]) -> list[str] | None:
    """Give the strings of a literal string or set of strings, or None for anything else."""
    values = [element.get("Value") for element in node.get("Set", [node])]
    # A NUL begins our own marks: such a literal is left to Cedar.
    texts = [value for value in values if isinstance(value, str) and "\x00" not in value]
    return texts if len(texts) == len(values) else None


def _children(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for operation, operands in node.items():
        if operation in {"Var", "Value", "Slot"}:
            continue
        parts = operands.values() if isinstance(operands, Mapping) else operands
        for part in parts:
            if isinstance(part, Mapping):
                yield part


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(_children(current))


def _is_total(body: Mapping[str, Any]) -> bool:
    return all(
        operation in _TOTAL and (operation != "." or _attribute(node) in ATTRIBUTES)
        for node in _nodes(body)
        for operation in node
    )


def _attributes(body: Mapping[str, Any]) -> frozenset[str]:
    """Name the context attributes read; all of them where the context is used as a whole."""
    named, reads, uses = set(), 0, 0
    for node in _nodes(body):
        uses += node.get("Var") == "context"
        for operation in (".", "has"):
            access = node.get(operation)
            if access is not None and access["left"] == {"Var": "context"}:
                reads += 1
                named.add(str(access["attr"]))
    return frozenset(named) if reads == uses else frozenset(ATTRIBUTES)
