"""Programs that hand out secrets from where they are kept."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.words import PROGRAM_OUTPUT, Source

Handler = Callable[[Call], Source | None]

# For each program, the beginnings of its command lines that show a secret; one empty text for all of them.
_SHOWING: Final[Mapping[str, tuple[str, ...]]] = {
    "vault": ("kv get", "read", "unwrap", "token create", "print token", "kv export"),
    "op": ("read", "item get", "get item", "document get", "inject", "item list", "account get"),
    "bw": ("get", "export", "list items", "unlock"),
    "pass": ("show", "ls", ""),
    "gopass": ("show", "cat", ""),
    "lpass": ("show", "export"),
    "security": ("find-generic-password", "find-internet-password", "dump-keychain", "export", "find-key"),
    "secret-tool": ("lookup", "search"),
    "keyring": ("get",),
    "doppler": ("secrets", "configs tokens"),
    "infisical": ("secrets", "export"),
    "chamber": ("read", "export", "list", "env"),
    "sops": ("-d", "--decrypt", "decrypt", "exec-env"),
    "age": ("-d", "--decrypt"),
    "rage": ("-d", "--decrypt"),
    "aws-vault": ("export", "exec"),
    "keepassxc-cli": ("show", "export", "clip"),
    "credstash": ("get", "getall"),
    "berglas": ("access",),
    "summon": ("",),
    "docker-credential-osxkeychain": ("get", "list"),
    "docker-credential-desktop": ("get", "list"),
    "git-credential-store": ("get",),
    "git-credential-osxkeychain": ("get",),
    "unshadow": ("",),
    "mimikatz": ("",),
    "lazagne": ("",),
    "hashcat": ("",),
    "john": ("",),
    "trufflehog": ("",),
}


def _vault(call: Call) -> Source:
    call.options()
    line = " ".join(word.text for word in call.args)
    if any(line.startswith(beginning) for beginning in _SHOWING[call.program] if beginning or call.program in _ALWAYS):
        call.note(Effect.CREDENTIAL_READ, f"{call.program} {shown(line)} would show secrets.")
    for word in call.args:
        if word.text[:1] in {"/", "~", "."}:
            call.read(word)
    return PROGRAM_OUTPUT


_ALWAYS: Final = frozenset(name for name, beginnings in _SHOWING.items() if "" in beginnings)
PROGRAMS: Final[Mapping[str, Handler]] = dict.fromkeys(_SHOWING, _vault)
