"""One hyperscan pass over all rules, RE2 for the spans of what it hits."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import hyperscan
import re2

from appliance.protection.secrets.checks import is_secret
from appliance.protection.secrets.encodings import SINGLE, TRIGGERS
from appliance.protection.secrets.records import Match, Rule

SEPARATOR = b"\x1f"
_BACK = 640
_AHEAD = 8192
_TRIGGER_BASE = 10_000

Hits = list[tuple[int, int]]


class Engine:
    """The compiled rules; one engine belongs to one thread (hyperscan's scratch memory cannot be shared)."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._patterns = [_pattern(rule.pattern) for rule in rules]
        self._has_group = [pattern.groups > 0 for pattern in self._patterns]
        triggers = [(name, pattern) for name, patterns in TRIGGERS.items() for pattern in patterns]
        self._names = [name for name, _ in triggers]
        expressions = (*(rule.probe for rule in rules), *(pattern for _, pattern in triggers))
        ids = (*range(len(rules)), *range(_TRIGGER_BASE, _TRIGGER_BASE + len(triggers)))
        single = hyperscan.HS_FLAG_SINGLEMATCH
        flags = (*(0 for _ in rules), *(single if name in SINGLE else 0 for name in self._names))
        self._database = _database(expressions, ids, flags)
        self._scratch = hyperscan.Scratch(self._database)

    def probe(self, data: bytes) -> Hits:
        """Give (rule or trigger, end of match) for all that the prefilter hits; empty for nearly every text."""
        hits: Hits = []

        def collect(rule: int, _start: int, end: int, _flags: int, _context: object) -> None:
            hits.append((rule, end))

        self._database.scan(data, match_event_handler=collect, scratch=self._scratch)
        return hits

    def confirm(self, data: bytes, hits: Hits) -> tuple[list[Match], dict[str, list[int]]]:
        """Give the secrets behind the hits and the places of encodings that were seen, by name."""
        matches: list[Match] = []
        seen: dict[str, list[int]] = {}
        reached: dict[int, int] = {}
        for rule, end in hits:
            if rule >= _TRIGGER_BASE:
                seen.setdefault(self._names[rule - _TRIGGER_BASE], []).append(end)
            elif end > reached.get(rule, 0):
                reached[rule] = self._confirm_one(data, rule, end, reached.get(rule, 0), matches)
        return matches, seen

    def _confirm_one(self, data: bytes, rule: int, end: int, after: int, matches: list[Match]) -> int:
        """Look for the rule around a hit that ends at `end`; give where to go on."""
        start = max(after, end - _BACK)
        start = max(start, data.rfind(SEPARATOR, start, max(0, end - 1)) + 1)
        limit = data.find(SEPARATOR, end - 1, end + _AHEAD) + 1 or min(len(data), end + _AHEAD)
        pattern = self._patterns[rule]
        found = pattern.search(data, start, limit)
        if found is not None and found.end() == limit and data[limit - 1 : limit] != SEPARATOR:
            found = pattern.search(data, start, data.find(SEPARATOR, limit) + 1 or len(data))
        if found is None:
            return after
        first, last = found.span(1) if self._has_group[rule] else found.span()
        secret = data[first:last]
        if is_secret(self.rules[rule], secret, data[found.start() : first]):
            matches.append(Match(rule, first, last, secret))
        return max(int(found.end()), after)


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    """Compiled once a process: a pattern may be used by every thread."""
    return re2.compile(pattern.encode(), _options())


@lru_cache(maxsize=4)
def _database(expressions: tuple[str, ...], ids: tuple[int, ...], flags: tuple[int, ...]) -> hyperscan.Database:
    """Compiled once a process, which takes half a second: only the scratch memory belongs to one thread."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[text.encode() for text in expressions], ids=list(ids), elements=len(ids), flags=list(flags)
    )
    return database
