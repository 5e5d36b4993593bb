"""Programs that fetch from and send to web addresses."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.environment import is_secret_name
from appliance.protection.commands.hosts import host_of, is_local, is_metadata
from appliance.protection.commands.options import Options
from appliance.protection.commands.production import is_production
from appliance.protection.commands.words import DOWNLOADED, NOTHING, Origin, Source, Word

Handler = Callable[[Call], Source | None]

_CURL: Final = {
    "-A", "-b", "-c", "-C", "-d", "-D", "-e", "-E", "-F", "-h", "-H", "-K", "-m", "-o", "-P", "-Q", "-r", "-t", "-T",
    "-u", "-U",
    "-w", "-x", "-X", "-y", "-Y", "-z", "--data", "--data-ascii", "--data-binary", "--data-raw", "--data-urlencode",
    "--json",
    "--form", "--form-string", "--header", "--output", "--output-dir", "--request", "--url", "--upload-file",
    "--user", "--user-agent",
    "--cookie", "--cookie-jar", "--cacert", "--capath", "--cert", "--key", "--config", "--connect-timeout",
    "--max-time",
    "--proxy", "--referer", "--resolve", "--retry", "--retry-delay", "--write-out", "--range", "--interface",
    "--limit-rate",
    "--max-redirs", "--netrc-file", "--oauth2-bearer", "--pass", "--proxy-user", "--socks5", "--socks5-hostname",
    "--unix-socket",
    "--url-query", "--variable", "--expand-url", "--expand-data", "--aws-sigv4", "--connect-to", "--dns-servers",
    "--retry-max-time",
    "--ciphers", "--tls-max", "--trace", "--trace-ascii", "--dump-header", "--etag-save", "--etag-compare",
    "--time-cond",
}  # fmt: skip
_CURL_DATA: Final = ("-d", "--data", "--data-ascii", "--data-binary", "--data-urlencode", "--json", "--expand-data")
_CURL_FORM: Final = ("-F", "--form")
_WGET: Final = {
    "-O", "-o", "-a", "-P", "-t", "-T", "-Q", "-U", "-e", "-i", "-B", "-A", "-R", "-D", "-l", "-w", "-I", "-X",
    "--output-document",
    "--directory-prefix", "--post-data", "--post-file", "--body-data", "--body-file", "--method", "--header",
    "--user", "--password",
    "--user-agent", "--tries", "--timeout", "--load-cookies", "--save-cookies", "--input-file", "--output-file",
    "--referer", "--certificate",
    "--private-key", "--ca-certificate", "--level", "--limit-rate", "--wait",
}  # fmt: skip
_AUTHENTICATING: Final = (
    "authorization:",
    "x-api-key:",
    "private-token:",
    "x-auth-token:",
    "api-key:",
    "x-vault-token:",
    "x-figma-token:",
    "job-token:",
)
_CHANGING: Final = frozenset(["POST", "PUT", "PATCH", "DELETE"])
_METHODS: Final = frozenset(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])


def reach(call: Call, words: list[Word]) -> list[str]:
    """Record the hosts of addresses, and what their names or changing parts mean; give the hosts."""
    hosts = []
    for word in words:
        host = host_of(word.text)
        if word.text.lower().startswith("file://"):
            call.read(word._replace(text=word.text[7:]))
            continue
        if not word.is_known and (not host or "$" in host or "`" in host):
            call.unclear()
        hosts.append(host)
        call.host(host)
        if is_metadata(host):
            call.note(Effect.CREDENTIAL_READ, f"{shown(host)} hands out the machine's own credentials.")
        if is_production(host):
            call.note(Effect.PRODUCTION_CONTEXT, f"It would reach {shown(host)}.")
        _judge_sent(call, word, host, "in the address")
    if hosts:
        call.network(f"{call.program} talks to {shown(', '.join(dict.fromkeys(hosts)))}.")
    return hosts


def _judge_sent(call: Call, word: Word, host: str, where: str) -> None:
    """See whether what goes to a host holds output of programs or secret variables."""
    if is_local(host):
        return
    secret = next((name for name in word.variables if is_secret_name(name)), None)
    if secret is not None:
        send(call, f"It would send the variable {shown(secret)} {where}.", host)
    elif word.origins & {Origin.PROGRAM, Origin.FILE}:
        send(call, f"It would send what other programs write {where}: {shown(word.text)}.", host)


def send(call: Call, why: str, host: str = "") -> None:
    """Record that content of this machine goes to a host."""
    call.note(Effect.UPLOADS, f"{call.program} would send data to {shown(host) or 'a host'}.")
    if not host or not is_local(host):
        call.note(Effect.EXFILTRATION, why)


def _uploads(call: Call, hosts: list[str]) -> None:
    if not hosts or not all(is_local(host) for host in hosts):
        call.note(Effect.UPLOADS, f"{call.program} would send data to {shown(', '.join(hosts)) or 'a host'}.")


def _curl(call: Call) -> Source:
    options = call.options(_CURL)
    hosts = reach(call, [*options.values("--url", "--expand-url"), *options.rest])
    host = hosts[0] if hosts else ""
    for names, marks in ((_CURL_DATA, "@"), (("--data-raw", "--form-string"), ""), (_CURL_FORM, "@<")):
        for value in options.values(*names):
            _judge_body(call, value, host, marks)
    for value in options.values("-T", "--upload-file"):
        _judge_file(call, value, host)
    _judge_headers(call, options.values("-H", "--header"), host)
    if any(value.text.upper() in _CHANGING for value in options.values("-X", "--request")):
        _uploads(call, hosts)
    secrets = options.values("--netrc-file", "--key", "-b", "--cookie", "-E", "--cert")
    if options.has("-n", "--netrc", "--netrc-optional"):
        secrets.append(Word("~/.netrc"))
    _judge_curl_files(call, options.values("-K", "--config"), secrets)
    _judge_curl_way(call, options)
    outputs = options.values("-o", "--output", "-c", "--cookie-jar", "-D", "--dump-header")
    if options.has("-O", "--remote-name", "--remote-name-all"):
        outputs += [_file_of(word) for word in options.rest]
    for value in outputs:
        if value.text != "-":
            call.write(value, DOWNLOADED)
    return DOWNLOADED


def _judge_curl_way(call: Call, options: Options) -> None:
    """Judge what stands between curl and the host."""
    if any(value.text.endswith("docker.sock") for value in options.values("--unix-socket", "--abstract-unix-socket")):
        call.note(Effect.PRIVILEGED, "The container service has the rights of the machine.")
    for value in options.values("-x", "--proxy", "--socks5", "--socks5-hostname"):
        call.host(host_of(value.text))


def _judge_headers(call: Call, headers: list[Word], host: str) -> None:
    for header in headers:
        if header.text[:1] == "@":
            _judge_file(call, header._replace(text=header.text[1:]), host)
        elif not header.text.lower().startswith(_AUTHENTICATING):
            # A token that signs in is meant for the host; anything else may be smuggled out.
            _judge_sent(call, header, host, "in a header")


def _judge_curl_files(call: Call, configurations: list[Word], secrets: list[Word]) -> None:
    for value in configurations:
        call.read(value)
        call.unclear()
    for value in secrets:
        if "=" not in value.text:
            call.read(value, reveals=False)


def _file_of(word: Word) -> Word:
    name = word.text.split("?", 1)[0].rstrip("/").rpartition("/")[2]
    return word._replace(text=name or "index.html")


def _judge_body(call: Call, value: Word, host: str, marks: str) -> None:
    """Judge the body of a request, which may name files (`@file`, `name=@file`)."""
    text = value.text
    _uploads(call, [host])
    place = next((position for position, letter in enumerate(text[:256]) if letter in marks), -1)
    is_file = place == 0 or (
        place > 0
        and (
            text[place - 1] == "="
            or (marks == "@" and "=" not in text[:place] and call.program == "curl" and _is_name(text[:place]))
        )
    )
    if is_file:
        _judge_file(call, value._replace(text=text[place + 1 :].partition(";")[0]), host)
    else:
        _judge_sent(call, value, host, "in the body")


def _is_name(text: str) -> bool:
    return text.isidentifier()


def _judge_file(call: Call, word: Word, host: str) -> None:
    _uploads(call, [host])
    if word.text in {"-", ".", "/dev/stdin"}:
        _judge_stdin(call, host)
        return
    call.read(word)
    if word.source is None or word.source.text is None:
        send(call, f"It would send the file {shown(word.text)}.", host)


def _judge_stdin(call: Call, host: str) -> None:
    """Judge sending what another command writes; text that stands in the line itself is no secret of the machine."""
    source = call.stdin
    if source is None or (source.text is not None and source.is_exact and not source.origins & {Origin.FILE}):
        return
    send(call, "It would send what another command writes.", host)


def _wget(call: Call) -> Source:
    options = call.options(_WGET)
    hosts = reach(call, options.rest)
    host = hosts[0] if hosts else ""
    for value in options.values("--post-file", "--body-file"):
        _judge_file(call, value, host)
    for value in options.values("--post-data", "--body-data"):
        _judge_body(call, value, host, marks="")
    _judge_headers(call, options.values("--header"), host)
    call.read_all(options.values("-i", "--input-file"))
    target = options.value("-O", "--output-document")
    if target is None:
        folder = options.value("-P", "--directory-prefix")
        for word in options.rest:
            name = _file_of(word)
            call.write(name if folder is None else name._replace(text=f"{folder.text}/{name.text}"), DOWNLOADED)
        return NOTHING
    if target.text != "-":
        call.write(target, DOWNLOADED)
    return DOWNLOADED


def _httpie(call: Call) -> Source:
    options = call.options(
        {
            "-o",
            "--output",
            "-a",
            "--auth",
            "--session",
            "-A",
            "--auth-type",
            "--verify",
            "--cert",
            "--timeout",
            "--proxy",
        }
    )
    words = options.rest
    if words and words[0].text.upper() in _METHODS:
        words = words[1:]
    hosts = reach(call, words[:1])
    host = hosts[0] if hosts else ""
    for word in words[1:]:
        if "@" in word.text and "=" not in word.text.partition("@")[0]:
            _judge_file(call, word._replace(text=word.text.partition("@")[2]), host)
        elif ":" not in word.text.partition("=")[0]:
            _judge_body(call, word, host, marks="@")
    if call.stdin is not None and call.stdin is not NOTHING:
        _judge_stdin(call, host)
    for value in options.values("-o", "--output"):
        call.write(value, DOWNLOADED)
    return DOWNLOADED


def _fetcher(call: Call) -> Source:
    """Judge other programs that fetch: aria2c, axel, lynx, links, w3m."""
    options = call.options({"-o", "-d", "-x", "-s", "--out", "--dir"})
    reach(call, options.rest)
    for value in options.values("-o", "--out"):
        call.write(value, DOWNLOADED)
    for word in options.rest if call.program in {"aria2c", "axel"} else []:
        call.write(_file_of(word), DOWNLOADED)
    return DOWNLOADED


def _lookup(call: Call) -> Source:
    """Judge ping, dig and the like, whose host name alone can carry data out."""
    words = [word for word in call.args if word.text[:1] not in {"-", "+", "@"}]
    names = [word for word in words if word.text.upper() not in {"A", "AAAA", "TXT", "MX", "NS", "ANY", "CNAME", "SOA"}]
    for word in names[-1:] if call.program.startswith("ping") else names[:2]:
        call.host(host_of(word.text))
        _judge_sent(call, word, "", "in a host name")
    call.network()
    return Source(origins=frozenset([Origin.DOWNLOAD])) if call.program in {"dig", "nslookup", "host"} else Source()


def _mail(call: Call) -> Source:
    options = call.options({"-s", "-a", "-A", "-c", "-b", "-r", "-f", "-S", "-t"})
    for value in options.values("-a", "-A"):
        call.read(value)
    for word in options.rest:
        call.host(word.text.rpartition("@")[2] if "@" in word.text else "")
    call.network("It would send a mail.")
    send(call, "It would send a mail with what it reads.")
    return NOTHING


PROGRAMS: Final[Mapping[str, Handler]] = {
    "curl": _curl, "wget": _wget, "wget2": _wget, **dict.fromkeys(["http", "https", "xh", "xhs", "httpie"], _httpie),
    **dict.fromkeys(["aria2c", "axel", "lynx", "links", "w3m", "elinks", "youtube-dl", "yt-dlp", "fetch"], _fetcher),
    **dict.fromkeys(["ping", "ping6", "dig", "nslookup", "host", "traceroute", "mtr", "whois", "drill"], _lookup),
    **dict.fromkeys(["mail", "mailx", "mutt", "sendmail", "msmtp", "swaks", "s-nail"], _mail),
}  # fmt: skip
