"""Other forms in which a secret can stand: views of some bytes with a way back to their places; pure."""

import binascii
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable

import re2

# One quad of base64 that encodes three ASCII bytes has only these characters at its places (the high bits are 0):
# that tells encoded text from words, paths and hashes without decoding them.
_QUAD = "[ACDI-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_INVISIBLE = (
    r"\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xc2\xad|\xe1\xa0\x8e|\xcd\x8f|\xef\xb8[\x80-\x8f]|"
    r"\xf3\xa0[\x80-\x87][\x80-\xbf]|\x1b(?:\[[0-9;?]{0,16}[A-Za-z])?"
)
_CONTROL = r"[\x00-\x08\x0e-\x1a\x7f]"
_ESCAPE = (
    r"\\{1,4}u00[2-7][0-9A-Fa-f]|\\{1,4}u\{0{0,4}[2-7][0-9A-Fa-f]\}|\\{1,4}x[2-7][0-9A-Fa-f]|\\{1,2}[01][0-7][0-7]|"
    r"%[2-7][0-9A-Fa-f]|&#[xX]0{0,4}[2-7][0-9A-Fa-f];|&#0{0,4}[0-9]{2,3};|\\/"
)
_JOINT = r"""\\{0,2}["']\s{0,3}[+.&]?\s{0,3}\\{0,2}["']"""
_LETTER = "[A-Za-z0-9+/_=-]"
_WRAP = r"[ \t]{0,8}(?:\r?\n|\\{1,2}r\\{1,2}n|\\{1,2}n)[ \t]{0,40}(?:[>|#*+][ \t]{0,4})?"
_ZLIB = "(?:H4sI|eJ[w-z]|eN[oprqsv]|eA[EF])[A-Za-z0-9+/_-]{16}"
_HEX_BYTE = "(?:[2-7][0-9a-fA-F]|0[9aAdD])"

# Substitutions report every place, for only the text around them is read again; runs are looked up by RE2.
# Apart, these patterns are several times as fast as alternatives of one.
TRIGGERS: dict[str, tuple[str, ...]] = {
    "escapes": (
        f"(?:{_INVISIBLE}){_LETTER}",
        f"{_LETTER}(?:{_INVISIBLE})",
        f"(?:{_ESCAPE}){_LETTER}",
        f"{_LETTER}(?:{_ESCAPE})",
        "[0-9A-Fa-f];&#[xX0-9]",
        f"{_LETTER}{_CONTROL}{_LETTER}",
        f"{_LETTER}{_JOINT}{_LETTER}",
        r"[A-Za-z0-9_-]\\\n",
    ),
    "wraps": (f"{_LETTER}{{24}}[ \\t]{{0,2}}(?:\\r?\\n|\\\\[rn])",),
    "runs": (f"(?:{_QUAD}){{5}}", _ZLIB, f"{_HEX_BYTE}{{12}}", "1[fF]8[bB]08"),
}
SINGLE = frozenset({"runs"})

Locate = Callable[[int, int], tuple[int, int]]
# Bytes to look at, the way from a span in them to a span in the source, and source spans too large to be read.
View = tuple[bytes, Locate, list[tuple[int, int]]]


def _pattern(text: str) -> "re2._Regexp":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(text.encode(), options)


_ESCAPES = _pattern(f"{_INVISIBLE}|{_CONTROL}|{_ESCAPE}|%0[9aAdD]|\\\\{{1,4}}u000[9aAdD]|{_JOINT}|\\\\\\n")
_WRAPS = _pattern(_WRAP)
_RUNS = _pattern(
    f"(?:{_QUAD}){{5}}[A-Za-z0-9+/_-]*={{0,2}}|{_ZLIB}[A-Za-z0-9+/_-]*={{0,2}}|"
    f"(?:{_HEX_BYTE}{{12}}|1[fF]8[bB]08)(?:[0-9a-fA-F]{{2}})*"
)
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_WORD = _ALPHABET + b"=.~%:@!#^&*$\\"
_NEAR, _FAR = 160, 4096
_SHORT_RUN = 4096
_PRINTABLE = bytes([9, 10, 13, *range(32, 127)])
_CONTROL_TO_END = bytes(c if c >= 32 or c in b"\t\n\r\x1b" else 31 for c in range(256))  # noqa: PLR2004 - ASCII
_GZIP_MAGIC = b"\x1f\x8b\x08"


def view_of(name: str, data: bytes, ends: list[int], bytes_max: int) -> View:
    """Undo one kind of encoding around the places where it was seen.

    Args:
        name: one of TRIGGERS.
        data: what was scanned.
        ends: where the trigger hit; not read for runs.
        bytes_max: bound of what decompression may give.
    """
    if name == "runs":
        return _decode_runs(data, bytes_max)
    return _substitute(data, _windows(data, ends), _WRAPS if name == "wraps" else _ESCAPES)


def _windows(data: bytes, ends: list[int]) -> list[tuple[int, int]]:
    """Give disjoint spans that hold each place with the words around it."""
    windows: list[tuple[int, int]] = []
    for end in ends:
        if windows and end < windows[-1][1]:
            continue
        start = max(0, end - _NEAR)
        far = data[max(0, start - _FAR) : start]
        start -= len(far) - len(far.rstrip(_WORD))
        stop = end + _NEAR
        far = data[stop : stop + _FAR]
        stop = min(len(data), stop + len(far) - len(far.lstrip(_WORD)))
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], stop)
        else:
            windows.append((start, stop))
    return windows


