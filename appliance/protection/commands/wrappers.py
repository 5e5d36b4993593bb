"""Programs that run another: each gives the words of what it would run, or none if it runs nothing."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from appliance.protection.commands.call import Call
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.environment import judge_assignment
from appliance.protection.commands.options import Options, split_options
from appliance.protection.commands.paths import resolve
from appliance.protection.commands.words import Word

Wrapper = Callable[[Call], list[Word]]

_SUDO: Final = {
    "-u",
    "-g",
    "-h",
    "-p",
    "-C",
    "-T",
    "-r",
    "-t",
    "-U",
    "-D",
    "-R",
    "--user",
    "--group",
    "--chdir",
    "--host",
}
_SYSTEMD: Final = {
    "-u",
    "-p",
    "-E",
    "-M",
    "-H",
    "--unit",
    "--property",
    "--setenv",
    "--uid",
    "--gid",
    "--slice",
    "--working-directory",
}


def _plain(valued: Collection[str] = (), operands: int = 0) -> Wrapper:
    """Make a wrapper that has options and a number of operands before the command."""

    def wrapper(call: Call) -> list[Word]:
        return split_options(call.args, valued, is_posix=True).rest[operands:]

    return wrapper


def _privileged(valued: Collection[str]) -> Wrapper:
    def wrapper(call: Call) -> list[Word]:
        program = call.program
        call.note(Effect.PRIVILEGED, f"{program} runs it with other rights.")
        options = split_options(call.args, valued, is_posix=True)
        _change_directory(call, options.value("-D", "--chdir"))
        rest = _assignments(call, options.rest)
        if not rest and options.has("-s", "-i", "--shell", "--login") and call.stdin is not None:
            return [Word("sh")]
        return rest

    return wrapper


def _change_directory(call: Call, target: Word | None) -> None:
    if target is not None:
        call.state = call.state.copy()
        call.state.directories = (resolve(target.text, call.state.directories[0]) if target.is_known else "",)


def _assignments(call: Call, words: list[Word]) -> list[Word]:
    """Take `NAME=value` off the start."""
    position = 0
    for word in words:
        name, equals, value = word.text.partition("=")
        if not equals or not name.isidentifier():
            break
        position += 1
        judge_assignment(call, name, word._replace(text=value))
        call.state = call.state.copy()
        call.state.variables[name] = (word._replace(text=value),)
    return words[position:]


def _env(call: Call) -> list[Word]:
    options = split_options(
        call.args, {"-u", "--unset", "-C", "--chdir", "-S", "--split-string", "-a", "--argv0"}, is_posix=True
    )
    _change_directory(call, options.value("-C", "--chdir"))
    split = options.value("-S", "--split-string")
    rest = _assignments(call, options.rest)
    if split is not None:
        if not split.is_known:
            call.unclear()
        call.run_text(" ".join([split.text, *(word.text for word in rest)]), call.stdin)
        return []
    return rest


def _command(call: Call) -> list[Word]:
    options = split_options(call.args, (), is_posix=True)
    return [] if options.has("-v", "-V") else options.rest


def _su(call: Call) -> list[Word]:
    call.note(Effect.PRIVILEGED, f"{call.program} runs it with other rights.")
    options = split_options(call.args, {"-c", "--command", "-s", "--shell", "-g", "-G", "-u", "--user", "--group"})
    code = options.value("-c", "--command", "--session-command")
    if code is not None:
        return [Word("sh"), Word("-c"), code]
    if call.program == "runuser" and options.has("-u", "--user"):
        return options.rest
    return [Word("sh")] if call.stdin is not None else []


def _timeout(call: Call) -> list[Word]:
    return split_options(call.args, {"-k", "-s", "--kill-after", "--signal"}, is_posix=True).rest[1:]


def _background(valued: Collection[str] = ()) -> Wrapper:
    def wrapper(call: Call) -> list[Word]:
        rest = split_options(call.args, valued, is_posix=True).rest
        if rest:
            call.note(Effect.BACKGROUND_SERVICE, f"{call.program} lets it go on after the session.")
        return rest

    return wrapper


def _coproc(call: Call) -> list[Word]:
    words = call.args
    if len(words) > 1 and words[1].text in {"{", "("}:
        words = words[1:]
    return [word for word in words if word.text not in {"{", "(", "}"}]


def _through_shell(valued: Collection[str]) -> Wrapper:
    """Make a wrapper that hands its words to `sh -c`, such as watch."""

    def wrapper(call: Call) -> list[Word]:
        options = split_options(call.args, valued, is_posix=True)
        code = options.value("-c", "--command")
        if code is not None:
            return [Word("sh"), Word("-c"), code]
        if len(options.rest) == 1 and " " in options.rest[0].text:
            return [Word("sh"), Word("-c"), options.rest[0]]
        return options.rest

    return wrapper


def _flock(call: Call) -> list[Word]:
    options: Options = split_options(call.args, {"-w", "-E", "--timeout"}, is_posix=True)
    rest = options.rest[1:]
    if rest and rest[0].text in {"-c", "--command"}:
        return [Word("sh"), *rest]
    return rest


def _chroot(call: Call) -> list[Word]:
    call.note(Effect.PRIVILEGED, f"{call.program} needs and gives the rights of root.")
    rest = split_options(call.args, {"--userspec", "--groups"}, is_posix=True).rest[1:]
    call.state = call.state.copy()
    call.state.directories = ("/",)
    return rest


def _exec(call: Call) -> list[Word]:
    return split_options(call.args, {"-a"}, is_posix=True).rest


def _dashed(call: Call) -> list[Word]:
    """Give what follows `--`, as for `aws-vault exec profile -- command`."""
    texts = [word.text for word in call.args]
    return call.args[texts.index("--") + 1 :] if "--" in texts else []


WRAPPERS: Final[Mapping[str, Wrapper]] = {
    "sudo": _privileged(_SUDO), "doas": _privileged({"-u", "-C"}), "pkexec": _privileged({"--user"}),
    "run0": _privileged({"-u", "--user", "-D", "--chdir"}), "gosu": _privileged(()), "su-exec": _privileged(()),
    "nsenter": _privileged({"-t", "--target", "-S", "-G", "-r", "-w"}), "unshare": _plain({"-S", "-G", "-R", "-w"}),
    "su": _su, "runuser": _su, "chroot": _chroot, "env": _env, "command": _command, "builtin": _plain(),
    "exec": _exec, "nice": _plain({"-n", "--adjustment"}), "ionice": _plain({"-c", "-n", "-p"}),
    "nohup": _background(), "setsid": _background(), "systemd-run": _background(_SYSTEMD),
    "daemonize": _background({"-c", "-e", "-o", "-p", "-l", "-u"}),
    "timeout": _timeout, "gtimeout": _timeout, "time": _plain({"-f", "-o", "--format", "--output"}),
    "stdbuf": _plain({"-i", "-o", "-e", "--input", "--output", "--error"}),
    "chrt": _plain({"-T", "-P", "-D"}, operands=1),
    "taskset": _plain((), operands=1), "busybox": _plain(), "toybox": _plain(), "coproc": _coproc,
    "watch": _through_shell({"-n", "--interval", "-q"}),
    "script": _through_shell({"-c", "--command", "-T", "-I", "-O", "-B", "-m"}),
    "caffeinate": _plain({"-t", "-w"}), "unbuffer": _plain(), "flock": _flock,
    "xvfb-run": _plain({"-n", "-s", "-f", "-e", "-p", "-w"}),
    "dbus-run-session": _plain({"--config-file", "--dbus-daemon"}), "dbus-launch": _plain(),
    "proxychains": _plain({"-f"}),
    "proxychains4": _plain({"-f"}), "torsocks": _plain(), "torify": _plain(),
    "strace": _plain({"-o", "-e", "-p", "-s", "-u", "-E", "-P"}),
    "ltrace": _plain({"-o", "-e", "-p", "-s", "-u"}), "valgrind": _plain(),
    "rlwrap": _plain({"-a", "-f", "-H", "-p", "-s"}),
    "hyperfine": _through_shell({"-w", "-r", "-m", "-M", "-p", "-n", "-s", "--warmup", "--runs", "--prepare"}),
    "noglob": _plain(), "nocorrect": _plain(), "setarch": _plain((), operands=1), "linux64": _plain(),
    "linux32": _plain(),
    "prlimit": _plain(), "numactl": _plain({"-m", "-N", "-C", "-i"}), "sem": _plain({"-j", "--id"}),
    "chronic": _plain(),
    "aws-vault": _dashed, "doppler": _dashed, "infisical": _dashed, "chamber": _dashed,
    "dotenv": _plain({"-f", "-e", "--file"}),
    "dotenvx": _dashed, "op": _dashed, "teller": _dashed, "envchain": _plain((), operands=1), "firejail": _plain(),
    "bwrap": _dashed, "gdb": _dashed, "winpty": _plain(), "arch": _plain(), "with-contenv": _plain(), "tini": _dashed,
    "dumb-init": _plain(), "then": _plain(), "do": _plain(), "else": _plain(), "!": _plain(), "if": _plain(),
    "while": _plain(), "until": _plain(), "elif": _plain(),
}  # fmt: skip
