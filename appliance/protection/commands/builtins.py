"""What the shell does itself: directories, output, variables, aliases, traps."""

import posixpath
from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.environment import is_secret_name
from appliance.protection.commands.paths import resolve
from appliance.protection.commands.state import UNKNOWN_DIRECTORY
from appliance.protection.commands.text import ansi_c
from appliance.protection.commands.words import NOTHING, Origin, Source, Word, joined, text_source

_LONGEST_FORMATTED: Final = 4096


def _cd(call: Call) -> Source:
    operands = [word for word in call.args if word.text == "-" or word.text[:1] != "-"]
    target = operands[0] if operands else Word("~")
    if target.text == "-" or not target.is_known or target.is_glob:
        call.state.directories = (UNKNOWN_DIRECTORY,)
        if target.text != "-" and not target.is_known and target.text[:1] in {"/", "~"}:
            call.state.directories = (resolve(target.text, ""),)
    else:
        found = tuple(dict.fromkeys(resolve(target.text, directory) for directory in call.state.directories))
        call.state.directories = found
    return NOTHING


def _popd(call: Call) -> Source:
    call.state.directories = (UNKNOWN_DIRECTORY,)
    return NOTHING


def _pwd(call: Call) -> Source:
    known = call.state.directories if len(call.state.directories) == 1 and call.state.directories[0] else ()
    return Source(text=known[0] + "\n") if known else Source()


def _told(call: Call, words: list[Word]) -> None:
    """See whether secret variables would be printed."""
    for word in words:
        secret = next((name for name in word.variables if is_secret_name(name)), None)
        if secret is not None and not call.is_piped:
            call.note(Effect.ENVIRONMENT_DUMP, f"It would print the variable {shown(secret)}.")


def _echo(call: Call) -> Source:
    words, decodes, ending = call.args, False, "\n"
    while words and words[0].text in {"-n", "-e", "-E", "-ne", "-en", "-nE", "-neE"}:
        decodes = decodes or "e" in words[0].text
        ending = "" if "n" in words[0].text else ending
        words = words[1:]
    _told(call, words)
    text = joined(words)
    if decodes:
        text = text._replace(text=ansi_c(text.text, octal_zero=True))
    elif "\\" in text.text:
        # dash decodes without being asked to, bash does not: take the one that may run something.
        text = text._replace(text=ansi_c(text.text, octal_zero=True))
    return text_source(text, ending)


def _printf(call: Call) -> Source:
    words = call.args
    if words and words[0].text == "-v" and len(words) > 2:  # noqa: PLR2004 - its name and the format
        name = words[1].text
        call.state.variables[name] = (Word(f"${name}", is_known=False),)
        return NOTHING
    words = words[1:] if words and words[0].text == "--" else words
    _told(call, words)
    if not words:
        return NOTHING
    return text_source(joined(words)._replace(text=_formatted(words[0].text, [word.text for word in words[1:]])))


def _formatted(pattern: str, values: list[str]) -> str:
    """Format as printf does for `%s`, `%b`, `%d` and `%q`; the pattern is used again while values remain."""
    pattern = ansi_c(pattern)
    parts: list[str] = []
    waiting = list(values)
    length = 0
    while length < _LONGEST_FORMATTED:
        used = False
        position = 0
        while position < len(pattern):
            if pattern[position] == "%" and position + 1 < len(pattern):
                kind = pattern[position + 1]
                position += 2
                if kind == "%":
                    parts.append("%")
                    continue
                while kind in "-+ #0123456789." and position < len(pattern):
                    kind = pattern[position]
                    position += 1
                value = waiting.pop(0) if waiting else ""
                used = True
                parts.append(ansi_c(value) if kind == "b" else value)
                length += len(value) + 1
            else:
                stop = pattern.find("%", position + 1)
                stop = len(pattern) if stop < 0 else stop
                parts.append(pattern[position:stop])
                length += stop - position
                position = stop
        if not waiting or not used:
            break
    return "".join(parts)


def _read(call: Call) -> Source:
    options = call.options({"-p", "-d", "-n", "-N", "-t", "-u", "-a", "-i"})
    names = [word.text for word in options.rest] or ["REPLY"]
    names += [value.text for value in options.values("-a")]
    values = _read_values(call.stdin)
    for name in names:
        call.state.variables[name] = (
            values if len(names) == 1 else (values[0]._replace(is_known=False, text=f"${name}"),)
        )
    return NOTHING


