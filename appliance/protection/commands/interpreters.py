"""Interpreters of other languages: their code is not understood, but the plainest dangers in it are seen."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.hosts import host_of
from appliance.protection.commands.options import split_options
from appliance.protection.commands.shells import run_file, tell_unread
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Origin, Source, Word

Handler = Callable[[Call], Source | None]

_MOST_STRINGS: Final = 64
_LONGEST_STRING: Final = 2048


class Language(NamedTuple):
    """How an interpreter takes code: options with code, options with other values, verbs before a file."""

    codes: tuple[str, ...]
    valued: frozenset[str]
    verbs: frozenset[str] = frozenset()


_PYTHON: Final = Language(("-c",), frozenset(["-c", "-m", "-W", "-X"]))
_NODE: Final = Language(
    ("-e", "--eval", "-p", "--print", "-pe"),
    frozenset(["-e", "--eval", "-p", "--print", "-pe", "-r", "--require", "--import", "--loader", "--env-file"]),
)
_PERL_CODES: Final = ("-e", "-E", "-ne", "-pe", "-ane", "-lne", "-nle")
_POWERSHELL_CODES: Final = ("-c", "-Command", "-EncodedCommand", "-e", "-enc")
_POWERSHELL: Final = Language(_POWERSHELL_CODES, frozenset([*_POWERSHELL_CODES, "-File", "-ExecutionPolicy"]))
_LANGUAGES: Final[Mapping[str, Language]] = {
    "python": _PYTHON, "pypy": _PYTHON, "ipython": _PYTHON, "node": _NODE, "nodejs": _NODE, "tsx": _NODE,
    "ts-node": _NODE, "iojs": _NODE,
    "perl": Language(_PERL_CODES, frozenset([*_PERL_CODES, "-I", "-M"])),
    "ruby": Language(("-e", "-ne", "-pe"), frozenset(["-e", "-ne", "-pe", "-I", "-r"])),
    "php": Language(("-r", "-B", "-R", "-E"), frozenset(["-r", "-B", "-R", "-E", "-d", "-c", "-f"])),
    "lua": Language(("-e",), frozenset(["-e", "-l"])), "luajit": Language(("-e",), frozenset(["-e", "-l"])),
    "R": Language(("-e",), frozenset(["-e", "-f"])),
    "Rscript": Language(("-e",), frozenset(["-e"])), "julia": Language(("-e", "-E"), frozenset(["-e", "-E"])),
    "tclsh": Language((), frozenset()),
    "osascript": Language(("-e",), frozenset(["-e", "-l"])), "groovy": Language(("-e",), frozenset(["-e"])),
    "scala": Language(("-e",), frozenset(["-e"])),
    "elixir": Language(("-e",), frozenset(["-e"])), "erl": Language(("-eval",), frozenset(["-eval"])),
    "expect": Language(("-c",), frozenset(["-c"])),
    "powershell": _POWERSHELL, "pwsh": _POWERSHELL,
    "cmd": Language(("/c", "/C", "/k"), frozenset(["/c", "/C", "/k"])),
    "java": Language((), frozenset(["-cp", "-jar", "-classpath"])), "jshell": Language((), frozenset()),
}  # fmt: skip
_SHELLING: Final = (
    "os.system", "subprocess", "popen", "child_process", "execsync", "spawnsync", "exec(", "system(", "shell_exec",
    "passthru", "proc_open", "qx", "`", "pty.spawn",
    "os.exec", "kernel.system", "open3", "io.popen", "do shell script", "runtime.getruntime",
)  # fmt: skip
_DELETING: Final = (
    "rmtree",
    "rmsync",
    "rm_rf",
    "rm_r",
    "removesync",
    "rimraf",
    "remove_tree",
    "unlinksync",
    "fs.rm",
    "fileutils.rm",
    "os.remove",
    "os.unlink",
    "rmdir",
)
_NETWORKING: Final = (
    "requests.", "urllib", "http.client", "httpx", "aiohttp", "socket", "fetch(", "axios", "https.", "http.",
    "net::http", "open-uri", "file_get_contents('http", "lwp", "curl_", "webclient",
    "invoke-webrequest", "iwr", "net.connect", "tcpsocket",
)  # fmt: skip
_ENVIRONMENT: Final = (
    "os.environ",
    "process.env",
    "%env",
    "env.to",
    "getenv()",
    "$_env",
    "$_server",
    "sys.env",
    "env.each",
    "get-childitem env:",
    "dir env:",
)
_CONNECTED: Final = (
    ("socket", "subprocess"),
    ("socket", "pty"),
    ("socket", "/bin/sh"),
    ("socket", "exec"),
    ("net.socket", "child_process"),
    ("net.connect", "child_process"),
    ("tcpsocket", "exec"),
    ("fsockopen", "exec"),
    ("fsockopen", "proc_open"),
    ("socket", "/bin/bash"),
    ("tcpclient", "iex"),
)


def _interpret(call: Call) -> Source | None:
    name = call.program if call.program in _LANGUAGES else call.program.rstrip("0123456789.-")
    language = _LANGUAGES[name]
    options = split_options(call.args, language.valued, is_posix=True)
    codes = options.values(*language.codes) if language.codes else []
    if not codes and name == "cmd" and call.args and call.args[0].text.lower() in {"/c", "/k"}:
        codes = call.args[1:]
    for code in codes:
        judge_code(call, code)
    if codes:
        return PROGRAM_OUTPUT
    module = options.value("-m")
    if module is not None and name in {"python", "pypy"}:
        return _run_module(call, module)
    files = options.values("-File", "-f", "-jar") if name in {"powershell", "pwsh", "php", "java"} else []
    files = files or options.rest[:1]
    if files and files[0].text != "-":
        return run_file(call, files[0])
    if options.has("--version", "-V", "-v", "--help", "-h"):
        return None
    if call.stdin is not None and call.stdin is not NOTHING:
        tell_unread(call, call.stdin.origins, "its input")
        judge_code(call, Word(call.stdin.text or "", is_known=call.stdin.text is not None, origins=call.stdin.origins))
        if call.stdin.text is None and not call.stdin.origins & {Origin.FILE, Origin.DOWNLOAD, Origin.DECODED}:
            call.line.note(Effect.PIPES_TO_SHELL, f"{call.program} would run what another program writes.")
    return PROGRAM_OUTPUT


def _run_module(call: Call, module: Word) -> Source | None:
    """Judge `python -m`, which runs the module's own program."""
    texts = [word.text for word in call.args]
    place = next((position for position, text in enumerate(texts) if text.startswith("-m")), 0)
    rest = call.args[place + (1 if texts[place] != "-m" else 2) :]
    name = _MODULES.get(module.text, module.text.rpartition(".")[2])
    if not module.is_known:
        call.unclear()
    if name in {"http.server", "server"} and module.text.startswith("http"):
        call.network("It would serve this folder to others.")
        call.note(Effect.BACKGROUND_SERVICE, "It would serve files.")
        return PROGRAM_OUTPUT
    if module.text in _RUN_AS_PROGRAM:
        call.run_words([Word(name), *rest], call.stdin)
        call.ran = False
    else:
        call.note(Effect.RUNS_CODE, f"It runs the module {shown(module.text)}.")
    return PROGRAM_OUTPUT


