"""Find the program that really runs, and hand the command to what knows that program."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands import (
    archives,
    builtins,
    cloud,
    containers,
    controls,
    environment,
    files,
    git,
    interpreters,
    packages,
    remote,
    searching,
    services,
    shells,
    stores,
    transfer,
    vaults,
    wrappers,
)  # fmt: skip
from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.smuggling import judge_smuggled
from appliance.protection.commands.words import PROGRAM_OUTPUT, Origin, Source, Word

Handler = Callable[[Call], Source | None]

MOST_WRAPPERS: Final = 24
_USUAL_FOLDERS: Final = frozenset([
    "", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin",
])  # fmt: skip

PROGRAMS: Final[Mapping[str, Handler]] = {
    name: handler
    for module in (
        archives, builtins, cloud, containers, controls, environment, files, git, interpreters, packages, remote,
        searching, services, shells, stores, transfer, vaults,
    )
    for name, handler in module.PROGRAMS.items()
}  # fmt: skip
_WRAPPERS: Final = {**wrappers.WRAPPERS, **searching.WRAPPERS}


def judge(call: Call) -> Source:
    """Judge a command; give what it would write."""
    words = call.words
    for _ in range(MOST_WRAPPERS):
        if not words:
            return PROGRAM_OUTPUT
        first = words[0]
        if first.origins:
            shells.tell_unread(call, first.origins, shown(first.text))
        if not first.is_known or first.is_glob:
            return _unknown_program(call, first)
        call.path, call.args = first.text, words[1:]
        folder, _, name = first.text.rpartition("/")
        call.program = name.removesuffix(".exe")
        wrapper = _WRAPPERS.get(call.program)
        rest = wrapper(call) if wrapper is not None else []
        if not rest:
            return _judge_program(call, folder)
        words = rest
    call.unclear()
    return PROGRAM_OUTPUT


def _judge_program(call: Call, folder: str) -> Source:
    if folder not in _USUAL_FOLDERS:
        shells.run_file(call, Word(call.path))
    judge_smuggled(call)
    handler = PROGRAMS.get(call.program) or PROGRAMS.get(_family(call.program))
    output = handler(call) if handler is not None else shells.unknown(call)
    if output is None:
        origins = (call.stdin.origins if call.stdin is not None else frozenset()) | {Origin.PROGRAM}
        return Source(origins=origins)
    return output


def _family(name: str) -> str:
    """Give the name without its version: `python3.11` is `python`."""
    return name.rstrip("0123456789.-")


def _unknown_program(call: Call, word: Word) -> Source:
    call.program = ""
    call.unclear()
    if word.is_glob and word.is_known:
        call.note(Effect.OBFUSCATED, f"It hides which program it runs: {shown(word.text)}.")
    return PROGRAM_OUTPUT