def _substitute(data: bytes, windows: list[tuple[int, int]], pattern: "re2._Regexp") -> View:
    pieces: list[bytes] = []
    targets: list[int] = []
    sources: list[int] = []
    ends: dict[int, int] = {}
    length = 0
    for start, stop in windows:
        targets.append(length)
        sources.append(start)
        position = start
        for found in pattern.finditer(data, start, stop):
            first, last = found.span()
            meaning = _meaning(data[first:last])
            pieces += (data[position:first], meaning)
            length += first - position + len(meaning)
            position = last
            targets.append(length)
            sources.append(last)
            if meaning:
                ends[length] = last
        pieces += (data[position:stop], b"\x1f")
        length += stop - position + 1

    def locate(start: int, end: int) -> tuple[int, int]:
        first, last = bisect_right(targets, start) - 1, max(0, bisect_left(targets, end) - 1)
        return sources[first] + start - targets[first], ends.get(end) or sources[last] + end - targets[last]

    return b"".join(pieces), locate, []


def _meaning(escape: bytes) -> bytes:  # noqa: PLR0911 - one return per kind of escape
    kind = escape[:1]
    try:
        if kind == b"%":
            return bytes([int(escape[1:], 16)])
        if kind == b"&":
            digits = escape[2:-1]
            number = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
            return bytes([number]) if number < 128 else escape  # noqa: PLR2004 - ASCII
        if kind == b"\\":
            body = escape.lstrip(b"\\")
            if body[:1] in (b"u", b"x"):
                return bytes([int(body[1:].strip(b"{}"), 16)])
            if body[:1].isdigit():
                return bytes([int(body, 8)])
            return body if body == b"/" else b""
    except ValueError:
        return escape
    return b""


def _decode_runs(data: bytes, bytes_max: int) -> View:
    pieces: list[bytes] = []
    starts: list[int] = []
    spans: list[tuple[int, int]] = []
    oversized: list[tuple[int, int]] = []
    length = 0
    reached = 0
    for found in _RUNS.finditer(data):
        start, end = found.span()
        if end <= reached:
            continue
        for decoded, span in _decode_run(data, start, end, reached):
            unpacked, is_oversized = _decompress(decoded, bytes_max - length)
            if is_oversized:
                oversized.append(span)
            for piece in (*_readings(decoded), unpacked):
                if piece:
                    pieces.append(piece)
                    starts.append(length)
                    spans.append(span)
                    length += len(piece) + 1
        reached = end

    def locate(start: int, _end: int) -> tuple[int, int]:
        return spans[bisect_right(starts, start) - 1]

    return b"\x1f".join(pieces), locate, oversized


def _readings(decoded: bytes) -> tuple[bytes, ...]:
    """Give decoded bytes as text: binary content falls apart at its control bytes, UTF-16 loses its zeros."""
    if not decoded.translate(None, _PRINTABLE):
        return (decoded,)
    text = decoded.translate(_CONTROL_TO_END)
    if decoded.count(0) * 3 > len(decoded):
        return text, decoded.replace(b"\0", b"").translate(_CONTROL_TO_END)
    return (text,)


def _decode_run(data: bytes, start: int, end: int, floor: int) -> list[tuple[bytes, tuple[int, int]]]:
    run = data[start:end]
    readings: list[tuple[bytes, tuple[int, int]]] = []
    before = data[floor:start]
    if not run.strip(_HEX_DIGITS):
        left = start - (len(before) - len(before.rstrip(_HEX_DIGITS)))
        left += (start - left) % 2
        right = end + (len(data[end : end + 2]) - len(data[end : end + 2].lstrip(_HEX_DIGITS)))
        digits = data[left:right]
        readings.append((binascii.unhexlify(digits[: len(digits) // 2 * 2]), (left, right)))
    left = len(before) - len(before.rstrip(_ALPHABET))
    digits = data[start - left : end].rstrip(b"=").translate(_STANDARD)
    found = [_decode_base64(digits[shift:]) for shift in range(4)]
    if len(digits) > _SHORT_RUN:
        # What RE2 took for the alignment may be another's accident; in a long run the right one is the most legible.
        legible = min(range(4), key=lambda shift: len(found[shift].translate(None, _PRINTABLE)))
        found = [found[shift] for shift in sorted({left % 4, legible})]
    return [*readings, *((decoded, (start - left, end)) for decoded in found)]


def _decode_base64(digits: bytes) -> bytes:
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _decompress(data: bytes, bytes_max: int) -> tuple[bytes, bool]:
    """Unpack gzip or zlib; give the text and whether there was more than may be read."""
    position = data.find(_GZIP_MAGIC)
    is_zlib = data[:1] == b"\x78" and len(data) > 1 and int.from_bytes(data[:2], "big") % 31 == 0
    if position < 0 and not is_zlib:
        return b"", False
    if bytes_max <= 0:
        return b"", True
    unpacker = zlib.decompressobj(wbits=47)
    try:
        text = unpacker.decompress(data[max(position, 0) :], bytes_max)
    except zlib.error:
        return b"", False
    return text, not unpacker.eof and len(text) >= bytes_max
