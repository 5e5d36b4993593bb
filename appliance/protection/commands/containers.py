"""Containers: what they run is judged, and what they are given of the machine."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.options import Options, split_options
from appliance.protection.commands.production import is_production
from appliance.protection.commands.state import State
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Source, Word

Handler = Callable[[Call], Source | None]

_GLOBAL: Final = {
    "-H",
    "--host",
    "-c",
    "--context",
    "--config",
    "-l",
    "--log-level",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
}
_RUN: Final = {
    "-e", "--env", "--env-file", "-v", "--volume", "-p", "--publish", "--name", "-w", "--workdir", "-u", "--user",
    "--entrypoint", "--network",
    "--net", "-h", "--hostname", "-m", "--memory", "--cpus", "--mount", "--platform", "-l", "--label", "--restart",
    "--add-host", "--device",
    "--cap-add", "--cap-drop", "--security-opt", "--gpus", "--tmpfs", "--ulimit", "--pid", "--ipc", "--shm-size",
    "--pull", "--cidfile",
    "--dns", "--link", "--log-driver", "--log-opt", "--expose", "--userns", "--volumes-from", "--detach-keys",
    "--index", "--cgroupns",
}  # fmt: skip
_HOST_MOUNTS: Final = (
    "/",
    "/etc",
    "/root",
    "/home",
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/proc",
    "/sys",
    "/dev",
    "/boot",
    "/var/lib/docker",
)


def _docker(call: Call) -> Source | None:
    options = split_options(call.args, _GLOBAL, is_posix=True)
    for value in options.values("-c", "--context", "-H", "--host"):
        if is_production(value.text):
            call.note(Effect.PRODUCTION_CONTEXT, f"It names production: {shown(value.text)}.")
    rest = options.rest
    if rest and rest[0].text in {
        "container",
        "image",
        "buildx",
        "system",
        "volume",
        "network",
        "builder",
        "compose",
        "manifest",
    }:
        group, rest = rest[0].text, rest[1:]
        if group == "compose":
            rest = split_options(rest, _GLOBAL, is_posix=True).rest
    else:
        group = "compose" if "compose" in call.program else ""
    if not rest:
        return PROGRAM_OUTPUT
    verb, words = rest[0].text, rest[1:]
    if not rest[0].is_known:
        call.unclear()
    return _judge_verb(call, group, verb, words)


def _judge_verb(call: Call, group: str, verb: str, words: list[Word]) -> Source | None:
    texts = {word.text for word in words}
    if verb in {"run", "exec", "create"}:
        return _run(call, verb, words)
    if verb == "push" or (verb in {"build", "bake"} and "--push" in texts):
        if "--dry-run" not in texts:
            call.note(Effect.PACKAGE_PUBLISH, f"{call.program} {verb} would publish an image.")
            call.note(Effect.UPLOADS, f"{call.program} would send an image to a registry.")
        call.network()
    elif verb in {"pull", "login", "search", "build", "bake"}:
        call.network(f"{call.program} {verb} talks to a registry.")
    elif (group, verb) in {("system", "prune"), ("volume", "rm"), ("volume", "prune"), ("volume", "remove")} or (
        verb in {"down", "rm"} and group == "compose" and texts & {"-v", "--volumes"}
    ):
        call.note(Effect.DESTRUCTIVE, f"{call.program} {group} {verb} would delete volumes or everything unused.")
    elif verb == "cp":
        call.read_all([word for word in words[:1] if ":" not in word.text], is_recursive=True)
    elif verb in {"up", "start", "restart"} and (texts & {"-d", "--detach"} or verb != "up"):
        call.note(Effect.BACKGROUND_SERVICE, "It would leave containers running.")
    elif verb == "config" and group == "compose":
        call.note(Effect.ENVIRONMENT_DUMP, "It would print the configuration with variables filled in.")
    return PROGRAM_OUTPUT


def _run(call: Call, verb: str, words: list[Word]) -> Source | None:
    options = split_options(words, _RUN, is_posix=True)
    _judge_rights(call, options)
    if options.has("-d", "--detach"):
        call.note(Effect.BACKGROUND_SERVICE, "It would leave a container running.")
    call.read_all(options.values("--env-file"), reveals=False)
    inside = options.rest[1:]
    entry = options.value("--entrypoint")
    if entry is not None:
        inside = [entry, *inside]
    if verb != "create" and inside and inside[0].text[:1] != "-":
        folder = options.value("-w", "--workdir")
        call.run_words(inside, call.stdin or NOTHING, State(folder.text if folder is not None else ""))
        call.ran = False
    return PROGRAM_OUTPUT


def _judge_rights(call: Call, options: Options) -> None:
    """See whether a container gets the rights of the machine itself."""
    if options.has("--privileged") or any(
        value.text in {"host", "host:rw"} for value in options.values("--pid", "--userns")
    ):
        call.note(Effect.PRIVILEGED, "The container would have the rights of the machine.")
    if any(
        value.text.upper() in {"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "DAC_READ_SEARCH"}
        for value in options.values("--cap-add")
    ):
        call.note(Effect.PRIVILEGED, "The container would have rights over the machine.")
    mounts = [value.text.partition(":")[0] for value in options.values("-v", "--volume")]
    for value in options.values("--mount"):
        mounts += [
            part.partition("=")[2] for part in value.text.split(",") if part.partition("=")[0] in {"source", "src"}
        ]
    for mount in mounts:
        if (mount.rstrip("/") or "/") in _HOST_MOUNTS:
            call.note(Effect.PRIVILEGED, f"The container would hold the machine's {shown(mount)}.")
        elif mount[:1] in {"/", "~", "."}:
            call.read(Word(mount), is_recursive=True)


PROGRAMS: Final[Mapping[str, Handler]] = dict.fromkeys(
    ["docker", "podman", "nerdctl", "docker-compose", "podman-compose", "finch", "lxc", "buildah", "skopeo"], _docker
)
