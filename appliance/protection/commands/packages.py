"""Package managers, build tools and task runners."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.options import split_options
from appliance.protection.commands.production import is_production
from appliance.protection.commands.words import PROGRAM_OUTPUT, Source, Word

Handler = Callable[[Call], Source | None]

_INSTALLING: Final = frozenset(
    [
        "install",
        "i",
        "add",
        "ci",
        "update",
        "upgrade",
        "get",
        "require",
        "sync",
        "restore",
        "isntall",
        "in",
        "reinstall",
    ]
)
_PUBLISHING: Final = frozenset(
    [
        "publish",
        "upload",
        "deploy-package",
        "hex.publish",
        "unpublish",
        "deprecate",
        "yank",
        "trunk",
        "dist-tag",
        "push",
    ]
)
_RUNNING: Final = frozenset(["run", "exec", "x", "dlx", "tool"])
_CODE: Final = frozenset(
    ["test", "start", "build", "run", "serve", "dev", "watch", "bench", "t", "run-script", "script"]
)


def _publish(call: Call, what: str) -> None:
    texts = {word.text for word in call.args}
    if not texts & {"--dry-run", "-n", "--help"}:
        call.note(Effect.PACKAGE_PUBLISH, f"{call.program} {shown(what)} would publish to others.")
        call.note(Effect.UPLOADS, f"{call.program} would send the package to a registry.")
    call.network(f"{call.program} talks to a registry.")


def _install(call: Call) -> None:
    call.note(Effect.PACKAGE_INSTALL, f"{call.program} would install packages.")
    call.network(f"{call.program} talks to a registry.")


def _manager(
    installing: Collection[str] = _INSTALLING, publishing: Collection[str] = _PUBLISHING, running: Collection[str] = ()
) -> Handler:
    """Make a handler for a package manager; `running` are its verbs that run another command."""

    def handler(call: Call) -> Source:
        options = split_options(
            call.args,
            {"-C", "--prefix", "--cwd", "--directory", "-p", "--project", "--manifest-path", "-w", "--workspace"},
            is_posix=True,
        )
        rest = options.rest
        if not rest:
            return PROGRAM_OUTPUT
        verb = rest[0]
        if not verb.is_known:
            call.unclear()
        text = verb.text
        if call.program == "dotnet" and text == "nuget" and len(rest) > 1:
            text = rest[1].text
        if text in publishing:
            _publish(call, text)
        elif text in installing:
            _install(call)
        elif text in running:
            _run(call, rest[1:])
        elif text in _CODE:
            call.note(Effect.RUNS_CODE, f"It runs the project's own {shown(text)}.")
        _settings(call, [word.text for word in rest])
        if (
            is_production(" ".join(word.text for word in rest[1:3]))
            and text in {"deploy", "release", "run"}
            and "build" not in rest[-1].text
        ):
            call.note(Effect.PRODUCTION_CONTEXT, "It names production.")
        return PROGRAM_OUTPUT

    return handler


def _settings(call: Call, words: list[str]) -> None:
    if (
        words[:1] == ["config"]
        and "get" in words
        and any("auth" in word.lower() or "token" in word.lower() for word in words)
    ):
        call.note(Effect.CREDENTIAL_READ, f"{call.program} would show a token.")
    if (
        words[:2] == ["config", "set"]
        and any(word in {"strict-ssl=false", "false"} for word in words)
        and any("ssl" in word for word in words)
    ):
        call.note(Effect.DISABLES_PROTECTION, f"It would stop {call.program}'s check of certificates.")
    if words[:2] in (["token", "create"], ["token", "list"], ["owner", "add"]):
        call.note(Effect.CREDENTIAL_READ, f"{call.program} would handle tokens.")


def _run(call: Call, words: list[Word]) -> None:
    """Judge a command that a manager runs in its environment: `uv run pytest`."""
    options = split_options(
        words,
        {
            "--with",
            "-p",
            "--python",
            "--package",
            "--extra",
            "--group",
            "--env-file",
            "-c",
            "--call",
            "--from",
            "-n",
            "--name",
            "--cwd",
        },
        is_posix=True,
    )
    for value in options.values("-c", "--call"):
        call.run_text(value.text)
    if options.rest:
        call.run_words(options.rest, call.stdin)
    call.ran = False


def _runner(call: Call) -> Source:
    """npx, uvx, pipx run: fetch a package and run it."""
    words = call.args
    if call.program == "pipx":
        if not words or words[0].text != "run":
            if words and words[0].text in _INSTALLING:
                _install(call)
            return PROGRAM_OUTPUT
        words = words[1:]
    options = split_options(
        words, {"-p", "--package", "-c", "--call", "--from", "--with", "--python", "--spec"}, is_posix=True
    )
    for value in options.values("-c", "--call"):
        call.run_text(value.text)
        call.ran = False
    _install(call)
    call.note(Effect.RUNS_CODE, f"{call.program} runs a package's code.")
    if options.rest:
        name = (
            options.rest[0].text.rpartition("/")[2].partition("@")[0]
            if options.rest[0].text[:1] != "@"
            else options.rest[0].text
        )
        call.run_words([options.rest[0]._replace(text=name), *options.rest[1:]], call.stdin)
        call.ran = False
    return PROGRAM_OUTPUT


def _twine(call: Call) -> Source:
    words = [word for word in call.args if word.text[:1] != "-"]
    if words and words[0].text in {"upload", "publish", "push", "deploy", "release"}:
        _publish(call, words[0].text)
        call.read_all(words[1:], reveals=False)
    return PROGRAM_OUTPUT


def _publisher(call: Call) -> Source:
    """Programs that do nothing but publish."""
    _publish(call, "")
    return PROGRAM_OUTPUT


def _maven(call: Call) -> Source:
    texts = [word.text for word in call.args]
    if any(
        text == "deploy"
        or text.lower().endswith((":publish", "publishtomavencentral", ":deploy"))
        or text in {"publish", "release:perform", "publishPlugins", "uploadArchives"}
        for text in texts
    ):
        _publish(call, "deploy")
    call.note(Effect.RUNS_CODE, "It runs the project's own build.")
    return PROGRAM_OUTPUT


def _make(call: Call) -> Source:
    options = split_options(call.args, {"-f", "-C", "-j", "-I", "-o", "-W", "--file", "--directory", "--eval", "-E"})
    if any(value.text in {"-", "/dev/stdin"} for value in options.values("-f", "--file")):
        call.unclear()
    for value in options.values("--eval", "-E"):
        if not value.is_known or "$(shell" in value.text or ":" in value.text:
            call.unclear()
    call.note(Effect.RUNS_CODE, f"It runs the project's own {call.program} file.")
    if any(is_production(word.text) for word in options.rest):
        call.note(
            Effect.PRODUCTION_CONTEXT, f"It names production: {shown(' '.join(word.text for word in options.rest))}."
        )
    if any(word.text in {"publish", "release", "upload"} for word in options.rest):
        call.note(Effect.PACKAGE_PUBLISH, f"{call.program} {shown(options.rest[0].text)} would publish to others.")
    return PROGRAM_OUTPUT


def _system(call: Call) -> Source:
    """The system's own package managers."""
    options = split_options(call.args, {"-c", "-o", "-t", "--root", "-r"})
    verb = options.rest[0].text if options.rest else ""
    if (
        verb in _INSTALLING | {"dist-upgrade", "full-upgrade"}
        or (call.program in {"pacman", "yay", "paru"} and options.has("-S", "-U"))
        or (call.program in {"dpkg", "rpm"} and options.has("-i", "--install", "-U"))
    ):
        _install(call)
    if verb in {"remove", "purge", "autoremove", "erase", "del", "uninstall"} or (
        call.program == "pacman" and options.has("-R")
    ):
        call.note(Effect.DESTRUCTIVE, f"{call.program} would remove installed packages.")
    if verb in {"update", "refresh", "search"}:
        call.network(f"{call.program} talks to a registry.")
    return PROGRAM_OUTPUT