def _read_values(stdin: Source | None) -> tuple[Word, ...]:
    """Give what a variable gets: every line that may be read, where they are known."""
    if stdin is None:
        return (Word("$REPLY", is_known=False, may_split=True),)
    if stdin.items:
        return stdin.items
    if stdin.text is not None and stdin.is_exact and stdin.text.strip():
        return tuple(Word(line.strip()) for line in stdin.text.splitlines()[:64])
    return (Word("$REPLY", is_known=False, may_split=True, origins=stdin.origins),)


def _mapfile(call: Call) -> Source:
    names = [word.text for word in call.options({"-d", "-n", "-O", "-s", "-u", "-C", "-c"}).rest] or ["MAPFILE"]
    call.state.variables[names[0]] = _read_values(call.stdin)
    return NOTHING


def _alias(call: Call) -> Source:
    for word in call.args:
        name, equals, text = word.text.partition("=")
        if equals and name.isprintable():
            call.state.aliases[name] = text
    return NOTHING


def _unalias(call: Call) -> Source:
    for word in call.args:
        call.state.aliases.pop(word.text, None)
    return NOTHING


def _trap(call: Call) -> Source:
    words = [word for word in call.args if word.text not in {"--", "-"} or word.text == "-"]
    if len(words) > 1 and words[0].text not in {"-", "-l", "-p", ""}:
        if not words[0].is_known:
            call.unclear()
        call.run_text(words[0].text)
    return NOTHING


def _set(call: Call) -> Source:
    words = call.args
    if not words:
        call.note(Effect.ENVIRONMENT_DUMP, "It would print every variable of the shell.")
        return Source()
    if words[0].text == "--":
        call.state.positional = tuple(words[1:])
    return NOTHING


def _shift(call: Call) -> Source:
    if call.state.positional is not None:
        count = call.args[0].text if call.args else "1"
        call.state.positional = call.state.positional[int(count) if count.isdigit() and len(count) < 5 else 1 :]  # noqa: PLR2004
    return NOTHING


def _history(call: Call) -> Source:
    if any(word.text in {"-c", "-d", "-cw"} for word in call.args):
        call.note(Effect.DISABLES_PROTECTION, "It would remove traces from the shell's history.")
    return Source()


def _mktemp(call: Call) -> Source:
    folder = call.options({"-p", "-t", "--tmpdir", "--suffix"}).value("-p", "--tmpdir")
    base = folder.text if folder is not None and folder.is_known else "/tmp"  # noqa: S108 - where mktemp makes it
    return Source(text=base + "/tmp.new\n")  # noqa: S108 - a name, not a file


def _which(call: Call) -> Source:
    names = [word for word in call.args if word.text[:1] != "-"]
    if len(names) == 1 and names[0].is_known:
        return Source(text=names[0].text + "\n")
    return Source()


def _name_part(take: Callable[[str], str]) -> Callable[[Call], Source]:
    def part(call: Call) -> Source:
        words = [word for word in call.args if word.text[:1] != "-"]
        if len(words) >= 1 and words[0].is_known:
            text = take(words[0].text.rstrip("/") or "/")
            if len(words) > 1:
                text = text.removesuffix(words[1].text)
            return Source(text=text + "\n")
        return Source(origins=frozenset([Origin.VARIABLE]))

    return part


def _nothing(_: Call) -> Source:
    return NOTHING


def _harmless(_: Call) -> Source:
    """Some text that says nothing of the person or the project."""
    return Source()


PROGRAMS: Final[Mapping[str, Callable[[Call], Source | None]]] = {
    "cd": _cd, "chdir": _cd, "pushd": _cd, "popd": _popd, "pwd": _pwd, "echo": _echo, "printf": _printf, "print": _echo,
    "read": _read, "mapfile": _mapfile, "readarray": _mapfile, "alias": _alias, "unalias": _unalias, "trap": _trap,
    "set": _set, "shift": _shift, "history": _history, "mktemp": _mktemp, "which": _which, "type": _nothing,
    "basename": _name_part(posixpath.basename), "dirname": _name_part(lambda text: posixpath.dirname(text) or "."),
    "realpath": _which, "readlink": _which, "hash": _nothing, "let": _nothing, "shopt": _nothing, "ulimit": _nothing,
    "umask": _nothing, "wait": _nothing, "jobs": _nothing, "fg": _nothing, "bg": _nothing, "true": _nothing,
    "false": _nothing, ":": _nothing, "test": _nothing, "[": _nothing, "exit": _nothing, "return": _nothing,
    "break": _nothing, "continue": _nothing, "sleep": _nothing, "uname": _harmless, "arch": _harmless,
    "date": _harmless,
    "nproc": _harmless, "seq": _harmless, "expr": _harmless, "yes": _harmless, "tput": _harmless, "}": _nothing,
    "{": _nothing,
}  # fmt: skip
