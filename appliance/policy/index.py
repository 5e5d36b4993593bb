"""Tell without Cedar which policies a request could concern: what is excluded can neither match nor fail."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from appliance.policy.conditions import CONTAINING, GAP, LACKING, NOT_EMPTY, UNLIKE, Requirement
from appliance.policy.context import ATTRIBUTES, Request, Value

_BUILDERS: Final[Mapping[str, Callable[[Request], Value]]] = {
    **ATTRIBUTES,
    "principal": lambda request: request.action.agent,
    "action": lambda request: request.action.kind.value,
    "resource": lambda request: request.action.project,
}
_BEGINNING: Final = 4
_NO_KEYS: Final[frozenset[str]] = frozenset()
_TRUE: Final = frozenset(("true",))
_FALSE: Final = frozenset(("false",))


class Part(NamedTuple):
    """What a requirement says of one attribute; meeting any of it is enough.

    Attributes:
        name: the attribute.
        wanted: values of which it may have any.
        texts: texts that may be in it.
        unwanted: values of which it may lack any.
        patterns: patterns of which it may fail to match any; each as the literals around its wildcards.
    """

    name: str
    wanted: frozenset[str]
    texts: tuple[str, ...]
    unwanted: frozenset[str]
    patterns: tuple[tuple[str, ...], ...]


Test = tuple[Part, ...]


class View:
    """A request whose attributes are built once, and only when somebody asks.

    Attributes:
        request: the request.
        knows_patterns: whether a match of a `like` pattern may exclude a policy.
    """

    __slots__ = ("_keys", "_values", "knows_patterns", "request")

    def __init__(self, request: Request, *, knows_patterns: bool = True) -> None:
        self.request = request
        self.knows_patterns = knows_patterns
        self._values: dict[str, Value] = {}
        self._keys: dict[str, frozenset[str]] = {}

    def value(self, name: str) -> Value:
        """Give an attribute as Cedar is to see it."""
        found = self._values.get(name)
        if found is None:
            found = self._values[name] = _BUILDERS[name](self.request)
        return found

    def keys(self, name: str) -> frozenset[str]:
        """Give an attribute as the values that the index and the tests know."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = _as_keys(self.value(name))
        return found


class Lacking(NamedTuple):
    """Policies that a request may only concern if an attribute lacks values.

    Attributes:
        values: what any of them may not have; a request that has none of it, as most, concerns them all.
        positions: of all of them.
        entries: for each the values that it may not have, and its position.
    """

    values: set[str]
    positions: list[int]
    entries: list[tuple[frozenset[str], int]]

    def add(self, position: int, unwanted: frozenset[str]) -> None:
        """Put in a policy."""
        self.values.update(unwanted)
        self.positions.append(position)
        self.entries.append((unwanted, position))

    def choose(self, keys: frozenset[str]) -> list[int]:
        """Give the positions of those for which the attribute lacks enough."""
        if self.values.isdisjoint(keys):
            return self.positions
        return [position for unwanted, position in self.entries if unwanted.isdisjoint(keys)]


