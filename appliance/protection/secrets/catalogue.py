"""The rules, read once from the files beside this module."""

import tomllib
from functools import cache
from importlib import resources

import msgspec
import re2

from appliance.protection.secrets.records import Rule

# The order is the preference where two rules find the same place: what names itself comes before what is named.
AREAS = (
    "ai_providers",
    "cloud",
    "source_control",
    "continuous_integration",
    "chat",
    "payments",
    "observability",
    "office",
    "databases",
    "generic",
)
OVERSIZED = "oversized-encoding"
_SHORT_REPEAT_MAX = 100
_MACROS = {
    # Between a name and its value: shell, JSON (also escaped), YAML, TOML, code, a JSON member (\x1e, see body).
    "%ASSIGN%": (r"""\\{0,3}["'`\]]{0,2}\s{0,4}(?::=|\|\|=|\?=|=>|==|=|:|\x1e|["'`],)\s{0,4}\\{0,3}["'`(]{0,2}"""),
    "%END%": r"(?:[^A-Za-z0-9_+/=-]|$)",
    "%PASSWORDNAME%": (
        r"(?:passw(?:or)?d[a-z0-9_-]{0,8}|passphrase|passcode|(?:\b|_)pwd|(?:\b|_)pass(?:[_-][a-z0-9]{1,8}|[0-9])?)"
    ),
}
_BOUNDED = re2.compile(r"\{([0-9]+),([0-9]+)\}")
_PADDING = re2.compile(r"(?:=|\(\?:=\|%3\[dD\]\))\{0,2\}(\)?)$")
_TAIL = re2.compile(r"\{([0-9]+),[0-9]*\}(\)?)$")
_LEFT = re2.compile(r"(^|\(\?i\)|\(\?:|\||\()\\b")


@cache
def load_rules() -> tuple[Rule, ...]:
    """Read all rules in order of preference; macros are expanded and open ends opened."""
    folder = resources.files("appliance.protection.secrets") / "rules"
    rules = []
    for name in AREAS:
        data = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
        for raw in data["rule"]:
            rule = msgspec.convert(raw, Rule)
            pattern = _open(_begin(_expand(rule.pattern)))
            probe = _open(_begin(_shorten(_expand(rule.probe or rule.pattern))))
            rules.append(msgspec.structs.replace(rule, pattern=pattern, probe=probe, area=data["area"]))
    return tuple(rules)


def _expand(pattern: str) -> str:
    for name, text in _MACROS.items():
        pattern = pattern.replace(name, text)
    return pattern


def _begin(pattern: str) -> str:
    # In a JSON string inside a JSON string a new line is a backslash and an `n`, which is no word boundary.
    if pattern.startswith(r"\b") and not re2.compile(_open(pattern)).groups:
        pattern = rf"\b({pattern[2:]})"
    return str(_LEFT.sub(lambda m: rf"{m[1]}(?:\b|\\[abefnrtv])", pattern))


def _open(pattern: str) -> str:
    # Large upper bounds cost states and would leave the rest of a longer run unmasked.
    return str(_BOUNDED.sub(lambda m: f"{{{m[1]},}}" if int(m[2]) >= _SHORT_REPEAT_MAX else m[0], pattern))


def _shorten(pattern: str) -> str:
    # The prefilter needs no more than the shortest match: otherwise it reports every further byte of a run.
    return str(_TAIL.sub(lambda m: f"{{{m[1]}}}{m[2]}", _PADDING.sub(lambda m: m[1], pattern)))
