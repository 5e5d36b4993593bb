"""Put marks in place of secrets that are already known."""

import binascii
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar, cast
from urllib.parse import quote

import msgspec
import re2

from appliance.protection.secrets.marks import between_marks

_T = TypeVar("_T")
_KNOWN_MIN = 6
_VARIANT_MIN = 10
_LOOP_MAX = 24


def variants_of(secret: str) -> tuple[str, ...]:
    """Give the other forms in which a known secret may stand elsewhere: hex, base64 at each alignment, escapes."""
    raw = secret.encode("utf-8", "surrogatepass")
    if len(raw) < _VARIANT_MIN:
        return ()
    digits = raw.hex()
    forms = [digits, digits.upper()]
    for shift in range(3):
        text = binascii.b2a_base64(b"\0" * shift + raw, newline=False).rstrip(b"=").decode()
        # The edge characters also hold bits of the neighbours.
        core = text[(0, 2, 3)[shift] : (len(raw) + shift) // 3 * 4 if (len(raw) + shift) % 3 else None]
        forms += (core, core.replace("+", "-").replace("/", "_"))
    forms += (quote(secret.encode("utf-8", "replace"), safe=""), json.dumps(secret)[1:-1])
    return tuple(dict.fromkeys(form for form in forms if form != secret and len(form) >= _VARIANT_MIN))


class Masker:
    """Masks any further string of the same action with the same secrets.

    Args:
        known: mark by secret (or by an encoded run that holds one); an empty mapping masks nothing known.
        scan: masks what the rules find in a text by itself; runs after the known secrets.
    """

    def __init__(self, known: Mapping[str, str], scan: Callable[[str], str]) -> None:
        marks = {secret: mark for secret, mark in known.items() if len(secret) >= _KNOWN_MIN}
        for secret, mark in known.items():
            for form in variants_of(secret):
                marks.setdefault(form, mark)
        self._marks = dict(sorted(marks.items(), key=lambda item: -len(item[0])))
        self._scan = scan
        self._pattern = _alternation(self._marks) if len(self._marks) > _LOOP_MAX else None

    def mask_known(self, text: str) -> str:
        """Replace the known secrets only, longest first; marks are left alone."""
        return between_marks(text, self._mask_many if self._pattern is not None else self._mask_few)

    def _mask_few(self, text: str) -> str:
        for secret, mark in self._marks.items():
            if secret in text:
                text = between_marks(text, partial(_swap, secret=secret, mark=mark))
        return text

    def _mask_many(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        marks = self._marks
        swapped = self._pattern.sub(  # type: ignore[union-attr]
            lambda m: marks[m.group().decode("utf-8", "surrogatepass")].encode(), raw
        )
        return str(swapped.decode("utf-8", "surrogatepass"))

    def mask_text(self, text: str) -> str:
        """Replace known secrets, then what the rules find in the text by itself."""
        return self._scan(self.mask_known(text) if self._marks else text)

    def mask(self, value: _T) -> _T:
        """Copy a string, tuple, list, mapping or msgspec struct (such as Facts) with every string masked."""
        return cast("_T", self._mask(value))

    def _mask(self, value: object) -> object:
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, tuple):
            return tuple(self._mask(item) for item in value)
        if isinstance(value, list):
            return [self._mask(item) for item in value]
        if isinstance(value, Mapping):
            return {self._mask(key): self._mask(item) for key, item in value.items()}
        if isinstance(value, msgspec.Struct):
            names = value.__struct_fields__
            return msgspec.structs.replace(value, **{name: self._mask(getattr(value, name)) for name in names})
        return value


def _swap(text: str, *, secret: str, mark: str) -> str:
    return text.replace(secret, mark)


def _alternation(marks: Mapping[str, str]) -> "re2._Regexp":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = True
    options.max_mem = 256 << 20
    return re2.compile(b"|".join(re2.escape(s.encode("utf-8", "surrogatepass")) for s in marks), options)
