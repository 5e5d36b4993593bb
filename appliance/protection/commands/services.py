"""Schedulers, service managers, accounts: what goes on, or lets somebody in, after the session."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.options import split_options
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Source

Handler = Callable[[Call], Source | None]

_GUARDS: Final = (
    "auditd", "falcon", "crowdstrike", "clamav", "clamd", "fail2ban", "ufw", "firewalld", "nftables", "iptables",
    "apparmor", "selinux", "osquery",
    "wazuh", "ossec", "sentinel", "defender", "mdatp", "sophos", "carbonblack", "cbagent", "falco", "sysmon",
    "rsyslog", "journald", "tetragon",
    "openleash", "leash", "santa", "jamf", "esets", "symantec", "tripwire", "aide",
)  # fmt: skip


def guards(name: str) -> bool:
    """Tell whether a service or process is a security control."""
    lowered = name.lower()
    return any(guard in lowered for guard in _GUARDS)


def _crontab(call: Call) -> Source:
    options = call.options({"-u"})
    if options.has("-l"):
        return PROGRAM_OUTPUT
    call.note(Effect.PERSISTENCE, "It would change what cron runs.")
    if options.has("-r"):
        call.note(Effect.DESTRUCTIVE, "It would remove all cron jobs.")
    call.read_all([word for word in options.rest if word.text != "-"], reveals=False)
    return NOTHING


def _at(call: Call) -> Source:
    options = call.options({"-f", "-q", "-t", "-d", "-r"})
    if options.has("-l", "-c", "-d", "-r"):
        return PROGRAM_OUTPUT
    call.note(Effect.PERSISTENCE, f"{call.program} would run something later.")
    if call.stdin is not None and call.stdin.text is not None:
        call.run_text(call.stdin.text)
        call.ran = False
    return NOTHING


def _systemctl(call: Call) -> Source:
    options = split_options(call.args, {"-H", "-M", "-t", "--type", "-p", "--property", "-n"})
    verb = options.rest[0].text if options.rest else ""
    units = [word.text for word in options.rest[1:]]
    if verb in {"stop", "disable", "mask", "kill"}:
        if any(guards(unit) for unit in units):
            call.note(Effect.DISABLES_PROTECTION, f"It would stop {shown(' '.join(units))}.")
    elif verb in {"enable", "link", "edit", "reenable", "preset"}:
        call.note(Effect.PERSISTENCE, f"systemctl {verb} would start it again later.")
    elif verb in {"start", "restart", "reload"}:
        call.note(Effect.BACKGROUND_SERVICE, f"systemctl {verb} would leave a service running.")
    elif verb == "show-environment":
        call.note(Effect.ENVIRONMENT_DUMP, "It would print the environment of the service manager.")
    elif verb in {"poweroff", "reboot", "halt", "kexec", "isolate", "rescue", "emergency"}:
        call.note(Effect.DESTRUCTIVE, f"systemctl {verb} would stop the machine.")
    return PROGRAM_OUTPUT


def _service(call: Call) -> Source:
    words = [word.text for word in call.args]
    if len(words) > 1 and words[1] == "stop" and guards(words[0]):
        call.note(Effect.DISABLES_PROTECTION, f"It would stop {shown(words[0])}.")
    elif len(words) > 1 and words[1] in {"start", "restart"}:
        call.note(Effect.BACKGROUND_SERVICE, "It would leave a service running.")
    return PROGRAM_OUTPUT


def _launchctl(call: Call) -> Source:
    words = [word.text for word in call.args]
    verb = words[0] if words else ""
    if verb in {"load", "bootstrap", "enable", "submit"}:
        call.note(Effect.PERSISTENCE, "launchctl would start it again later.")
        call.read_all([word for word in call.args[1:] if word.text[:1] in {"/", "~", "."}], reveals=False)
    elif verb in {"unload", "bootout", "disable", "remove", "kill", "stop"} and guards(" ".join(words)):
        call.note(Effect.DISABLES_PROTECTION, f"It would stop {shown(' '.join(words[1:]))}.")
    return PROGRAM_OUTPUT


def _enabler(call: Call) -> Source:
    """update-rc.d, chkconfig, loginctl enable-linger, schtasks, pm2 startup and the like."""
    words = [word.text.lower() for word in call.args]
    if call.program == "pm2":
        if "startup" in words or "save" in words:
            call.note(Effect.PERSISTENCE, "pm2 would start it again later.")
        elif words[:1] in (["start"], ["restart"]):
            call.note(Effect.BACKGROUND_SERVICE, "pm2 would leave it running.")
    elif call.program != "loginctl" or "enable-linger" in words:
        call.note(Effect.PERSISTENCE, f"{call.program} would start it again later.")
    return PROGRAM_OUTPUT


def _account(call: Call) -> Source:
    options = call.options({"-g", "-G", "-d", "-s", "-u", "-p", "-c", "-e", "-k", "-a"})
    names = " ".join(word.text for word in options.rest)
    if call.program == "passwd" and options.has("-S", "--status"):
        return PROGRAM_OUTPUT
    call.note(Effect.PERSISTENCE, f"{call.program} would change who can sign in: {shown(names)}.")
    call.note(Effect.PRIVILEGED, f"{call.program} changes accounts of the machine.")
    if call.program in {"userdel", "deluser", "groupdel", "delgroup"}:
        call.note(Effect.DESTRUCTIVE, f"{call.program} would remove {shown(names)}.")
    return NOTHING


def _kill(call: Call) -> Source:
    options = split_options(call.args, {"-s", "-n", "-u", "-g", "-t", "-P", "-U", "-G", "--signal"})
    names = [word.text for word in options.rest]
    if any(guards(name) for name in names):
        call.note(Effect.DISABLES_PROTECTION, f"It would end {shown(' '.join(names))}.")
    if call.program == "kill" and "-1" in [word.text for word in call.args[-1:]] and len(call.args) > 1:
        call.note(Effect.DESTRUCTIVE, "It would end every process.")
    if any(not word.is_known for word in options.rest) and call.program != "kill":
        call.unclear()
    return NOTHING


def _power(call: Call) -> Source:
    if not any(word.text in {"-c", "--help"} for word in call.args):
        call.note(Effect.DESTRUCTIVE, f"{call.program} would stop the machine.")
    return NOTHING


def _screen(call: Call) -> Source:
    """Screen and tmux: what they start goes on."""
    options = split_options(call.args, {"-S", "-t", "-s", "-c", "-n", "-x", "-y", "-L", "-f", "-F"}, is_posix=True)
    rest = options.rest
    if call.program == "tmux":
        verb = rest[0].text if rest else ""
        if verb in {"new-session", "new", "new-window", "neww", "split-window", "respawn-pane", "run-shell", "run"}:
            inner = split_options(rest[1:], {"-s", "-t", "-n", "-c", "-x", "-y", "-e", "-F"}, is_posix=True)
            if inner.has("-d"):
                call.note(Effect.BACKGROUND_SERVICE, "tmux would leave it running.")
            rest = inner.rest
        elif verb == "send-keys":
            call.run_text(" ".join(word.text for word in rest[1:] if word.text not in {"Enter", "C-m", "-t"}))
            call.ran = False
            rest = []
        else:
            rest = []
    elif options.has("-d", "-m"):
        call.note(Effect.BACKGROUND_SERVICE, "screen would leave it running.")
    if len(rest) == 1:
        call.run_text(rest[0].text)
        call.ran = False
    elif rest:
        call.run_words(rest)
        call.ran = False
    return NOTHING


def _module(call: Call) -> Source:
    call.note(Effect.PRIVILEGED, f"{call.program} changes the running system.")
    return NOTHING


_ACCOUNTS: Final = (
    "useradd", "adduser", "usermod", "userdel", "deluser", "groupadd", "groupmod", "gpasswd", "passwd", "chpasswd",
    "visudo", "vipw", "chsh", "dscl", "groupdel", "delgroup", "dsenableroot",
)  # fmt: skip
PROGRAMS: Final[Mapping[str, Handler]] = {
    "crontab": _crontab, "at": _at, "batch": _at, "systemctl": _systemctl, "service": _service,
    "rc-service": _service, "launchctl": _launchctl,
    **dict.fromkeys(["update-rc.d", "chkconfig", "loginctl", "schtasks", "pm2", "rc-update", "sv"], _enabler),
    **dict.fromkeys(_ACCOUNTS, _account),
    **dict.fromkeys(["kill", "pkill", "killall", "killall5", "xkill"], _kill),
    **dict.fromkeys(["shutdown", "reboot", "poweroff", "halt"], _power), "screen": _screen, "tmux": _screen,
    **dict.fromkeys(["insmod", "modprobe", "rmmod", "kexec", "mount", "umount", "setcap", "losetup"], _module),
}  # fmt: skip
