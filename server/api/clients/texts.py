"""Text from agents as apps show it: nothing hidden in it, and no longer than is said."""

from typing import Final

from appliance.actions.records import Kind
from server.dashboard.visible import is_hidden

LINE_MAX: Final = 300
QUOTE_MAX: Final = 4_000
_KEPT: Final = frozenset("\n\t")
_INPUT_OF: Final = {
    Kind.SHELL.value: "command", Kind.READ_FILE.value: "file_path", Kind.WRITE_FILE.value: "file_path",
    Kind.DELETE_FILE.value: "file_path", Kind.FETCH.value: "url",
}  # fmt: skip


def line(text: str, limit: int = LINE_MAX) -> str:
    """One line in which `⟨U+202E⟩` stands for each character that shows nothing or turns what is around it."""
    return plain(" ".join(text[: 4 * limit].split()), limit)


def plain(text: str, limit: int = QUOTE_MAX) -> str:
    """The text with hidden characters marked; line ends and tabs stay. What is cut ends in `…`."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isprintable() and cut.isascii():
        return cut
    return "".join(_shown(character) for character in cut)


def _shown(character: str) -> str:
    hidden = character not in _KEPT and is_hidden(character)
    return f"⟨U+{ord(character):04X}⟩" if hidden else character


def last_part(path: str) -> str:
    """The name of a folder, without those that it is in."""
    return path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]


def tool_input(kind: str, tool: str, summary: str) -> dict[str, str]:
    """What apps look for in a tool's input, from the summary: a command, a file, or an address."""
    name = _INPUT_OF.get(kind)
    return {name: summary.removeprefix(tool).strip() or summary} if name else {}
