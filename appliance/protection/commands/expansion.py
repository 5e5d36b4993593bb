"""Expand a word of the syntax tree as the shell would: tilde, parameters, substitutions, splitting, globs."""

import re
from collections.abc import Callable
from typing import Final
from weakref import WeakMethod

from tree_sitter import Node

from appliance.protection.commands.grammar import substitutions
from appliance.protection.commands.parameters import parameter
from appliance.protection.commands.state import State
from appliance.protection.commands.text import ansi_c, expand_braces
from appliance.protection.commands.words import NO_ORIGINS, Origins, Source, Word

LONGEST_SHOWN: Final = 200
MOST_NAMES: Final = 16
LONGEST_EXPANDED: Final = 65_536
LONGEST_VALUE: Final = 8_192
MOST_PIECES: Final = 512

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=@%+,-]+")
_UNESCAPED: Final = re.compile(r"\\([\s\S])")
_UNESCAPED_IN_STRING: Final = re.compile(r'\\([$`"\\\n])')
# While a word is put together, quoted special characters stand as private ones, so that later steps leave them alone.
_HIDE_BASE: Final = 0x100000
_SPECIAL: Final = "{},.*?[]~ \t\n!"
_HIDE: Final = {ord(character): chr(_HIDE_BASE + ord(character)) for character in _SPECIAL}
_SHOW: Final = {_HIDE_BASE + ord(character): character for character in _SPECIAL}
_UNKNOWN_BASE: Final = 0x101000
_MOST_UNKNOWN: Final = 1024
FIRST_PRIVATE: Final = chr(_HIDE_BASE)

Substitute = Callable[[Node, State], Source]


class Draft:
    """A word that is being put together from pieces.

    Attributes:
        parts: text; unknown pieces as private characters, each of which stands for an entry of `unknown`.
        unknown: the unknown pieces: how they are written, whether quoted, origins, variable name.
        is_clear: false if a piece could not be understood at all.
    """

    __slots__ = ("is_clear", "is_disguised", "origins", "parts", "splits", "unknown", "whole")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.unknown: list[Word] = []
        self.is_clear = True
        self.is_disguised = False
        self.splits = False
        self.whole: Source | None = None
        self.origins: Origins = NO_ORIGINS

    def quoted(self, text: str) -> None:
        """Add text that the shell takes as it is."""
        self.parts.append(text.translate(_HIDE))

    def unquoted(self, text: str) -> None:
        """Add text in which the shell looks for braces, tildes and globs."""
        self.parts.append(text)

    def value(self, word: Word, *, is_quoted: bool) -> None:
        """Add what an expansion gives."""
        self.origins |= word.origins
        self.is_disguised = self.is_disguised or (word.is_disguised and not is_quoted)
        if not word.is_known:
            if len(self.unknown) >= _MOST_UNKNOWN:
                self.is_clear = False
                return
            self.parts.append(chr(_UNKNOWN_BASE + len(self.unknown)))
            self.unknown.append(word._replace(may_split=not is_quoted))
        elif is_quoted:
            # A home folder stays one: `"$HOME"/x` is `~/x` here.
            text = word.text.translate(_HIDE)
            self.parts.append("~" + text[1:] if word.text[:1] == "~" else text)
        else:
            self.splits = True
            self.parts.append(word.text)


