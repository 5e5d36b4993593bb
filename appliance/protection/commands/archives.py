"""Programs that pack, unpack, encode and decode."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.words import NO_ORIGINS, NOTHING, Origin, Source

Handler = Callable[[Call], Source | None]

_FILE: Final = frozenset([Origin.FILE])
_DECODED: Final = frozenset([Origin.DECODED])


def _tar(call: Call) -> Source | None:
    words = call.args
    if words and words[0].text[:1] != "-" and words[0].text.isalpha():
        words = [words[0]._replace(text="-" + words[0].text), *words[1:]]
    call.args = words
    options = call.options(
        {
            "-f",
            "-C",
            "-T",
            "-X",
            "--file",
            "--directory",
            "--exclude",
            "-I",
            "--to-command",
            "--checkpoint-action",
            "-g",
        }
    )
    for value in options.values("--to-command", "--checkpoint-action", "-I"):
        code = value.text.removeprefix("exec=")
        if value.text.startswith("exec=") or "--to-command" in {name for name, _ in options.given}:
            call.run_text(code)
    files = [word for word in options.values("-f", "--file") if word.text != "-"]
    if options.has("-c", "-r", "-u", "--create", "--append", "--update"):
        call.read_all(options.rest, is_recursive=True)
        for word in files:
            call.write(word)
        return Source(origins=_FILE)
    call.read_all(files, reveals=False)
    for word in options.values("-C", "--directory"):
        if not options.has("-t", "--list"):
            call.write(word)
    return (
        Source(origins=(call.stdin.origins if call.stdin else NO_ORIGINS) | _FILE)
        if options.has("-O", "--to-stdout")
        else NOTHING
    )


def _zip(call: Call) -> Source | None:
    options = call.options({"-x", "-i", "-P", "-b", "-t", "-n", "-T"})
    for word in options.rest[:1]:
        if word.text != "-":
            call.write(word)
    call.read_all(options.rest[1:], is_recursive=options.has("-r", "--recurse-paths"))
    return Source(origins=_FILE)


def _unzip(call: Call) -> Source | None:
    options = call.options({"-d", "-x", "-P"})
    call.read_all(options.rest[:1], reveals=False)
    for word in options.values("-d"):
        call.write(word)
    return Source(origins=_FILE)


def _seven_zip(call: Call) -> Source | None:
    words = [word for word in call.args[1:] if word.text[:1] != "-"]
    if call.args and call.args[0].text in {"a", "u"}:
        for word in words[:1]:
            call.write(word)
        call.read_all(words[1:], is_recursive=True)
    return Source(origins=_FILE)


def _base64(call: Call) -> Source | None:
    options = call.options({"-w", "-b", "-i", "-o", "--wrap"})
    call.read_all(options.rest)
    decodes = options.has("-d", "-D", "--decode")
    text = call.stdin.text if call.stdin is not None and call.stdin.is_exact and not options.rest else None
    before = call.stdin.origins if call.stdin is not None and not options.rest else _FILE
    if not decodes:
        if text is None:
            return Source(origins=before)
        encoded = base64.b64encode(text.encode("utf-8", "replace")).decode() if call.program == "base64" else None
        return Source(text=encoded, origins=before)
    decoded = _decoded(text, call.program) if text is not None else None
    return Source(text=decoded, origins=before | _DECODED)


def _decoded(text: str, program: str) -> str | None:
    data = "".join(text.split())
    try:
        raw = base64.b32decode(data) if program == "base32" else base64.b64decode(data + "=" * (-len(data) % 4))
        return raw.decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _xxd(call: Call) -> Source | None:
    options = call.options({"-c", "-g", "-l", "-s", "-o"})
    call.read_all(options.rest[:1])
    before = call.stdin.origins if call.stdin is not None else _FILE
    if not options.has("-r"):
        return Source(origins=before)
    text = call.stdin.text if call.stdin is not None and call.stdin.is_exact else None
    decoded = None
    if text is not None and options.has("-p"):
        try:
            decoded = bytes.fromhex("".join(text.split())).decode("utf-8")
        except ValueError:
            decoded = None
    return Source(text=decoded, origins=before | _DECODED)


def _reversed(call: Call) -> Source | None:
    text = call.stdin.text if call.stdin is not None and call.stdin.is_exact else None
    call.read_all(call.options().rest)
    before = call.stdin.origins if call.stdin is not None else _FILE
    return Source(
        text="\n".join(line[::-1] for line in text.split("\n")) if text is not None else None, origins=before | _DECODED
    )


def _tr(call: Call) -> Source | None:
    before = call.stdin.origins if call.stdin is not None else NO_ORIGINS
    words = [word.text for word in call.args]
    changes = any(word in {"a-z", "A-Z", "a-zA-Z", "A-Za-z", "[a-z]"} for word in words[:1]) and words[-1:] not in (
        ["A-Z"],
        ["a-z"],
        ["[A-Z]"],
    )
    return Source(origins=before | (_DECODED if changes else NO_ORIGINS))


def _decompress(call: Call) -> Source | None:
    options = call.options({"-S", "-o", "-T", "-b"})
    call.read_all(options.rest, reveals=False)
    before = call.stdin.origins if call.stdin is not None else NO_ORIGINS
    unpacks = call.program in _UNPACKING or options.has("-d", "--decompress", "--uncompress")
    return Source(origins=before | (_DECODED if unpacks else _FILE))


_UNPACKING: Final = frozenset(
    [
        "gunzip",
        "zcat",
        "bunzip2",
        "bzcat",
        "unxz",
        "xzcat",
        "unzstd",
        "zstdcat",
        "uncompress",
        "gzcat",
        "lzcat",
        "unlzma",
    ]
)


def _openssl(call: Call) -> Source | None:
    words = [word.text for word in call.args]
    verb = words[0] if words else ""
    before = call.stdin.origins if call.stdin is not None else NO_ORIGINS
    for position, word in enumerate(call.args[:-1]):
        if word.text in {"-in", "-key", "-inkey", "-CAkey"}:
            call.read(call.args[position + 1])
        elif word.text in {"-out", "-keyout"}:
            call.write(call.args[position + 1])
        elif word.text in {"-connect", "-host"} and verb == "s_client":
            call.host(call.args[position + 1].text.rpartition(":")[0] or call.args[position + 1].text)
            call.network()
            before |= {Origin.DOWNLOAD}
    if "-d" in words and verb in {"enc", "base64", "aes-256-cbc", "aes-128-cbc", "rsautl"}:
        text = call.stdin.text if call.stdin is not None and call.stdin.is_exact and "-in" not in words else None
        plain = verb == "base64" or "-base64" in words or "-a" in words
        return Source(text=_decoded(text, "base64") if text is not None and plain else None, origins=before | _DECODED)
    return Source(origins=before | {Origin.PROGRAM})


def _gpg(call: Call) -> Source | None:
    words = [word.text for word in call.args]
    if any(word.startswith(("--export-secret", "--export-secret-keys", "--export-secret-subkeys")) for word in words):
        call.note(Effect.CREDENTIAL_READ, "It would export private keys.")
    files = list(call.options({"-o", "--output", "-r", "--recipient", "-u", "--local-user", "--passphrase-file"}).rest)
    call.read_all(files)
    decodes = any(word in {"-d", "--decrypt"} for word in words)
    return Source(origins=_DECODED if decodes else _FILE)


def _uudecode(call: Call) -> Source | None:
    call.read_all(call.options({"-o"}).rest)
    return Source(origins=_DECODED)


PROGRAMS: Final[Mapping[str, Handler]] = {
    "tar": _tar, "gtar": _tar, "bsdtar": _tar, "zip": _zip, "unzip": _unzip, "7z": _seven_zip, "7za": _seven_zip,
    "7zz": _seven_zip,
    "rar": _seven_zip, "base64": _base64, "gbase64": _base64, "base32": _base64, "basenc": _base64, "xxd": _xxd,
    "rev": _reversed,
    "tr": _tr, "openssl": _openssl, "gpg": _gpg, "gpg2": _gpg, "uudecode": _uudecode, "cpio": _zip,
    **dict.fromkeys(_UNPACKING, _decompress),
    **dict.fromkeys(["gzip", "bzip2", "xz", "zstd", "lz4", "brotli", "pigz", "compress"], _decompress),
}  # fmt: skip
