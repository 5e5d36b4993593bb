"""Programs that look for files or text, and those that run a command for each thing found."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.words import PROGRAM_OUTPUT, UNKNOWN, Origin, Source, Word

Handler = Callable[[Call], Source | None]

_FILE: Final = frozenset([Origin.FILE])
_EXECS: Final = frozenset(["-exec", "-execdir", "-ok", "-okdir"])
_NAMES: Final = frozenset(["-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename"])
_GREP: Final = {
    "-e", "-f", "-m", "-A", "-B", "-C", "-d", "-D", "--regexp", "--file", "--include", "--exclude", "--exclude-dir",
    "--max-count", "--context", "--after-context", "--before-context", "-g", "--glob", "-t", "--type", "-T",
    "--type-not",
    "-j", "-M", "--max-depth", "-r", "--replace", "-E", "--encoding", "--sort", "--color", "--colors", "-G",
}  # fmt: skip
_XARGS: Final = {
    "-I", "-n", "-L", "-P", "-d", "-a", "-E", "-s", "-i", "--replace", "--max-args", "--max-procs", "--delimiter",
    "--arg-file",
    "--max-lines", "--max-chars",
}  # fmt: skip
_MOST_ITEMS: Final = 256
_MOST_ROOTS: Final = 16


def _find(call: Call) -> Source:
    words = call.args
    while words and words[0].text in {"-H", "-L", "-P"}:
        words = words[1:]
    start = next((place for place, word in enumerate(words) if word.text[:1] in {"-", "(", "!"}), len(words))
    roots = words[:start] or [Word(".")]
    items = _found(roots, words[start:])
    call.read_all(roots, reveals=False)
    if len(roots) > _MOST_ROOTS:
        call.unclear()
    position = start
    while position < len(words):
        text = words[position].text
        if text in _EXECS:
            position = _run_each(call, words, position, items)
        elif text == "-delete":
            for item in items:
                call.delete(item, is_recursive=True)
        elif text in {"-fprint", "-fprint0", "-fprintf", "-fls"} and position + 1 < len(words):
            call.write(words[position + 1])
        elif words[position].may_split:
            call.unclear()
        position += 1
    return Source(origins=_FILE, items=tuple(items))


def _found(roots: list[Word], tests: list[Word]) -> list[Word]:
    """Give patterns for what is found: below each root, with the names that are asked for."""
    names = (
        []
        if _has_open_alternative(tests)
        else [
            tests[place + 1]
            for place, word in enumerate(tests[:-1])
            if word.text in _NAMES and (place == 0 or tests[place - 1].text not in {"!", "-not"})
        ]
    )
    endings = [
        name._replace(text="/**/" + name.text.lstrip("*/") if name.text[:2] == "*/" else "/**/" + name.text)
        for name in names
    ]
    endings = endings or [Word("/**")]
    return [
        Word(
            (root.text.rstrip("/") or "") + ending.text,
            is_known=root.is_known and ending.is_known,
            is_glob=True,
            may_split=root.may_split,
            origins=root.origins,
        )
        for root in roots[:_MOST_ROOTS]
        for ending in endings[:_MOST_ROOTS]
    ]


def _has_open_alternative(tests: list[Word]) -> bool:
    """Tell whether an alternative of the tests asks for no name: `-name x -o -delete` deletes all but x."""
    named = False
    for word in [*tests, Word("-o")]:
        if word.text in {"-o", "-or", ","}:
            if not named:
                return bool(tests)
            named = False
        elif word.text in _NAMES:
            named = True
    return False


def _run_each(call: Call, words: list[Word], start: int, items: list[Word]) -> int:
    """Judge what `-exec` runs with what is found; give where its words end."""
    end = next((place for place in range(start + 1, len(words)) if words[place].text in {";", "+"}), len(words))
    template = words[start + 1 : end]
    run: list[Word] = []
    for word in template:
        if word.text == "{}":
            run.extend(items)
        elif "{}" in word.text:
            run.extend(
                word._replace(text=word.text.replace("{}", item.text), is_known=word.is_known and item.is_known)
                for item in items
            )
        else:
            run.append(word)
    if run:
        call.run_words(run)
        call.ran = False
    return end


def _xargs(call: Call) -> list[Word]:
    """Give the command of xargs with what it would add to it."""
    options = call.options(_XARGS, is_posix=True)
    rest = options.rest or [Word("echo")]
    items = _items(call.stdin) if options.value("-a", "--arg-file") is None else [_added()]
    mark = options.value("-I", "--replace")
    place = mark.text if mark is not None else "{}"
    has_mark = options.has("-I", "-i", "--replace")
    if not has_mark:
        return [*rest, *items]
    run: list[Word] = []
    for word in rest:
        if place in word.text:
            run.extend(
                word._replace(
                    text=word.text.replace(place, item.text), is_known=word.is_known and item.is_known,
                    is_glob=item.is_glob, may_split=item.may_split, origins=word.origins | item.origins,
                )
                for item in items
            )  # fmt: skip
        else:
            run.append(word)
    return run


def _added() -> Word:
    return UNKNOWN._replace(text="(what it reads)", may_split=True)


def _items(stdin: Source | None) -> list[Word]:
    if stdin is None:
        return [_added()]
    if stdin.items:
        return list(stdin.items)
    if stdin.text is not None and stdin.is_exact:
        words = stdin.text.replace("\0", " ").replace("'", "").replace('"', "").replace("\\", "").split()
        return [Word(word) for word in words[:_MOST_ITEMS]]
    return [_added()._replace(origins=stdin.origins)]


def _parallel(call: Call) -> Source | None:
    options = call.options(
        {"-j", "-n", "-N", "-I", "-a", "-S", "--jobs", "--delay", "--timeout", "--colsep", "--joblog"}, is_posix=True
    )
    words, values, position = [], [], 0
    rest = options.rest
    while position < len(rest) and rest[position].text not in {":::", "::::", ":::+"}:
        words.append(rest[position])
        position += 1
    values = [word for word in rest[position:] if word.text not in {":::", ":::+"}]
    if any(word.text == "::::" for word in rest):
        values = [_added()]
    if not values:
        values = _items(call.stdin)
    code = " ".join(word.text for word in words)
    if not words:
        for value in values:
            call.unclear() if not value.is_known else call.run_text(value.text)
        return PROGRAM_OUTPUT
    if any(not value.is_known for value in values) or any(not word.is_known for word in words):
        call.unclear()
    for value in values[:_MOST_ITEMS]:
        filled = code.replace("{}", value.text) if "{}" in code else f"{code} {value.text}"
        call.run_text(filled)
    return PROGRAM_OUTPUT


def _grep(call: Call) -> Source:
    options = call.options(
        _GREP
        - ({"-r"} if call.program in {"grep", "egrep", "fgrep", "zgrep"} else set())
        - ({"-E"} if "grep" in call.program else set())
    )
    words = options.rest if options.has("-e", "-f", "--regexp", "--file") else options.rest[1:]
    is_recursive = options.has("-r", "-R", "--recursive", "--dereference-recursive") or call.program in {
        "rg",
        "ag",
        "ack",
    }
    call.read_all(words, is_recursive=is_recursive)
    if options.has("-l", "--files-with-matches", "--files", "-L"):
        roots = [word.text.rstrip("/") + "/**" if is_recursive else word.text for word in words] or ["**"]
        if all(word.is_known for word in words):
            return Source(origins=_FILE, items=tuple(Word(root, is_glob=True) for root in roots))
    if call.stdin is not None and not words:
        return Source(origins=call.stdin.origins, items=call.stdin.items)
    return Source(origins=_FILE)


def _fd(call: Call) -> Source:
    words = call.args
    texts = [word.text for word in words]
    place = next((texts.index(name) for name in ("-x", "-X", "--exec", "--exec-batch") if name in texts), -1)
    if place >= 0:
        run = [
            word if word.text not in {"{}", "{/}", "{.}"} else Word("**", is_glob=True) for word in words[place + 1 :]
        ]
        if "{}" not in texts:
            run.append(Word("**", is_glob=True))
        call.run_words(run)
        call.ran = False
    return Source(origins=_FILE, items=(Word("**", is_glob=True),))


def _awk(call: Call) -> Source | None:
    options = call.options({"-F", "-v", "-f", "-i", "--file", "--assign", "--field-separator"}, is_posix=True)
    code = None if options.has("-f", "--file") else next(iter(options.rest), None)
    files = options.rest if code is None else options.rest[1:]
    if options.has("-f", "--file"):
        call.note(Effect.RUNS_CODE, "It runs an awk program from a file.")
    if code is not None:
        _judge_awk(call, code)
    call.read_all([word for word in files if "=" not in word.text])
    origins = call.stdin.origins if call.stdin is not None and not files else _FILE
    return Source(origins=origins)


def _judge_awk(call: Call, code: Word) -> None:
    """See whether an awk program runs commands, writes files or connects to hosts."""
    text = code.text
    if not code.is_known:
        call.unclear()
    if "system" in text or "getline" in text or '| "' in text or '|"' in text or "|&" in text or "/inet/" in text:
        call.unclear()
        call.note(Effect.RUNS_CODE, f"The awk program runs commands: {shown(text)}.")
        for piece in text.split('"')[1::2]:
            call.run_text(piece)
        call.ran = False
    if "/inet/" in text:
        call.network()
    if "ENVIRON" in text:
        call.note(Effect.ENVIRONMENT_DUMP, "The awk program reads the environment.")


WRAPPERS: Final[Mapping[str, Callable[[Call], list[Word]]]] = {"xargs": _xargs, "gxargs": _xargs}
PROGRAMS: Final[Mapping[str, Handler]] = {
    "find": _find, "gfind": _find, "parallel": _parallel, "fd": _fd, "fdfind": _fd, "awk": _awk, "gawk": _awk,
    "mawk": _awk,
    "nawk": _awk, **dict.fromkeys(["grep", "egrep", "fgrep", "rg", "ag", "ack", "zgrep", "ugrep", "ripgrep"], _grep),
}  # fmt: skip