class Expander:
    """Expands words of one text; substitutions are judged by the `judge` that is handed in.

    It is held weakly, because its object holds the expander: a circle for each line would have to be collected.
    """

    __slots__ = ("_judge", "is_clear", "source")

    def __init__(self, source: bytes, judge: WeakMethod[Substitute]) -> None:
        self.source = source
        self._judge = judge
        self.is_clear = True

    def substitute(self, node: Node, state: State) -> Source:
        """Judge a substitution; give what it would write."""
        judge = self._judge()
        if judge is None:
            raise ReferenceError("The text of this expander is gone")
        return judge(node, state)

    def words(self, nodes: list[Node], state: State) -> list[Word]:
        """Give the words that adjacent nodes make together: usually one, none or several after splitting."""
        if len(nodes) == 1 and nodes[0].type in {"word", "number"}:
            text = self._text(nodes[0])
            if _PLAIN.fullmatch(text):
                return [Word(text)]
        draft = Draft()
        for node in nodes:
            self._add(node, state, draft, is_quoted=False)
        return self._finished(draft, state)

    def values(self, node: Node, state: State) -> tuple[Word, ...]:
        """Give the value of an assignment: one word, more for an array."""
        if node.type == "array":
            return tuple(word for child in node.children[1:-1] for word in self.words([child], state))
        draft = Draft()
        self._add(node, state, draft, is_quoted=False)
        draft.splits = False
        values = tuple(self._finished(draft, state, has_braces=False)) or (Word(""),)
        return tuple(value if len(value.text) <= LONGEST_VALUE else Word("", is_known=False) for value in values)

    def one(self, nodes: list[Node], state: State) -> Word:
        """Expand adjacent nodes to one word, without splitting, as for the value of an assignment or a target."""
        draft = Draft()
        for node in nodes:
            self._add(node, state, draft, is_quoted=False)
        draft.splits = False
        words = self._finished(draft, state, has_braces=False)
        return words[0] if words else Word("")

    def text_of(self, node: Node, state: State) -> Word:
        """Expand the body of an unquoted here-document."""
        draft = Draft()
        self._children(node, state, draft)
        words = self._finished(draft, state, has_braces=False)
        return words[0] if words else Word("")

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _add(self, node: Node, state: State, draft: Draft, *, is_quoted: bool) -> None:  # noqa: C901, PLR0912 - one case a node type
        match node.type:
            case "word" | "number" | "extglob_pattern" | "regex" | "brace_expression" | "test_operator":
                self._add_word(self._text(node), draft)
            case "raw_string":
                draft.quoted(self._text(node).lstrip()[1:-1])
            case "string":
                draft.quoted("")
                self._children(node, state, draft)
            case "ansi_c_string":
                text = self._text(node)
                draft.is_disguised = draft.is_disguised or _hides(text)
                draft.quoted(ansi_c(text[2:-1]))
            case "translated_string":
                self._children(node.children[-1], state, draft)
            case "variable_assignment":
                value = node.child_by_field_name("value")
                end = value.start_byte if value is not None else node.end_byte
                draft.unquoted(self.source[node.start_byte : end].decode("utf-8", "replace"))
                if value is not None:
                    self._add(value, state, draft, is_quoted=is_quoted)
            case "concatenation":
                for child in node.children:
                    self._add(child, state, draft, is_quoted=is_quoted)
            case "simple_expansion" | "expansion":
                self._add_parameter(node, state, draft, is_quoted=is_quoted)
            case "command_substitution" | "process_substitution":
                self._add_substitution(node, state, draft, is_quoted=is_quoted)
            case "arithmetic_expansion":
                for each in substitutions(node):
                    self.substitute(each, state)
                draft.quoted(self._text(node).strip())
            case "ERROR":
                draft.is_clear = False
                draft.unquoted(self._text(node))
            case "$":
                # `$"..."`: the dollar is no part of the word; a lone one is.
                if self.source[node.end_byte : node.end_byte + 1] != b'"':
                    draft.quoted("$")
            case _:
                self._add_other(node, state, draft)

    def _add_other(self, node: Node, state: State, draft: Draft) -> None:
        for each in substitutions(node):
            self.substitute(each, state)
        self._add_word(self._text(node), draft)

    @staticmethod
    def _add_word(text: str, draft: Draft) -> None:
        if "\\" not in text:
            draft.unquoted(text)
            return
        position = 0
        for found in _UNESCAPED.finditer(text):
            draft.unquoted(text[position : found.start()])
            draft.quoted(found[1] if found[1] != "\n" else "")
            position = found.end()
        draft.unquoted(text[position:])

    def _children(self, node: Node, state: State, draft: Draft) -> None:
        """Add what stands between double quotes: literal text, and expansions that are not split."""
        children = node.children
        is_string = node.type == "string"
        position = children[0].end_byte if is_string and children else node.start_byte
        for child in children[1:] if is_string else children:
            if child.start_byte > position:
                draft.quoted(self._unescaped(self.source[position : child.start_byte].decode("utf-8", "replace")))
            kind = child.type
            if kind in {"simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"}:
                text = self._text(child)
                draft.quoted(text[: len(text) - len(text.lstrip())])
                self._add(child, state, draft, is_quoted=True)
            elif kind == '"':
                draft.quoted(self._text(child)[:-1])
            elif kind == "ERROR":
                draft.is_clear = False
            else:
                draft.quoted(self._unescaped(self._text(child)))
            position = child.end_byte
        if not is_string and node.end_byte > position:
            draft.quoted(self._unescaped(self.source[position : node.end_byte].decode("utf-8", "replace")))

    @staticmethod
    def _unescaped(text: str) -> str:
        return _UNESCAPED_IN_STRING.sub(lambda found: found[1] if found[1] != "\n" else "", text)

    def _add_parameter(self, node: Node, state: State, draft: Draft, *, is_quoted: bool) -> None:
        for each in substitutions(node):
            self.substitute(each, state)
        values = parameter(node, self.source, state, self.one)
        for number, word in enumerate(values):
            if number:
                draft.splits = True
                draft.unquoted(" ")
            draft.value(word, is_quoted=is_quoted)

    def _add_substitution(self, node: Node, state: State, draft: Draft, *, is_quoted: bool) -> None:
        source = self.substitute(node, state)
        draft.whole = source
        if node.type == "process_substitution":
            draft.quoted("/dev/fd/63")
        elif source.text is not None and source.is_exact:
            draft.value(Word(source.text.rstrip("\n"), origins=source.origins), is_quoted=is_quoted)
        else:
            shown = self._text(node).strip()[:LONGEST_SHOWN]
            draft.value(Word(shown, is_known=False, origins=source.origins), is_quoted=is_quoted)

    def _finished(self, draft: Draft, state: State, *, has_braces: bool = True) -> list[Word]:
        text = "".join(draft.parts)
        if len(text) > LONGEST_EXPANDED:
            # Doubling a variable a few dozen times would fill the memory.
            text = text[:LONGEST_EXPANDED]
            draft.is_clear = False
        if len(draft.parts) == 1 and draft.whole is not None and draft.whole.items:
            return list(draft.whole.items)
        texts = [text]
        if has_braces and "{" in text:
            expanded = expand_braces(text)
            draft.is_clear = draft.is_clear and expanded is not None
            texts = expanded or texts
        if draft.splits:
            texts = self._split(texts, state)
        self.is_clear = self.is_clear and draft.is_clear
        return [self._word(each, draft, state) for each in texts]

    @staticmethod
    def _split(texts: list[str], state: State) -> list[str]:
        separators = state.variables.get("IFS")
        if separators is not None:
            blanks = dict.fromkeys(map(ord, separators[0].text), " ")
            texts = [text.translate(blanks) for text in texts]
        pieces = [piece for text in texts for piece in text.split()]
        return pieces[:MOST_PIECES]

    @staticmethod
    def _word(text: str, draft: Draft, state: State) -> Word:
        unknown = _unknown_in(text, draft) if draft.unknown else []
        shown = text.translate(_SHOW)
        if text[:1] == "~":
            shown = _home(shown, state)
        elif shown[:1] == "~":
            # A quoted tilde is a plain name.
            shown = "./" + shown
        if unknown:
            shown = shown.translate({_UNKNOWN_BASE + number: word.text[:LONGEST_SHOWN] for number, word in unknown})
        origins = draft.origins if draft.whole is None else draft.origins | draft.whole.origins
        return Word(
            shown,
            is_known=not unknown and draft.is_clear,
            is_glob=any(character in text for character in "*?[") and text != "[",
            may_split=any(word.may_split for _, word in unknown),
            is_disguised=draft.is_disguised,
            origins=origins,
            variables=tuple(dict.fromkeys(name for _, word in unknown for name in word.variables))[:MOST_NAMES],
            source=draft.whole,
        )


def _unknown_in(text: str, draft: Draft) -> list[tuple[int, Word]]:
    numbers = [ord(character) - _UNKNOWN_BASE for character in text if character > FIRST_PRIVATE]
    return [(number, draft.unknown[number]) for number in numbers if 0 <= number < len(draft.unknown)]


def _home(text: str, state: State) -> str:
    """Expand a tilde at the start: one's own home stays `~`, other people's homes become paths."""
    name, slash, rest = text[1:].partition("/")
    if not name:
        return text
    if name == "+":
        return state.directories[0] + slash + rest
    return ("/root" if name == "root" else f"/home/{name}") + slash + rest


def _hides(text: str) -> bool:
    """Tell whether letters or slashes are written as codes, where nothing but hiding them needs that."""
    return any(each in text for each in ("\\x2", "\\x4", "\\x5", "\\x6", "\\x7", "\\1", "\\05", "\\u00"))
