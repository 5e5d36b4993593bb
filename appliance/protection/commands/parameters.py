"""Parameter expansion, after the bash reference manual, section 3.5.3, for what the text alone tells."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Final

from tree_sitter import Node

from appliance.protection.commands.state import State
from appliance.protection.commands.words import Origin, Word

Expand = Callable[[list[Node], State], Word]

_LONGEST_TRIMMED: Final = 256
_FROM_ENVIRONMENT: Final = frozenset([Origin.VARIABLE])
_NUMBERS: Final = frozenset(["?", "$", "#", "!", "RANDOM", "SECONDS", "LINENO", "EUID", "UID", "PPID", "BASHPID"])
_DEFAULTS: Final = {
    "HOME": Word("~"),
    "IFS": Word(" \t\n", is_disguised=True),
    "TMPDIR": Word("/tmp"),  # noqa: S108 - what the shell would put there
    "0": Word("bash"),
}
_EVERYWHERE: Final = frozenset([
    "PATH", "HOME", "PWD", "OLDPWD", "SHELL", "IFS", "PS1", "USER", "LOGNAME", "LANG", "TERM", "HOSTNAME", "MAIL",
    "BASH", "BASHOPTS", "SHELLOPTS", "BASH_VERSION", "TMPDIR",
])  # fmt: skip


def parameter(node: Node, source: bytes, state: State, expand: Expand) -> list[Word]:
    """Give the words of `$name` or `${...}`; one unknown word, shown as it is written, if that needs the run time."""
    written = _decoded(node, source).strip()
    children = node.children[1:]
    prefix = ""
    if children and children[0].type in {"!", "#"}:
        prefix = children[0].type
        children = children[1:]
    if not children:
        return [_unknown(written, "")]
    name, takes_all = _name(children[0], source)
    operation = children[1].type if len(children) > 1 and children[1].type != "}" else ""
    rest = [child for child in children[2:] if child.type != "}"]
    values = lookup(name, written, state)
    if prefix:
        return [Word(written)] if prefix == "#" else _indirect(values, written, state)
    if not takes_all and name not in {"@", "*"} and operation:
        values = values[:1] or [Word("")]
    if operation in {":-", "-", ":=", "="}:
        return _default(name, values, operation, _first(rest, state, expand), state)
    if operation in {":+", "+"}:
        return [_first(rest, state, expand)._replace(is_known=False)]
    if operation in {"", ":?", "?"}:
        return values
    operands = [_decoded(each, source) for each in rest if each.type not in {"/", ":"}]
    return [_changed(value, name, operation, operands, written) for value in values]


def lookup(name: str, written: str, state: State) -> list[Word]:
    """Give the values of a variable or positional parameter."""
    if name in _NUMBERS:
        return [Word(written)]
    if name in {"@", "*"} or (name.isdigit() and name != "0"):
        return _positional(name, written, state)
    if name in state.variables:
        values = state.variables[name]
        if len(values) == 1 and not values[0].is_known and not values[0].text:
            return [values[0]._replace(text=written, variables=tuple(dict.fromkeys([*values[0].variables, name])))]
        return list(values)
    if name in {"PWD", "OLDPWD"}:
        known = name == "PWD" and len(state.directories) == 1 and state.directories[0]
        return [Word(state.directories[0])] if known else [_unknown(written, name)]
    return [_DEFAULTS.get(name) or _unknown(written, name)]


def _name(node: Node, source: bytes) -> tuple[str, bool]:
    """Give the name, and whether it means every element of an array."""
    if node.type == "subscript":
        index = node.child_by_field_name("index")
        named = node.child_by_field_name("name")
        name = _decoded(named, source) if named is not None else ""
        return name, index is not None and _decoded(index, source) in {"@", "*"}
    return _decoded(node, source), False


def _decoded(node: Node, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _unknown(written: str, name: str) -> Word:
    return Word(written, is_known=False, origins=_FROM_ENVIRONMENT, variables=(name,) if name else ())


def _positional(name: str, written: str, state: State) -> list[Word]:
    if state.positional is None:
        return [_unknown(written, "")]
    if name in {"@", "*"}:
        return list(state.positional)
    position = int(name[:4]) - 1
    return [state.positional[position]] if position < len(state.positional) else [Word("")]


def _indirect(values: list[Word], written: str, state: State) -> list[Word]:
    if len(values) == 1 and values[0].is_known and values[0].text.isidentifier():
        return lookup(values[0].text, written, state)
    return [_unknown(written, "")]


def _first(nodes: list[Node], state: State, expand: Expand) -> Word:
    return expand(nodes, state) if nodes else Word("")


def _default(name: str, values: list[Word], operation: str, default: Word, state: State) -> list[Word]:
    if name in state.variables and all(value.is_known for value in values):
        is_set = any(value.text for value in values) or not operation.startswith(":")
        chosen = values if is_set else [default]
    elif name in _DEFAULTS:
        chosen = values
    else:
        # Either of the two; the default is shown, since it is what the text tells.
        variables = (*default.variables, *(each for value in values for each in value.variables))
        chosen = [default._replace(is_known=False, variables=variables, origins=default.origins | _FROM_ENVIRONMENT)]
    if operation.endswith("="):
        state.variables[name] = tuple(chosen)
    return chosen


def _changed(value: Word, name: str, operation: str, operands: list[str], written: str) -> Word:
    if operation == ":" and name in _EVERYWHERE and (name in _DEFAULTS or not value.is_known):
        # Letters cut out of a variable that every environment has: `${PATH:0:1}` for a slash.
        return Word(written, is_known=False, is_disguised=True, variables=(name,))
    if not value.is_known:
        return value._replace(text=written)
    text = _text_changed(value.text, operation, operands)
    return value._replace(text=written, is_known=False) if text is None else value._replace(text=text)


def _text_changed(text: str, operation: str, operands: list[str]) -> str | None:
    """Give the changed text; None where that is not worked out here."""
    pattern = operands[0] if operands else ""
    if any(character in pattern for character in "$`\"'\\"):
        return None
    match operation:
        case "%" | "%%" | "#" | "##":
            return _trimmed(text, pattern, is_longest=len(operation) > 1, at_end=operation[0] == "%")
        case "^^" | ",," if not pattern:
            return text.upper() if operation == "^^" else text.lower()
        case "/" | "//":
            return _replaced(text, pattern, operands[1] if len(operands) > 1 else "", is_all=operation == "//")
        case ":":
            return _slice(text, operands)
        case _:
            return None


def _replaced(text: str, pattern: str, replacement: str, *, is_all: bool) -> str | None:
    is_plain = pattern and not any(character in pattern for character in "*?[#%")
    if not is_plain or any(character in replacement for character in "$`\"'\\&"):
        return None
    return text.replace(pattern, replacement, -1 if is_all else 1)


def _trimmed(text: str, pattern: str, *, is_longest: bool, at_end: bool) -> str | None:
    if not any(character in pattern for character in "*?["):
        return text.removesuffix(pattern) if at_end else text.removeprefix(pattern)
    if len(text) > _LONGEST_TRIMMED:
        return None
    lengths = range(len(text), -1, -1) if is_longest else range(len(text) + 1)
    for length in lengths:
        cut = text[len(text) - length :] if at_end else text[:length]
        if fnmatchcase(cut, pattern):
            return text[: len(text) - length] if at_end else text[length:]
    return text


def _slice(text: str, operands: list[str]) -> str | None:
    numbers = [operand.strip() for operand in operands]
    if not numbers or not all(number.removeprefix("-").isdigit() and len(number) < 8 for number in numbers):  # noqa: PLR2004
        return None
    start = int(numbers[0])
    start = max(len(text) + start, 0) if start < 0 else start
    if len(numbers) == 1:
        return text[start:]
    length = int(numbers[1])
    return text[start : start + length] if length >= 0 else text[start:length]
