"""Take here-documents and line continuations out of a shell text before it is parsed.

The grammar knows here-documents only in their plainest place, and takes a continued word for two. So each
`<<EOF` becomes `< MARK`, and its body is kept beside (bash reference manual, 3.6.6). Where this scanner is not
certain of the quoting it gives up: a line wrongly taken for a body would be a command that nobody judges.
"""

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, NamedTuple

# A private character that no text may hold: the name of the file that stands for a here-document.
MARK: Final = "\U0010fffd"
MOST_HEREDOCS: Final = 64
MOST_STEPS: Final = 65_536

_PLAIN: Final = re.compile(r"[^\\'\"`$<>()#\n{}]+")
_DELIMITER: Final = re.compile(
    r"[ \t]*((?:[A-Za-z0-9_.,:%@^=+!/*~-]|\\[^\n$`]|'[^'\n$`]*'|\"[^\"\n$`\\]*\")+)(?=[\s;&|<>()]|$)"
)
_COMMAND, _PARENTHESIS, _STRING, _BACKTICK, _BRACE, _ARITHMETIC = range(6)


class Heredoc(NamedTuple):
    """A body, and whether the shell leaves it as it is (its delimiter was quoted)."""

    body: str
    is_literal: bool


class Separated(NamedTuple):
    """A text without its here-documents."""

    text: str
    heredocs: list[Heredoc]


class _Pending(NamedTuple):
    delimiter: str
    is_literal: bool
    strips_tabs: bool


class _Unsure(Exception):  # noqa: N818 - it never leaves this module
    """The quoting cannot be followed with certainty."""