_COMMON: Final = _manager(running=_RUNNING - {"run", "tool"})
PROGRAMS: Final[Mapping[str, Handler]] = {
    **dict.fromkeys(["npm", "pnpm", "yarn", "bun", "cnpm"], _COMMON), "deno": _manager(publishing=("publish",)),
    **dict.fromkeys(["pip", "pip3"], _manager(publishing=())), "uv": _manager(running=("run", "tool")),
    **dict.fromkeys(["poetry", "pdm", "hatch", "rye", "pipenv", "flit", "pixi"], _manager(running=("run",))),
    **dict.fromkeys(["conda", "mamba", "micromamba"], _manager(running=("run",))), "anaconda": _twine,
    "cargo": _manager(publishing=("publish", "yank", "owner")), "gem": _manager(publishing=("push", "yank", "owner")),
    **dict.fromkeys(["bundle", "bundler"], _manager(running=("exec",))), "go": _manager(publishing=()),
    "composer": _manager(running=("exec",)),
    "dotnet": _manager(), "nuget": _manager(publishing=("push", "delete")),
    "mix": _manager(publishing=("hex.publish",)),
    "dart": _manager(publishing=("publish",)), "flutter": _manager(publishing=("publish",)),
    "pod": _manager(publishing=("trunk",)),
    "mise": _manager(running=("exec", "x")), "asdf": _manager(running=("exec",)), "nix": _manager(running=()),
    "direnv": _manager(running=("exec",)),
    **dict.fromkeys(["npx", "uvx", "pipx", "bunx", "pnpx"], _runner), "twine": _twine, "vsce": _twine, "ovsx": _twine,
    "goreleaser": _twine,
    "lerna": _twine, "changeset": _twine, "jfrog": _twine, "jf": _twine, "cloudsmith": _twine, "clawhub": _twine,
    **dict.fromkeys(["semantic-release", "np", "release-it"], _publisher),
    **dict.fromkeys(["mvn", "mvnw", "gradle", "gradlew", "sbt", "ant"], _maven),
    **dict.fromkeys(["make", "gmake", "just", "task", "rake", "ninja", "invoke", "nox", "tox", "bazel"], _make),
    **dict.fromkeys(
        [
            "apt", "apt-get", "aptitude", "dnf", "yum", "zypper", "apk", "pacman", "yay", "paru", "brew", "port",
            "snap", "flatpak", "dpkg", "rpm", "choco", "winget", "scoop", "pkg",
        ],
        _system,
    ),
}  # fmt: skip
