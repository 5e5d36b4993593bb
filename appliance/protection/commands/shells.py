"""Shells and whatever runs a script: what they would run is judged, or said to be unknown."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.credentials import is_credential
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Origin, Source, Word, joined

_OPTIONS: Final = {"-o", "+o", "-O", "+O", "--rcfile", "--init-file", "-C", "--init-command", "--login-file"}
MOST_OPERANDS: Final = 64
_STDIN: Final = frozenset(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
_UNREAD: Final = frozenset([Origin.DOWNLOAD, Origin.DECODED])


def run_code(call: Call, code: Word, stdin: Source | None = None) -> Source:
    """Judge code that a shell gets as a word."""
    if not code.is_known:
        call.unclear()
    tell_unread(call, code.origins, shown(code.text))
    if not code.text.strip():
        return NOTHING
    return call.run_text(code.text, stdin)


def tell_unread(call: Call, origins: frozenset[Origin], what: str) -> None:
    """Record that something is run that came from a host or was decoded."""
    if Origin.DOWNLOAD in origins:
        call.line.note(Effect.PIPES_TO_SHELL, f"{_subject(call)} would run what was downloaded: {what}.")
    if Origin.DECODED in origins:
        call.line.note(Effect.PIPES_TO_SHELL, f"{_subject(call)} would run what was decoded: {what}.")
        call.note(Effect.OBFUSCATED, "It runs what stands there only encoded.")


def _subject(call: Call) -> str:
    return call.program or "It"


def run_stream(call: Call, source: Source) -> Source:
    """Judge code that a shell reads from its input."""
    call.line.stdin_shells += 1
    tell_unread(call, source.origins, "its input")
    if source.text is not None:
        if not source.is_exact:
            call.unclear()
        return call.run_text(source.text)
    if source.origins == {Origin.FILE}:
        call.note(Effect.RUNS_CODE, "It runs code from a file.")
    elif not source.origins & _UNREAD:
        call.line.note(Effect.PIPES_TO_SHELL, f"{call.program} would run what another program writes.")
    return PROGRAM_OUTPUT


def run_file(call: Call, script: Word) -> Source | None:
    """Judge running a script file; its content is judged where the line itself wrote it."""
    if script.source is not None:
        return _run_substitution(call, script.source)
    if not script.is_known:
        call.unclear()
    for path in call.resolved(script):
        written = call.state.files.get(path)
        if written is not None:
            tell_unread(call, written.origins, shown(path))
            if written.text is not None:
                call.run_text(written.text)
            elif not written.origins & _UNREAD:
                call.unclear()
    call.note(Effect.RUNS_CODE, f"It runs the file {shown(script.text)}.")
    return None


def _run_substitution(call: Call, source: Source) -> Source:
    tell_unread(call, source.origins, "what a substitution gives")
    if source.text is not None:
        return call.run_text(source.text)
    call.unclear()
    return PROGRAM_OUTPUT


def _shell(call: Call) -> Source | None:
    options = call.options(_OPTIONS, is_posix=True)
    if options.has("-c") or any(name[:1] == "-" and "c" in name and name[:2] != "--" for name, _ in options.given):
        if not options.rest:
            call.unclear()
            return PROGRAM_OUTPUT
        call.state = call.state.copy()
        call.state.positional = tuple(options.rest[2:])
        if len(options.rest) > 1:
            call.state.variables["0"] = (options.rest[1],)
        return run_code(call, options.rest[0], call.stdin)
    for value in options.values("--rcfile", "--init-file"):
        run_file(call, value)
    if options.rest and not options.has("-s") and options.rest[0].text not in _STDIN:
        return run_file(call, options.rest[0])
    if options.has("--version", "--help"):
        return None
    if call.stdin is not None and call.stdin is not NOTHING:
        return run_stream(call, call.stdin)
    return None


def _eval(call: Call) -> Source:
    words = call.args[1:] if call.args and call.args[0].text == "--" else call.args
    if not words:
        return NOTHING
    code = joined(words)
    tell_unread(call, code.origins, shown(code.text))
    if not code.is_known:
        call.unclear()
    # It runs in this very shell: what it sets stays.
    return call.run_text(code.text, call.stdin, call.state)


def _source(call: Call) -> Source | None:
    if not call.args:
        return None
    script = call.args[0]
    if script.text in _STDIN and call.stdin is not None:
        return run_stream(call, call.stdin)
    return run_file(call, script)


def unknown(call: Call) -> Source | None:
    """Judge a program that nothing here knows: only its name and words are facts."""
    if call.program.startswith("mkfs"):
        call.note(Effect.DESTRUCTIVE, f"{call.program} would format a disk.")
    for word in call.args[:MOST_OPERANDS]:
        # Whatever the program is, a key that is named is a key that is used.
        operand = word._replace(text=word.text.rpartition("=")[2]) if word.text[:1] == "-" else word
        if operand.is_known and any(is_credential(path, is_glob=word.is_glob) for path in call.resolved(operand)):
            call.read(operand)
    return None


SHELLS: Final = frozenset([
    "sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "csh", "tcsh", "mksh", "rbash", "pdksh", "yash",
])  # fmt: skip
PROGRAMS: Final[Mapping[str, Callable[[Call], Source | None]]] = {
    **dict.fromkeys(SHELLS, _shell),
    "eval": _eval, "source": _source, ".": _source,
}  # fmt: skip