class Bucket(NamedTuple):
    """Policies that share their tests.

    Attributes:
        tests: what a request must meet for any of them.
        plain: positions of those that need no more than that.
        texts: per attribute, texts of which one policy each needs one: by how they begin, as names of one kind often
            begin alike, the text and the policy's position.
        lacks: per attribute, those that need it to lack values.
        others: those with tests of any other form: the tests and the position.
        inner: those that match only what some patterns do not: by these tests, which they may share.
    """

    tests: tuple[Test, ...]
    plain: list[int]
    texts: dict[str, dict[str, list[tuple[str, int]]]]
    lacks: dict[str, Lacking]
    others: list[tuple[tuple[Test, ...], int]]
    inner: dict[tuple[Test, ...], "Bucket"]

    @classmethod
    def of(cls, tests: tuple[Test, ...]) -> "Bucket":
        """An empty one."""
        return cls(tests, [], {}, {}, [], {})

    def add(self, position: int, own_tests: tuple[Test, ...]) -> None:
        """Put in a policy with the tests that it does not share."""
        if patterned := tuple(test for test in own_tests if _has_pattern(test)):
            rest = tuple(test for test in own_tests if not _has_pattern(test))
            self.inner.setdefault(patterned, Bucket.of(patterned)).add(position, rest)
            return
        parts = [test[0] for test in own_tests if len(test) == 1]
        names = {part.name for part in parts}
        if not own_tests:
            self.plain.append(position)
        elif len(parts) < len(own_tests) or len(names) > 1:
            self.others.append((own_tests, position))
        elif all(len(part.unwanted) == 1 and not part.wanted and not part.texts for part in parts):
            unwanted = frozenset(value for part in parts for value in part.unwanted)
            self.lacks.setdefault(names.pop(), Lacking(set(), [], [])).add(position, unwanted)
        elif len(parts) == len(parts[0].texts) == 1 and not parts[0].wanted and not parts[0].unwanted:
            text = parts[0].texts[0]
            self.texts.setdefault(names.pop(), {}).setdefault(text[:_BEGINNING], []).append((text, position))
        else:
            self.others.append((own_tests, position))

    def is_plain(self) -> bool:
        """Whether no policy in it needs more than the tests that all share."""
        return not (self.texts or self.lacks or self.others or self.inner)

    def choose(self, view: View, chosen: set[int]) -> None:
        """Add the positions of those whose tests a request meets."""
        for test in self.tests:
            if not _passes(test, view):
                return
        chosen.update(self.plain)
        for name, beginnings in self.texts.items():
            value = str(view.value(name))
            for beginning, entries in beginnings.items():
                if beginning in value:
                    chosen.update([position for text, position in entries if text in value])
        for name, lacking in self.lacks.items():
            chosen.update(lacking.choose(view.keys(name)))
        for tests, position in self.others:
            if all(_passes(test, view) for test in tests):
                chosen.add(position)
        for bucket in self.inner.values():
            bucket.choose(view, chosen)


def as_test(requirement: Requirement) -> Test:
    """Put a requirement into the form that is tested."""
    names = sorted({name for name, _ in requirement})
    return tuple(_part(name, [value for each, value in sorted(requirement) if each == name]) for name in names)


def _part(name: str, values: list[str]) -> Part:
    texts = tuple(value.removeprefix(CONTAINING) for value in values if value.startswith(CONTAINING))
    unwanted = frozenset(value.removeprefix(LACKING) for value in values if value.startswith(LACKING))
    wanted = frozenset(value for value in values if not value.startswith((CONTAINING, LACKING, UNLIKE)))
    patterns = tuple(tuple(value.removeprefix(UNLIKE).split(GAP)) for value in values if value.startswith(UNLIKE))
    return Part(name, wanted, texts, unwanted, patterns)


def is_own(test: Test) -> bool:
    """Whether a test is of a kind that policies seldom share."""
    return any(part.texts or part.unwanted or part.patterns for part in test)


def _has_pattern(test: Test) -> bool:
    return any(part.patterns for part in test)


def _as_keys(value: Value) -> frozenset[str]:
    if isinstance(value, list):
        return frozenset((*value, NOT_EMPTY)) if value else _NO_KEYS
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    return frozenset((value,))


def _passes(test: Test, view: View) -> bool:
    for name, wanted, texts, unwanted, patterns in test:
        keys = view.keys(name)
        if not wanted.isdisjoint(keys) or (unwanted and not unwanted <= keys):
            return True
        if texts or patterns:
            value = str(view.value(name))
            for text in texts:
                if text in value:
                    return True
            for literals in patterns:
                if not (view.knows_patterns and _is_surely_like(value, literals)):
                    return True
    return False


def _is_surely_like(text: str, literals: tuple[str, ...]) -> bool:
    """Whether a text matches a `like` pattern beyond doubt: what is not ASCII is left to Cedar."""
    first, last = literals[0], literals[-1]
    if not text.isascii():
        return False
    if len(literals) == 1:
        return text == first
    start, end = len(first), len(text) - len(last)
    if start > end or not text.startswith(first) or not text.endswith(last):
        return False
    for literal in literals[1:-1]:
        found = text.find(literal, start, end)
        if found < 0:
            return False
        start = found + len(literal)
    return True
