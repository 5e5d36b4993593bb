"""Programs that reach other machines: shells, copies, plain connections."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.hosts import host_of, is_local, remote_of
from appliance.protection.commands.production import is_production
from appliance.protection.commands.state import State
from appliance.protection.commands.transfer import send
from appliance.protection.commands.words import DOWNLOADED, NOTHING, PROGRAM_OUTPUT, Origin, Source, Word

Handler = Callable[[Call], Source | None]

_SSH: Final = {
    "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-p", "-Q", "-R", "-S", "-W",
    "-w", "-B", "-P",
}  # fmt: skip
_SCP: Final = {"-c", "-F", "-i", "-J", "-l", "-o", "-P", "-S", "-D", "-X"}
_RSYNC: Final = {
    "-e", "--rsh", "-f", "--filter", "--exclude", "--include", "--exclude-from", "--include-from", "--files-from",
    "-B", "-T", "--temp-dir",
    "--partial-dir", "--log-file", "--password-file", "--port", "--bwlimit", "--timeout", "--max-size", "--min-size",
    "--backup-dir", "-M",
    "--rsync-path", "--link-dest", "--compare-dest", "--copy-dest", "--chmod", "--chown", "--out-format", "--info",
}  # fmt: skip


def _reach(call: Call, word: Word, host: str) -> None:
    if not word.is_known:
        call.unclear()
    call.host(host)
    call.network(f"{call.program} talks to {shown(host) or 'a host'}.")
    if is_production(host):
        call.note(Effect.PRODUCTION_CONTEXT, f"It would reach {shown(host)}.")


def _ssh(call: Call) -> Source | None:
    options = call.options(_SSH, is_posix=True)
    for value in options.values("-o"):
        name, _, code = value.text.partition("=")
        if name.lower() in {"proxycommand", "localcommand", "knownhostscommand"}:
            call.run_text(code)
    if not options.rest:
        return None
    host = options.rest[0]
    _reach(call, host, host_of(host.text.removeprefix("ssh://")))
    remote = options.rest[1:]
    stdin = call.stdin
    state = State("~")
    if remote:
        if not all(word.is_known for word in remote):
            call.unclear()
        call.run_text(" ".join(word.text for word in remote), stdin, state)
        call.ran = False
    elif stdin is not None and stdin.text is not None:
        call.run_text(stdin.text, None, state)
        call.ran = False
    if (
        stdin is not None
        and stdin is not NOTHING
        and (stdin.text is None or stdin.origins & {Origin.FILE})
        and not is_local(host_of(host.text))
    ):
        send(call, f"It would send what it reads to {shown(host.text)}.")
    return DOWNLOADED


def _copy(call: Call, words: list[Word], *, is_recursive: bool) -> None:
    """Judge a copy between this machine and others; the last word is the target."""
    if len(words) < 2:  # noqa: PLR2004 - a source and a target
        return
    target = remote_of(words[-1].text)
    for word in words[:-1]:
        source = remote_of(word.text)
        if source is not None:
            _reach(call, word, source[0])
        else:
            call.read(word, is_recursive=is_recursive)
    if target is None:
        call.write(words[-1], DOWNLOADED if any(remote_of(word.text) for word in words[:-1]) else None)
        return
    _reach(call, words[-1], target[0])
    local = [word for word in words[:-1] if remote_of(word.text) is None]
    if local and not is_local(target[0]):
        send(call, f"It would copy {shown(local[0].text)} to {shown(target[0])}.", target[0])


def _scp(call: Call) -> Source:
    options = call.options(_SCP)
    _copy(call, options.rest, is_recursive=options.has("-r"))
    return NOTHING


def _rsync(call: Call) -> Source:
    options = call.options(_RSYNC)
    _copy(call, options.rest, is_recursive=True)
    for value in options.values("-e", "--rsh"):
        if not value.text.startswith(("ssh", "/usr/bin/ssh")):
            call.run_text(value.text)
            call.ran = False
    if options.has(
        "--delete", "--delete-before", "--delete-after", "--delete-excluded", "--delete-during", "--remove-source-files"
    ):
        target = options.rest[-1] if options.rest else Word("")
        if remote_of(target.text) is None and not options.has("--remove-source-files"):
            call.delete(target._replace(text=target.text.rstrip("/") or "/"), is_recursive=True)
        call.note(Effect.DESTRUCTIVE, f"It would delete what {shown(target.text)} has beyond the source.")
    return NOTHING


def _sftp(call: Call) -> Source:
    options = call.options({*_SSH, "-b"}, is_posix=True)
    for word in options.rest[:1]:
        _reach(call, word, host_of(word.text.removeprefix("sftp://")))
    if call.stdin is not None or options.has("-b"):
        call.unclear()
    return NOTHING


def _nc(call: Call) -> Source:
    options = call.options(
        {
            "-p",
            "-s",
            "-w",
            "-i",
            "-x",
            "-X",
            "-e",
            "-c",
            "--exec",
            "--sh-exec",
            "-q",
            "-g",
            "-G",
            "-o",
            "-T",
            "-I",
            "-O",
            "-P",
            "-V",
            "--lua-exec",
        }
    )
    listens = options.has("-l", "--listen")
    for word in options.rest[:1]:
        if not listens:
            _reach(call, word, host_of(word.text))
    call.network(f"{call.program} opens a connection.")
    if options.has("-e", "-c", "--exec", "--sh-exec", "--lua-exec"):
        call.note(Effect.REVERSE_SHELL, f"{call.program} would connect a program to the network.")
    elif call.stdin is not None and call.stdin is not NOTHING and not options.has("-z"):
        host = host_of(options.rest[0].text) if options.rest else ""
        is_plain = call.stdin.text is not None and not call.stdin.origins & {Origin.FILE}
        if not is_plain:
            send(call, f"It would send what another command writes to {shown(host) or 'whoever connects'}.", host)
    return DOWNLOADED


def _socat(call: Call) -> Source:
    texts = [word.text for word in call.args]
    call.network("socat connects two ends.")
    has_program = any(text.lower().startswith(("exec:", "system:", "shell:")) for text in texts)
    has_network = any(
        text.lower().startswith(("tcp", "udp", "openssl", "ssl", "socks", "proxy", "sctp", "ws")) for text in texts
    )
    for text in texts:
        kind, _, rest = text.partition(":")
        if kind.lower().startswith(("tcp", "openssl", "udp", "ssl")) and "listen" not in kind.lower():
            call.host(host_of(rest))
        elif kind.lower() in {"file", "open", "gopen"}:
            call.read(Word(rest.partition(",")[0]))
    if has_program and has_network:
        call.note(Effect.REVERSE_SHELL, "socat would connect a program to the network.")
    elif has_network and (
        any(text.lower().startswith(("file:", "open:", "gopen:")) for text in texts)
        or (call.stdin is not None and call.stdin.text is None)
    ):
        send(call, "socat would send what it reads.")
    return DOWNLOADED


def _telnet(call: Call) -> Source:
    for word in call.options({"-l", "-e", "-n", "-b"}).rest[:1]:
        _reach(call, word, host_of(word.text))
    return DOWNLOADED


def _ftp(call: Call) -> Source:
    options = call.options({"-u", "-e", "-p", "-m", "-c", "-P", "-V"})
    for word in options.rest[:1]:
        _reach(call, word, host_of(word.text))
    if options.has("-e", "-c", "-u") or call.stdin is not None:
        send(call, "It would send or fetch files by FTP.")
    return DOWNLOADED


def _rclone(call: Call) -> Source:
    words = [word for word in call.args if word.text[:1] != "-"]
    verb = words[0].text if words else ""
    call.network()
    if verb in {"copy", "sync", "move", "copyto", "moveto"} and len(words) > 2:  # noqa: PLR2004 - verb, source, target
        _copy(call, words[1:], is_recursive=True)
    if verb in {"delete", "purge", "sync", "cleanup", "deletefile", "rmdirs"}:
        call.note(Effect.DESTRUCTIVE, f"rclone {verb} would delete what is at the target.")
    if verb == "config":
        call.read(Word("~/.config/rclone/rclone.conf"))
    return DOWNLOADED


def _tunnel(call: Call) -> Source:
    call.network(f"{call.program} opens a way in from outside.")
    call.note(Effect.BACKGROUND_SERVICE, f"{call.program} keeps a tunnel open.")
    return NOTHING


def _keys(call: Call) -> Source:
    """ssh-copy-id lets somebody in; ssh-add and ssh-keygen touch private keys."""
    options = call.options({"-i", "-p", "-o", "-F", "-f", "-t", "-b", "-C", "-N", "-P"})
    if call.program == "ssh-copy-id":
        call.note(Effect.PERSISTENCE, "It would let a key sign in on another machine.")
        for word in options.rest[:1]:
            _reach(call, word, host_of(word.text))
    elif call.program == "ssh-keygen" and options.has("-f") and not options.has("-R", "-l", "-F"):
        for value in options.values("-f"):
            call.read(value) if options.has("-y", "-e", "-p") else call.write(value)
    return PROGRAM_OUTPUT


def _sshpass(call: Call) -> Source | None:
    rest = call.options({"-p", "-f", "-d", "-P"}, is_posix=True).rest
    if rest:
        call.run_words(rest, call.stdin)
    return DOWNLOADED


PROGRAMS: Final[Mapping[str, Handler]] = {
    "ssh": _ssh, "autossh": _ssh, "mosh": _ssh, "sshpass": _sshpass, "scp": _scp, "rsync": _rsync, "sftp": _sftp,
    "nc": _nc, "ncat": _nc, "netcat": _nc, "nc.traditional": _nc, "nc.openbsd": _nc, "pwncat": _nc, "socat": _socat,
    "telnet": _telnet,
    "ftp": _ftp, "lftp": _ftp, "tftp": _ftp, "ncftpput": _ftp, "rclone": _rclone, "croc": _ftp, "wormhole": _ftp,
    "magic-wormhole": _ftp,
    **dict.fromkeys(["ngrok", "cloudflared", "localtunnel", "lt", "bore", "frpc", "chisel", "zrok"], _tunnel),
    **dict.fromkeys(["ssh-copy-id", "ssh-keygen", "ssh-add"], _keys),
}  # fmt: skip