def separate(text: str) -> Separated | None:
    """Give the text without here-documents and line continuations; None if that cannot be done with certainty."""
    if "<<" not in text and "\\\n" not in text and "\n\\" not in text:
        return Separated(text, [])
    # The brackets of `case` patterns and regular expressions have no partners.
    if "esac" in text.replace("\\\n", "") or "=~" in text:
        return None
    try:
        return _Scanner(text).run()
    except _Unsure:
        return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.out: list[str] = []
        self.stack = [_COMMAND]
        self.pending: list[_Pending] = []
        self.heredocs: list[Heredoc] = []

    def run(self) -> Separated:
        text, end, steps = self.text, len(self.text), 0
        while self.position < end:
            steps += 1
            if steps > MOST_STEPS:
                raise _Unsure
            plain = _PLAIN.match(text, self.position)
            if plain:
                self._keep(plain.end())
                continue
            context = self.stack[-1]
            if context in {_COMMAND, _PARENTHESIS, _BACKTICK}:
                self._in_command(text[self.position])
            elif context == _STRING:
                self._in_string(text[self.position])
            else:
                self._in_brackets(text[self.position], context)
        if len(self.stack) > 1 or self.pending:
            raise _Unsure
        return Separated("".join(self.out), self.heredocs)

    def _keep(self, stop: int) -> None:
        self.out.append(self.text[self.position : stop])
        self.position = stop

    def _push(self, context: int, length: int) -> None:
        self.stack.append(context)
        self._keep(self.position + length)

    def _pop(self) -> None:
        if self.pending or len(self.stack) == 1:
            raise _Unsure
        self.stack.pop()
        self._keep(self.position + 1)

    def _starts(self, prefix: str) -> bool:
        return self.text.startswith(prefix, self.position)

    def _in_command(self, character: str) -> None:
        step = self._steps.get(character)
        if step is not None:
            step(self)
        else:
            self._keep(self.position + 1)

    def _in_string(self, character: str) -> None:
        if character == "\\":
            self._escape()
        elif character == '"':
            self.stack.pop()
            self._keep(self.position + 1)
        elif character == "`":
            self._backtick()
        elif character == "$":
            self._dollar()
        elif character == "\n" and self.pending:
            raise _Unsure
        else:
            self._keep(self.position + 1)

    def _in_brackets(self, character: str, context: int) -> None:
        if character in "'\"`\\" or self._starts("<<"):
            raise _Unsure
        if character == "$":
            self._dollar()
        elif context == _BRACE and character == "}":
            self._pop()
        elif context == _ARITHMETIC and self._starts("))"):
            self.stack.pop()
            self._keep(self.position + 2)
        elif context == _ARITHMETIC and character in "()\n":
            raise _Unsure
        else:
            self._keep(self.position + 1)

    def _open(self) -> None:
        is_arithmetic = self._starts("((")
        self._push(_ARITHMETIC if is_arithmetic else _PARENTHESIS, 2 if is_arithmetic else 1)

    def _close(self) -> None:
        if self.stack[-1] == _PARENTHESIS:
            self._pop()
        else:
            self._keep(self.position + 1)

    def _comment(self) -> None:
        if not self._is_word_start():
            self._keep(self.position + 1)
            return
        if self.stack[-1] == _BACKTICK:
            raise _Unsure
        stop = self.text.find("\n", self.position)
        self._keep(len(self.text) if stop < 0 else stop)

    def _newline(self) -> None:
        self._keep(self.position + 1)
        self._bodies()
        if self._starts("\\"):
            # The grammar would take the newline for a part of the word.
            self.out.append(" ")

    def _escape(self) -> None:
        if self._starts("\\\n"):
            self.position += 2
        elif self.stack[-1] == _BACKTICK:
            raise _Unsure
        else:
            self._keep(min(self.position + 2, len(self.text)))

    def _quoted(self) -> None:
        start = self.position + 1
        stop = self.text.find("'", start)
        if stop < 0 or (self.pending and "\n" in self.text[start:stop]):
            raise _Unsure
        self._keep(stop + 1)

    def _ansi_c(self) -> None:
        stop = self.position + 2
        while stop < len(self.text) and self.text[stop] != "'":
            stop += 2 if self.text[stop] == "\\" else 1
        if stop >= len(self.text) or self.pending:
            raise _Unsure
        self._keep(stop + 1)

    def _backtick(self) -> None:
        if self.stack[-1] == _BACKTICK:
            self._pop()
        elif _BACKTICK in self.stack:
            raise _Unsure
        else:
            self._push(_BACKTICK, 1)

    def _dollar(self) -> None:
        if self._starts("$(("):
            self._push(_ARITHMETIC, 3)
        elif self._starts("$("):
            self._push(_PARENTHESIS, 2)
        elif self._starts("${"):
            self._push(_BRACE, 2)
        elif self._starts("$'") and self.stack[-1] != _STRING:
            self._ansi_c()
        elif self._starts("$["):
            raise _Unsure
        else:
            self._keep(self.position + 1)

    def _is_word_start(self) -> bool:
        return self.position == 0 or self.text[self.position - 1] in " \t\n;&|()`"

    def _less(self) -> None:
        if self._starts("<<<"):
            self._keep(self.position + 3)
        elif self._starts("<<"):
            self._operator()
        elif self._starts("<("):
            self._push(_PARENTHESIS, 2)
        else:
            self._keep(self.position + 1)

    def _operator(self) -> None:
        strips_tabs = self._starts("<<-")
        found = _DELIMITER.match(self.text, self.position + 2 + strips_tabs)
        if found is None or len(self.heredocs) + len(self.pending) >= MOST_HEREDOCS:
            raise _Unsure
        written = found[1]
        is_literal = any(quote in written for quote in "'\"\\")
        delimiter = written.replace("'", "").replace('"', "").replace("\\", "")
        self.out.append(f"< {MARK}{len(self.heredocs) + len(self.pending)} ")
        self.pending.append(_Pending(delimiter, is_literal, strips_tabs))
        self.position = found.end()

    def _bodies(self) -> None:
        for delimiter, is_literal, strips_tabs in self.pending:
            lines: list[str] = []
            while True:
                if self.position >= len(self.text):
                    raise _Unsure
                stop = self.text.find("\n", self.position)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.position : stop]
                line = line.lstrip("\t") if strips_tabs else line
                self.position = stop + 1
                if line == delimiter:
                    break
                # In an unquoted body a continued line could be or hide the end.
                if not is_literal and line.endswith("\\"):
                    raise _Unsure
                lines.append(line + "\n")
            self.heredocs.append(Heredoc("".join(lines), is_literal))
        self.pending.clear()

    _steps: ClassVar[Mapping[str, Callable[..., None]]] = {
        "\\": _escape,
        "'": _quoted,
        '"': lambda self: self._push(_STRING, 1),
        "`": _backtick,
        "$": _dollar,
        "(": _open,
        ")": _close,
        "#": _comment,
        "<": _less,
        "\n": _newline,
    }
