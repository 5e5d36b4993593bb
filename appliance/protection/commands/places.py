"""What it means to write to, or take away, a file at a certain place."""

from typing import Final

from appliance.protection.commands.effects import Effect
from appliance.protection.commands.paths import in_home, is_pattern, may_match

_AGENT_FILES: Final = (
    ".claude/settings.json", ".claude/settings.local.json", ".claude.json", ".codex/config.toml", ".codex/hooks.json",
    ".codex/requirements.toml", ".cursor/hooks.json", ".cursor/cli.json", ".cursor/mcp.json", ".gemini/settings.json",
    ".copilot/config.json", ".windsurf/hooks.json", ".opencode/opencode.json", "opencode.json", ".mcp.json",
    ".config/opencode/opencode.json", ".codeium/windsurf/hooks.json", "managed-settings.json",
)  # fmt: skip
_AGENT_FOLDERS: Final = (
    ".claude/hooks", ".claude/plugins", ".codex/hooks", ".cursor/hooks", ".github/hooks", ".clinerules/hooks",
    ".opencode/plugin", ".opencode/plugins", ".config/opencode/plugin", ".openleash", ".gemini/hooks",
)  # fmt: skip
_AGENT_NAMES: Final = frozenset([".claude", ".codex", ".cursor", ".gemini", ".openleash", ".clinerules", ".opencode"])
_PROTECTION_FOLDERS: Final = (
    "/etc/claude-code", "/etc/codex", "/etc/openleash", "/library/application support/claudecode",
    "/library/application support/openleash", "c:/programdata/claudecode", "/etc/selinux", "/etc/apparmor.d",
    "/etc/audit", "/etc/ufw", "/etc/nftables.conf", "/etc/iptables", "/etc/pam.d", "/etc/security", "/etc/fail2ban",
)  # fmt: skip
_START_FILES: Final = frozenset([
    "~/.bashrc", "~/.bash_profile", "~/.bash_login", "~/.bash_logout", "~/.profile", "~/.zshrc", "~/.zshenv",
    "~/.zprofile", "~/.zlogin", "~/.kshrc", "~/.cshrc", "~/.tcshrc", "~/.xprofile", "~/.xinitrc", "~/.xsession",
    "~/.config/fish/config.fish", "~/.inputrc", "~/.gitconfig", "~/.config/git/config", "~/.ssh/authorized_keys",
    "~/.ssh/authorized_keys2", "~/.ssh/rc", "~/.ssh/config", "~/.pam_environment", "/etc/profile", "/etc/bash.bashrc",
    "/etc/bashrc", "/etc/environment", "/etc/rc.local", "/etc/crontab", "/etc/anacrontab", "/etc/sudoers",
    "/etc/passwd",
    "/etc/shadow", "/etc/group", "/etc/ld.so.preload", "/etc/inittab", "/etc/zshrc", "/etc/zshenv", "/etc/gitconfig",
])  # fmt: skip
_START_FOLDERS: Final = (
    "~/.config/fish/conf.d", "~/.config/systemd", "~/.local/share/systemd", "~/.config/autostart",
    "~/library/launchagents", "~/.config/environment.d", "/library/launchagents", "/library/launchdaemons",
    "/system/library/launchdaemons", "/etc/profile.d", "/etc/zsh", "/etc/cron.d", "/etc/cron.daily", "/etc/cron.hourly",
    "/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron", "/etc/systemd", "/lib/systemd", "/usr/lib/systemd",
    "/etc/init.d", "/etc/sudoers.d", "/etc/update-motd.d", "/etc/xdg/autostart", "/etc/ld.so.conf.d",
    "/etc/udev/rules.d",
)  # fmt: skip
_HARMLESS_DEVICES: Final = (
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/stdin", "/dev/stdout", "/dev/stderr",
    "/dev/tty", "/dev/pts/", "/dev/fd/", "/dev/tcp/", "/dev/udp/", "/dev/ptmx", "/dev/console", "/dev/log",
    "/dev/shm",  # noqa: S108 - compared, not used
)  # fmt: skip
_UNTOLD_DEVICES: Final = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "/dev/fd/")

Meaning = tuple[Effect, str]


def is_untold(path: str) -> bool:
    """Tell whether a path is a stream that goes nowhere or to the agent: not worth telling."""
    return path.startswith("/dev/") and path.startswith(_UNTOLD_DEVICES)


def meanings_of_write(path: str) -> list[Meaning]:
    """Tell what writing to a resolved path means beyond the write itself."""
    folded = in_home(path).lower()
    found: list[Meaning] = []
    if _is_protection(folded):
        found.append((Effect.DISABLES_PROTECTION, f"It would write {path}, which decides what agents may do."))
    if _is_start(folded):
        found.append((Effect.PERSISTENCE, f"It would write {path}, which takes effect again later."))
    if _is_device(folded):
        found.append((Effect.DESTRUCTIVE, f"It would write directly to {path}."))
    return found


def meanings_of_delete(path: str) -> list[Meaning]:
    """Tell what taking a resolved path away means beyond the loss itself."""
    folded = in_home(path).lower()
    name = folded[folded.rfind("/") + 1 :]
    if _is_protection(folded) or name in _AGENT_NAMES or folded == "~/.config/opencode":
        return [(Effect.DISABLES_PROTECTION, f"It would remove {path}, which decides what agents may do.")]
    return []


def _is_protection(folded: str) -> bool:
    if "." not in folded and not folded.startswith(("/etc/", "/library/", "c:/")):
        return False
    padded = "/" + folded.lstrip("/") if folded[:1] != "~" else folded
    if is_pattern(folded):
        return any(may_match(padded, "~/" + each) or may_match(padded, "*/" + each) for each in _AGENT_FILES)
    if padded.endswith(_AGENT_ENDINGS):
        return True
    # Each of the agents' folders is hidden, or in a hidden one.
    if "/." in padded and any(part in padded + "/" for part in _AGENT_PARTS):
        return True
    return (folded + "/").startswith(_PROTECTION_STARTS)


_AGENT_ENDINGS: Final = tuple("/" + each for each in _AGENT_FILES)
_AGENT_PARTS: Final = tuple(f"/{each}/" for each in _AGENT_FOLDERS)
_PROTECTION_STARTS: Final = tuple(each + "/" for each in _PROTECTION_FOLDERS)
_PERSISTENT_STARTS: Final = tuple(each + "/" for each in _START_FOLDERS)


def _is_start(folded: str) -> bool:
    if folded in _START_FILES or (folded + "/").startswith(_PERSISTENT_STARTS):
        return True
    padded = "/" + folded
    if "/.git/hooks/" in padded:
        return not folded.endswith(".sample")
    if padded.endswith("/.git/config"):
        return True
    return is_pattern(folded) and any(may_match(folded, each) for each in _START_FILES)


def _is_device(folded: str) -> bool:
    if folded in {"/proc/sysrq-trigger", "/proc/kcore"}:
        return True
    return folded.startswith("/dev/") and not folded.startswith(_HARMLESS_DEVICES)