_MODULES: Final[Mapping[str, str]] = {"http.server": "http.server"}
_RUN_AS_PROGRAM: Final = frozenset(["pip", "twine", "uv", "poetry", "flit", "hatch", "pipx", "pdm", "awscli"])


def judge_code(call: Call, code: Word) -> None:
    """Judge code of another language: it is not understood, and what is plainly in it is told."""
    call.unclear()
    call.note(Effect.RUNS_CODE, f"{call.program} runs code that stands in the command.")
    text = code.text.lower()
    tell_unread(call, code.origins, "code")
    if any(all(part in text for part in parts) for parts in _CONNECTED):
        call.note(Effect.REVERSE_SHELL, "The code connects a shell to a host.")
    if any(each in text for each in _ENVIRONMENT):
        _judge_environment(call, text)
    if any(each in text for each in _NETWORKING):
        call.network("The code talks to a host.")
    if _runs_encoded(call, text):
        call.note(Effect.OBFUSCATED, "The code runs what stands there only encoded.")
    _judge_strings(call, text, _strings(code.text))


def _runs_encoded(call: Call, text: str) -> bool:
    if "base64" in text and any(each in text for each in ("exec(", "eval(", "iex")):
        return True
    return any(word.text.lower().startswith(("-enc", "-encodedcommand")) for word in call.args)


def _judge_strings(call: Call, text: str, strings: list[str]) -> None:
    """Judge what the quoted strings of the code mean: addresses, commands, paths."""
    runs = any(each in text for each in _SHELLING)
    deletes = any(each in text for each in _DELETING)
    for piece in strings:
        if "://" in piece:
            call.host(host_of(piece))
        if runs:
            _judge_piece(call, piece)
        is_path = piece[:1] in {"/", "~", "."} and " " not in piece
        if deletes and (is_path or "/" in piece):
            call.delete(Word(piece), is_recursive=True)
        if is_path:
            call.read(Word(piece))


def _judge_environment(call: Call, text: str) -> None:
    """See whether the code uses one variable or all of them."""
    places = [text.find(each) + len(each) for each in _ENVIRONMENT if each in text]
    if any(
        text[place : place + 1] not in {"[", ".", "{"} or text.startswith((".items", ".copy", ".values"), place)
        for place in places
    ):
        call.note(Effect.ENVIRONMENT_DUMP, "The code reads the whole environment.")


def _judge_piece(call: Call, piece: str) -> None:
    call.run_text(piece)
    call.ran = False


def _strings(text: str) -> list[str]:
    """Give the quoted strings of a code, each at most some thousand characters."""
    strings: list[str] = []
    position = 0
    while position < len(text) and len(strings) < _MOST_STRINGS:
        quote = text[position]
        if quote in "'\"`":
            stop = text.find(quote, position + 1)
            if stop < 0:
                break
            if stop - position <= _LONGEST_STRING:
                strings.append(text[position + 1 : stop])
            position = stop
        position += 1
    return strings


PROGRAMS: Final[Mapping[str, Handler]] = dict.fromkeys([*_LANGUAGES, "python2", "python3"], _interpret)
