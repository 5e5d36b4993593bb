"""A rule, a match and a leaf: plain values."""

import msgspec


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of secret looks.

    Attributes:
        id: stable, kebab case; it stands in findings and marks.
        title: what it is, for people.
        pattern: RE2 syntax over UTF-8 bytes; the one capturing group is the secret, without one the whole match.
        example: template of a text that holds such a secret, see `examples.build_example`.
        area: the group in the reference.
        check: name of a gate in `checks.CHECKS` that the value must pass besides its entropy.
        entropy: least Shannon entropy of the secret, in bits per byte.
        probe: pattern for the prefilter; empty if it follows from `pattern`.
    """

    id: str
    title: str
    pattern: str
    example: str
    area: str = ""
    check: str = "format"
    entropy: float = 2.5
    probe: str = ""

    @property
    def stands_alone(self) -> bool:
        """Tell whether the secret is recognisable by its own form, without a name beside it."""
        return self.check in {"format", "aws-key", "github-crc", "jwt", "pem"} and "«" not in self.example


class Match(msgspec.Struct, frozen=True):
    """A secret in bytes: rule (index in the catalogue), span there, its value, and whether it was decoded first."""

    rule: int
    start: int
    end: int
    secret: bytes
    is_decoded: bool = False


class Leaf(msgspec.Struct):
    """A string of a body: its path, whether it is a key, its text, and where its bytes lie in the scanned data."""

    path: tuple[str | int, ...]
    is_key: bool
    text: str
    start: int
    end: int
