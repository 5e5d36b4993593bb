"""Scan a hook body, a text or a log line for secrets and mask them."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, NamedTuple

from appliance.actions.records import Finding
from appliance.protection.secrets.body import Json, Layout, Path, flatten, pointer_of, rebuild, to_bytes
from appliance.protection.secrets.catalogue import OVERSIZED, load_rules
from appliance.protection.secrets.encodings import view_of
from appliance.protection.secrets.engine import Engine, Hits
from appliance.protection.secrets.marks import blank_marks, fingerprint_of, mark_of
from appliance.protection.secrets.masker import Masker
from appliance.protection.secrets.records import Leaf, Match

_ROUNDS_MAX = 6
_OVERSIZED_RULE = -1
_CONTINUATION = bytes(range(0x80, 0xC0))
_Place = tuple[Path, bool]
_Span = tuple[int, int, Match]
_Found = list[tuple[Leaf, int, int, Match]]


class Scan(NamedTuple):
    """What a scan gives: findings in order of place, the masked body, and the masker for all else of the action."""

    findings: tuple[Finding, ...]
    masked: Json
    masker: Masker


class Scanner:
    """Finds and masks secrets; for one thread (make one per thread).

    Args:
        key: key of the fingerprints; one per installation.
        decode_depth: how many encodings inside each other are undone.
        scan_bytes_max: bytes that the decoding of one body may unpack; an encoded run beyond is masked unread.
            The body itself is always scanned whole.
    """

    def __init__(self, key: bytes, decode_depth: int = 3, scan_bytes_max: int = 4 << 20) -> None:
        self._key = key
        self._depth = decode_depth
        self._bytes_max = scan_bytes_max
        self._engine = Engine(load_rules())
        self._nothing = Masker({}, self.mask_text)

    def scan_body(self, body: Mapping[str, Any]) -> tuple[tuple[Finding, ...], Mapping[str, Any]]:
        """Give the findings and the masked body; the same object if nothing was found."""
        scan = self.scan(body)
        return scan.findings, scan.masked

    def scan_text(self, text: str) -> tuple[tuple[Finding, ...], str]:
        """Give the findings (pointer "") and the masked text."""
        scan = self.scan(text)
        return scan.findings, scan.masked

    def mask_text(self, text: str) -> str:
        """Give the masked text."""
        return str(self.scan(text).masked)

    def scan(self, body: Json) -> Scan:
        """Scan a JSON value; masked copies share nothing with it."""
        text, is_clean = flatten(body)
        # A raw separator in a string would cut what stands there: the slow layout replaces it.
        if is_clean:
            data = blank_marks(to_bytes(text))
            hits = self._engine.probe(data)
            if not hits or not self._find(data, hits, self._depth, [self._bytes_max]):
                return Scan((), body, self._nothing)
        return self._scan_slowly(body)

    def _scan_slowly(self, body: Json) -> Scan:
        findings: list[Finding] = []
        known: dict[str, str] = {}
        masked = body
        for _ in range(_ROUNDS_MAX):
            # What the marks brought together, or one decoding uncovered, is scanned again until nothing is left.
            found, masked = self._mask_once(masked, known)
            if not found:
                break
            findings += [finding for finding in found if finding not in findings]
        return Scan(tuple(findings), masked, Masker(known, self.mask_text) if known else self._nothing)

    def _mask_once(self, body: Json, known: dict[str, str]) -> tuple[list[Finding], Json]:
        layout = Layout(body)
        data = blank_marks(layout.data)
        matches = self._find(data, self._engine.probe(data), self._depth, [self._bytes_max])
        places = self._place(layout, matches)
        if not places:
            return [], body
        found: _Found = []
        texts: dict[_Place, list[tuple[str, str]]] = {}
        for leaf, spans in places:
            texts[leaf.path, leaf.is_key] = self._cut(leaf, data, spans, known, found)
        masker = Masker(known, str)

        def mask(path: Path, text: str, is_key: bool) -> str:  # noqa: FBT001 - a callback of rebuild
            pieces = texts.get((path, is_key), [(text, "")])
            return "".join(masker.mask_known(plain) + mark for plain, mark in pieces)

        names: dict[Path, str] = {}

        def shown(path: Path, name: str) -> str:
            if path not in names:
                names[path] = mask(path, name, True)  # noqa: FBT003 - as above
            return names[path]

        return [self._finding(item, pointer_of(item[0].path, shown)) for item in found], rebuild(body, mask)

    def _finding(self, item: tuple[Leaf, int, int, Match], pointer: str) -> Finding:
        _, start, end, match = item
        return Finding(
            rule=self._rule_id(match.rule),
            pointer=pointer,
            start=0 if match.is_decoded else start,
            end=0 if match.is_decoded else end,
            length=len(match.secret.decode("utf-8", "replace")),
            fingerprint=fingerprint_of(self._key, match.secret),
        )

    def _rule_id(self, rule: int) -> str:
        return OVERSIZED if rule == _OVERSIZED_RULE else self._engine.rules[rule].id

    def _cut(
        self, leaf: Leaf, data: bytes, spans: list[_Span], known: dict[str, str], found: _Found
    ) -> list[tuple[str, str]]:
        """Cut a leaf's text at its secrets: plain piece and the mark behind it; learn the secrets."""
        pieces: list[tuple[str, str]] = []
        position = 0
        for start, end, match in _merge(spans):
            first, last = _characters(data, leaf.start, start), _characters(data, leaf.start, end)
            secret = match.secret.decode("utf-8", "replace")
            mark = mark_of(self._rule_id(match.rule), len(secret), fingerprint_of(self._key, match.secret))
            pieces.append((leaf.text[position:first], mark))
            position = last
            found.append((leaf, first, last, match))
            known.setdefault(secret, mark)
            if match.is_decoded:
                known.setdefault(leaf.text[first:last], mark)
        pieces.append((leaf.text[position:], ""))
        return pieces

    def _find(self, data: bytes, hits: Hits, depth: int, budget: list[int]) -> list[Match]:
        """Give the secrets in some bytes, also behind up to `depth` encodings, with spans in these bytes."""
        matches, seen = self._engine.confirm(data, hits)
        if depth <= 0:
            return matches
        for name, ends in seen.items():
            view, locate, oversized = view_of(name, data, ends, budget[0])
            budget[0] -= len(view) if name == "runs" else 0
            matches += [Match(_OVERSIZED_RULE, s, e, data[s:e], is_decoded=True) for s, e in oversized]
            for match in self._find(view, self._engine.probe(view), depth - 1, budget):
                start, end = locate(match.start, match.end)
                if not _is_covered(matches, match, start, end):
                    matches.append(Match(match.rule, start, end, match.secret, is_decoded=True))
        return matches

    def _place(self, layout: Layout, matches: list[Match]) -> list[tuple[Leaf, list[_Span]]]:
        """Assign matches to the leaves that they touch, clipped to them."""
        spans: dict[int, list[_Span]] = {}
        starts = [leaf.start for leaf in layout.leaves]
        for match in matches:
            parts = [(match.start, match.end)]
            if match.start >= layout.joined_from:
                parts = self._parts_in_joined(layout, match)
            for start, end in parts:
                index = max(0, bisect_right(starts, start) - 1)
                while index < len(starts) and starts[index] < end:
                    leaf = layout.leaves[index]
                    first, last = max(start, leaf.start), min(end, leaf.end)
                    if first < last:
                        spans.setdefault(index, []).append((first, last, match))
                    index += 1
        return [(layout.leaves[index], spans[index]) for index in sorted(spans)]

    def _parts_in_joined(self, layout: Layout, match: Match) -> list[tuple[int, int]]:
        """Give the spans of a secret that is whole only when neighbouring strings are put together."""
        if not match.is_decoded and not self._engine.rules[match.rule].stands_alone:
            return []
        starts = [leaf.start for leaf in layout.joined]
        first, last = bisect_right(starts, match.start) - 1, bisect_right(starts, match.end - 1) - 1
        if first == last:
            return []
        parts = []
        for index in range(first, last + 1):
            piece = layout.joined[index]
            limit = starts[index + 1] if index + 1 < len(starts) else match.end
            begin, stop = max(match.start, piece.start), min(match.end, limit)
            parts.append((piece.end + begin - piece.start, piece.end + stop - piece.start))
        return parts


def _is_covered(matches: list[Match], match: Match, start: int, end: int) -> bool:
    return any(m.start <= start and end <= m.end and (not m.is_decoded or m.rule == match.rule) for m in matches)


def _merge(spans: list[_Span]) -> list[_Span]:
    """Unite overlapping spans; the rule that comes first in the catalogue names the whole."""
    merged: list[_Span] = []
    for start, end, match in sorted(spans, key=lambda span: (span[0], -span[1], span[2].rule)):
        if merged and start < merged[-1][1]:
            before = merged[-1]
            best = match if 0 <= match.rule < before[2].rule else before[2]
            merged[-1] = (before[0], max(before[1], end), best)
        else:
            merged.append((start, end, match))
    return merged


def _characters(data: bytes, start: int, end: int) -> int:
    """Count the characters that begin between two places."""
    return len(data[start:end].translate(None, _CONTINUATION))
