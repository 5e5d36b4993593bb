"""Tell without Cedar which policies a request could concern: what is excluded can neither match nor fail."""

from typing import NamedTuple

from appliance.policy.conditions import CONTAINING, LACKING, NOT_EMPTY, Requirement
from appliance.policy.context import ATTRIBUTES, FLAGS, SETS, Request, Value


class Part(NamedTuple):
    """What a requirement says of one attribute; meeting any of it is enough.

    Attributes:
        name: the attribute.
        wanted: values of which it may have any.
        texts: texts that may be in it.
        unwanted: values of which it may lack any.
    """

    name: str
    wanted: frozenset[str]
    texts: tuple[str, ...]
    unwanted: frozenset[str]


Test = tuple[Part, ...]


class View:
    """A request whose attributes are built once, and only when somebody asks."""

    __slots__ = ("_keys", "_values", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        action = request.action
        self._values: dict[str, Value] = {}
        self._keys: dict[str, frozenset[str]] = {
            "principal": frozenset((action.agent,)),
            "action": frozenset((action.kind.value,)),
            "resource": frozenset((action.project,)),
        }

    def value(self, name: str) -> Value:
        """Give a context attribute as Cedar is to see it."""
        if name not in self._values:
            self._values[name] = ATTRIBUTES[name](self.request)
        return self._values[name]

    def keys(self, name: str) -> frozenset[str]:
        """Give an attribute as the values that the index and the tests know."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = _as_keys(name, self.value(name))
        return found


class Bucket(NamedTuple):
    """Policies that share their tests.

    Attributes:
        tests: what a request must meet for any of them.
        plain: positions of those that need no more than that.
        texts: per attribute, texts of which one policy each needs one: the text and the policy's position.
        lacks: per attribute, values of which one policy each may have none: the values and the position.
        others: those with tests of any other form: the tests and the position.
    """

    tests: tuple[Test, ...]
    plain: list[int]
    texts: dict[str, list[tuple[str, int]]]
    lacks: dict[str, list[tuple[frozenset[str], int]]]
    others: list[tuple[tuple[Test, ...], int]]

    def add(self, position: int, own_tests: tuple[Test, ...]) -> None:
        """Put in a policy with the tests that it does not share."""
        parts = [test[0] for test in own_tests if len(test) == 1]
        names = {part.name for part in parts}
        if not own_tests:
            self.plain.append(position)
        elif len(parts) < len(own_tests) or len(names) > 1:
            self.others.append((own_tests, position))
        elif all(len(part.unwanted) == 1 and not part.wanted and not part.texts for part in parts):
            unwanted = frozenset(value for part in parts for value in part.unwanted)
            self.lacks.setdefault(names.pop(), []).append((unwanted, position))
        elif len(parts) == len(parts[0].texts) == 1 and not parts[0].wanted and not parts[0].unwanted:
            self.texts.setdefault(names.pop(), []).append((parts[0].texts[0], position))
        else:
            self.others.append((own_tests, position))

    def choose(self, view: View, chosen: set[int]) -> None:
        """Add the positions of those whose tests a request meets."""
        for test in self.tests:
            if not _passes(test, view):
                return
        chosen.update(self.plain)
        for name, entries in self.texts.items():
            value = str(view.value(name))
            chosen.update([position for text, position in entries if text in value])
        for name, lacking in self.lacks.items():
            lacks = view.keys(name).isdisjoint
            chosen.update([position for unwanted, position in lacking if lacks(unwanted)])
        for tests, position in self.others:
            if all(_passes(test, view) for test in tests):
                chosen.add(position)


def as_test(requirement: Requirement) -> Test:
    """Put a requirement into the form that is tested."""
    names = sorted({name for name, _ in requirement})
    return tuple(_part(name, [value for each, value in sorted(requirement) if each == name]) for name in names)


def _part(name: str, values: list[str]) -> Part:
    texts = tuple(value.removeprefix(CONTAINING) for value in values if value.startswith(CONTAINING))
    unwanted = frozenset(value.removeprefix(LACKING) for value in values if value.startswith(LACKING))
    wanted = frozenset(value for value in values if not value.startswith((CONTAINING, LACKING)))
    return Part(name, wanted, texts, unwanted)


def is_own(test: Test) -> bool:
    """Whether a test is of a kind that policies seldom share."""
    return any(part.texts or part.unwanted for part in test)


def _passes(test: Test, view: View) -> bool:
    for name, wanted, texts, unwanted in test:
        keys = view.keys(name)
        if not wanted.isdisjoint(keys) or (unwanted and not unwanted <= keys):
            return True
        if texts:
            value = str(view.value(name))
            for text in texts:
                if text in value:
                    return True
    return False


def _as_keys(name: str, value: Value) -> frozenset[str]:
    if name in FLAGS:
        return frozenset((str(value).lower(),))
    if name in SETS and not isinstance(value, bool | str):
        return frozenset((*value, NOT_EMPTY)) if value else frozenset()
    return frozenset((str(value),))
