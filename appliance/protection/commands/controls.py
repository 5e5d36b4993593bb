"""Security controls, and agents that are started without their own."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.words import PROGRAM_OUTPUT, Source, Word

Handler = Callable[[Call], Source | None]

_BYPASSING: Final = (
    "--dangerously", "--yolo", "--full-auto", "--skip-permissions", "--permission-mode", "--approval-mode",
    "--trust-all-tools",
    "--allow-all-tools", "--allow-all", "--disable-hooks", "--no-hooks",
)  # fmt: skip
_OFF: Final[Mapping[str, frozenset[str]]] = {
    "setenforce": frozenset(["0", "permissive"]),
    "ufw": frozenset(["disable", "reset"]),
    "csrutil": frozenset(["disable"]),
    "spctl": frozenset(["--master-disable", "--global-disable", "--add"]),
    "auditctl": frozenset(["-D", "-e", "-d"]),
    "aa-disable": frozenset(),
    "aa-complain": frozenset(),
    "aa-teardown": frozenset(),
    "iptables": frozenset(["-F", "--flush", "-X", "-P", "--policy"]),
    "ip6tables": frozenset(["-F", "--flush", "-X", "-P", "--policy"]),
    "nft": frozenset(["flush"]),
    "pfctl": frozenset(["-d", "-F"]),
    "netsh": frozenset(["off", "disable"]),
    "fdesetup": frozenset(["disable"]),
    "tccutil": frozenset(["reset"]),
    "mdatp": frozenset(["disabled", "disable"]),
    "falconctl": frozenset(["-d", "uninstall", "unload"]),
    "sysctl": frozenset(["kernel.randomize_va_space=0", "kernel.yama.ptrace_scope=0"]),
    "openleash": frozenset(["uninstall", "disable", "stop", "logout", "unenroll", "pause", "remove", "off"]),
    "leashctl": frozenset(
        [
            "disable",
            "uninstall",
            "rollback",
            "publish",
            "down",
            "owner-link",
            "create",
            "revoke",
            "purge",
            "reset",
        ]
    ),
    "firewall-cmd": frozenset(["--panic-off", "--remove-service", "--remove-port"]),
}


def _control(call: Call) -> Source:
    off = _OFF[call.program]
    texts = [word.text for word in call.args]
    if not off or any(text in off or text.lower() in off for text in texts):
        call.note(
            Effect.DISABLES_PROTECTION, f"{call.program} {shown(' '.join(texts))} would loosen a security control."
        )
    if any(not word.is_known for word in call.args):
        call.unclear()
    return PROGRAM_OUTPUT


def _agent(call: Call) -> Source:
    """Another agent, which may be told not to ask."""
    call.note(Effect.RUNS_CODE, f"{call.program} is an agent that acts by itself.")
    call.network(f"{call.program} talks to its provider.")
    for word in call.args:
        text = word.text
        name, _, value = text.partition("=")
        if text == "-y" and call.program == "gemini":
            name = "--yolo"
        if name.startswith(_BYPASSING) and value not in {"default", "plan", "ask"}:
            if name in {"--permission-mode", "--approval-mode"} and not (value or _follows(call.args, word)):
                continue
            call.note(Effect.DISABLES_PROTECTION, f"{call.program} {shown(text)} would act without asking.")
    words = [word.text for word in call.args if word.text[:1] != "-"]
    if (
        words[:1] in (["mcp"], ["config"], ["plugin"])
        and words[1:2]
        and words[1] in {"add", "add-json", "set", "install", "remove"}
    ):
        call.note(
            Effect.DISABLES_PROTECTION,
            f"{call.program} {shown(' '.join(words[:2]))} would change what the agent may use.",
        )
    return PROGRAM_OUTPUT


def _follows(words: list[Word], word: Word) -> bool:
    place = words.index(word)
    following = words[place + 1].text if place + 1 < len(words) else ""
    return following not in {"", "default", "plan"}


PROGRAMS: Final[Mapping[str, Handler]] = {
    **dict.fromkeys(_OFF, _control),
    **dict.fromkeys(
        ["claude", "codex", "gemini", "copilot", "cursor-agent", "opencode", "aider", "cline"],
        _agent,
    ),
}
