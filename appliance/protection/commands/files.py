"""Programs that read, write, move and delete files."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Origin, Source, Word, combined

Handler = Callable[[Call], Source | None]

_FILE: Final = frozenset([Origin.FILE])


def _rm(call: Call) -> Source:
    options = call.options()
    is_recursive = options.has("-r", "-R", "--recursive")
    for word in options.rest:
        call.delete(word, is_recursive=is_recursive)
    return NOTHING


def _rmdir(call: Call) -> Source:
    for word in call.options().rest:
        if word.is_known:
            for path in call.resolved(word):
                call.deletes.setdefault(path)
    return NOTHING


def _shred(call: Call) -> Source:
    for word in call.options({"-n", "-s", "--iterations", "--size", "--random-source"}).rest:
        call.delete(word, is_recursive=False)
        call.note(Effect.DESTRUCTIVE, f"{call.program} would overwrite {shown(word.text)} for good.")
    return NOTHING


def _trash(call: Call) -> Source:
    for word in call.options().rest:
        call.delete(word, is_recursive=True)
    return NOTHING


def _cp(call: Call) -> Source:
    options = call.options({"-t", "--target-directory", "-S", "--suffix"})
    target = options.value("-t", "--target-directory")
    sources = options.rest if target is not None else options.rest[:-1]
    target = target or (options.rest[-1] if len(options.rest) > 1 else None)
    is_recursive = options.has("-r", "-R", "-a", "--recursive", "--archive")
    call.read_all(sources, is_recursive=is_recursive)
    if target is not None:
        content = _content(call, sources[0]) if len(sources) == 1 else None
        call.write(target, content)
    return NOTHING


def _content(call: Call, word: Word) -> Source | None:
    """Give what a file holds, if the line itself wrote it."""
    return next((call.state.files[path] for path in call.resolved(word) if path in call.state.files), None)


def _mv(call: Call) -> Source:
    options = call.options({"-t", "--target-directory", "-S", "--suffix"})
    target = options.value("-t", "--target-directory")
    sources = options.rest if target is not None else options.rest[:-1]
    target = target or (options.rest[-1] if len(options.rest) > 1 else None)
    for word in sources:
        call.read(word)
        if not word.is_known:
            continue
        before = dict(call.effects)
        call.delete(word, is_recursive=True)
        # What is moved is not lost, unless it goes to nowhere or is a folder that must stay where it is.
        is_lost = target is not None and target.text == "/dev/null"
        if Effect.DELETES_ROOT not in call.effects and Effect.DESTRUCTIVE not in before and not is_lost:
            call.effects.pop(Effect.DESTRUCTIVE, None)
    if target is not None:
        call.write(target, _content(call, sources[0]) if len(sources) == 1 else None)
    return NOTHING


def _ln(call: Call) -> Source:
    options = call.options({"-t", "--target-directory", "-S", "--suffix"})
    call.read_all(options.rest[:-1] or options.rest)
    for word in options.rest[1:][-1:]:
        call.write(word)
        if options.has("-s", "--symbolic") and len(options.rest) == 2:  # noqa: PLR2004 - a target and a link
            link, target = call.resolved(word)[0], call.resolved(options.rest[0])[0]
            if link != target:
                call.state.links[link] = target
    return NOTHING


def _install(call: Call) -> Source:
    options = call.options({"-m", "-o", "-g", "-t", "-S", "--mode", "--owner", "--group", "--target-directory"})
    _note_mode(call, options.value("-m", "--mode"))
    if options.has("-d", "--directory"):
        return _write_all(call, options.rest)
    target = options.value("-t", "--target-directory")
    call.read_all(options.rest if target is not None else options.rest[:-1])
    return _write_all(call, [target] if target is not None else options.rest[-1:])


def _write_all(call: Call, words: list[Word]) -> Source:
    for word in words:
        call.write(word)
    return NOTHING


def _writer(valued: Collection[str] = ()) -> Handler:
    """Make a handler for programs that make or change the files they are given."""

    def handler(call: Call) -> Source:
        for word in call.options(valued).rest:
            call.write(word)
        return NOTHING

    return handler


def _mkdir(call: Call) -> Source:
    for word in call.options({"-m", "--mode"}).rest:
        if word.is_known:
            call.write(word)
    return NOTHING


def _tee(call: Call) -> Source:
    for word in call.options().rest:
        call.write(word, call.stdin)
    return call.stdin or PROGRAM_OUTPUT


def _reader(valued: Collection[str] = (), *, reveals: bool = True) -> Handler:
    """Make a handler for programs that show the files they are given, or tell something of them."""

    def handler(call: Call) -> Source | None:
        options = call.options(valued)
        call.read_all(options.rest, reveals=reveals)
        if options.rest or call.stdin is None:
            return Source(origins=_FILE)
        return Source(origins=call.stdin.origins)

    return handler


def _cat(call: Call) -> Source:
    words = call.options().rest
    call.read_all(words)
    if not words or words[0].text == "-":
        return call.stdin or Source()
    return combined([_read_content(call, word) for word in words])


def _read_content(call: Call, word: Word) -> Source:
    if word.source is not None and word.text.startswith("/dev/fd/"):
        return word.source
    if word.text in {"-", "/dev/stdin"}:
        return call.stdin or Source()
    return _content(call, word) or Source(origins=_FILE)


def _ls(call: Call) -> Source:
    options = call.options({"-I", "-w", "-T", "--ignore", "--width", "--color", "--sort", "--time"})
    call.read_all(options.rest, reveals=False)
    known = [word for word in options.rest if word.is_known]
    if len(known) < len(options.rest) or options.has("-l"):
        return Source(origins=_FILE)
    names = [word if word.is_glob else Word(word.text.rstrip("/") + "/*", is_glob=True) for word in known]
    return Source(origins=_FILE, items=tuple(names) or (Word("*", is_glob=True),))


def _dd(call: Call) -> Source:
    for word in call.args:
        name, equals, value = word.text.partition("=")
        if equals and name == "if":
            call.read(word._replace(text=value))
        elif equals and name == "of":
            call.write(word._replace(text=value))
    return Source(origins=_FILE)


def _chmod(call: Call) -> Source:
    options = call.options({"--reference"})
    words = options.rest if options.has("--reference") else options.rest[1:]
    mode = options.rest[0] if options.rest and not options.has("--reference") else None
    _note_mode(call, mode)
    _change_rights(call, words, is_recursive=options.has("-R", "--recursive"))
    return NOTHING


def _note_mode(call: Call, mode: Word | None) -> None:
    if mode is None:
        return
    text = mode.text
    is_octal = text.isdigit() and len(text) >= 4 and text[-4] in "4567" and text[-4] != "1"  # noqa: PLR2004
    if is_octal or ("s" in text and text[:1] in "ugoa+," and "+" in text):
        call.note(Effect.PRIVILEGED, "It would let a program run with its owner's rights (set-user-ID).")


def _change_rights(call: Call, words: list[Word], *, is_recursive: bool) -> None:
    for word in words:
        call.write(word)
        if not is_recursive:
            continue
        if not word.is_known:
            call.unclear()
        if word.text.rstrip("/*") in {
            "",
            "~",
            "/etc",
            "/usr",
            "/var",
            "/home",
            "/bin",
            "/lib",
            "/boot",
            "/opt",
            "/root",
        }:
            call.note(Effect.DESTRUCTIVE, f"It would change the rights of everything in {shown(word.text)}.")


def _chown(call: Call) -> Source:
    options = call.options({"--reference", "--from"})
    words = options.rest if options.has("--reference") else options.rest[1:]
    _change_rights(call, words, is_recursive=options.has("-R", "--recursive"))
    return NOTHING


def _truncate(call: Call) -> Source:
    for word in call.options({"-s", "-r", "--size", "--reference"}).rest:
        call.write(word)
    return NOTHING


def _mkfifo(call: Call) -> Source:
    for word in call.options({"-m", "--mode"}).rest:
        call.write(word, PROGRAM_OUTPUT)
    return NOTHING


def _sed(call: Call) -> Source | None:
    options = call.options({"-e", "-f", "-l", "--expression", "--file", "--line-length"})
    scripts = options.values("-e", "--expression")
    words = options.rest
    if not scripts and not options.has("-f", "--file"):
        scripts, words = words[:1], words[1:]
    call.read_all(options.values("-f", "--file"))
    for script in scripts:
        _judge_sed(call, script)
    is_in_place = options.has("-i", "--in-place")
    for word in words:
        if is_in_place:
            call.write(word)
        else:
            call.read(word)
    return Source(origins=_FILE) if words else None


def _judge_sed(call: Call, script: Word) -> None:
    """See whether a sed script runs commands (`e`) or writes files (`w`)."""
    text = script.text.strip()
    last = text[text.rfind("/") + 1 :] if text[:1] == "s" and "/" in text else ""
    if (
        text.startswith(("e ", "1e "))
        or text == "e"
        or (last and set(last) <= set("gpiIemM0123456789") and "e" in last)
    ):
        call.unclear()
        call.note(Effect.RUNS_CODE, "The sed script runs commands.")
    name = text.rpartition("w ")[2] if (last.startswith(("w ", "gw ")) or text[:2] == "w ") else ""
    if name:
        call.write(script._replace(text=name.strip()))


def _mkfs(call: Call) -> Source:
    options = call.options({"-t", "-L", "-U", "-b", "-O", "-E", "-m", "-N", "-i", "-I", "-F", "-n", "-s", "-S"})
    call.note(Effect.DESTRUCTIVE, f"{call.program} would format or repartition a disk.")
    for word in options.rest[:1]:
        call.write(word)
    return NOTHING


def _sort(call: Call) -> Source | None:
    options = call.options({"-k", "-t", "-o", "-S", "-T", "--key", "--field-separator", "--output", "--parallel"})
    call.read_all(options.rest)
    for word in options.values("-o", "--output"):
        call.write(word)
    if call.stdin is not None and not options.rest:
        return Source(origins=call.stdin.origins, items=call.stdin.items)
    return Source(origins=_FILE)


PROGRAMS: Final[Mapping[str, Handler]] = {
    "rm": _rm, "unlink": _rm, "grm": _rm, "rmdir": _rmdir, "shred": _shred, "srm": _shred, "wipe": _shred,
    "scrub": _shred,
    "trash": _trash, "rimraf": _trash, "del": _trash, "cp": _cp, "gcp": _cp, "mv": _mv, "gmv": _mv, "ln": _ln,
    "install": _install, "touch": _writer({"-d", "-r", "-t", "--date", "--reference"}), "mkdir": _mkdir, "tee": _tee,
    "sponge": _tee, "cat": _cat, "tac": _reader(),
    "bat": _reader({"-l", "--language", "-r", "--line-range", "--style"}),
    "head": _reader({"-n", "-c", "--lines", "--bytes"}),
    "tail": _reader({"-n", "-c", "--lines", "--bytes", "--pid", "-s"}),
    "less": _reader({"-p", "-t", "-x", "-o"}), "more": _reader(), "most": _reader(),
    "nl": _reader({"-b", "-w", "-s", "-v"}),
    "od": _reader({"-A", "-t", "-N", "-j", "-w"}), "hexdump": _reader({"-n", "-s", "-e", "-f"}), "hd": _reader(),
    "strings": _reader({"-n", "-t", "-e"}), "cut": _reader({"-d", "-f", "-c", "-b", "--delimiter", "--fields"}),
    "paste": _reader({"-d"}), "fold": _reader({"-w"}), "fmt": _reader({"-w"}), "column": _reader({"-t", "-s"}),
    "uniq": _reader({"-f", "-s", "-w"}), "comm": _reader(), "join": _reader({"-t", "-1", "-2", "-o"}),
    "expand": _reader({"-t"}),
    "diff": _reader({"-U", "-C", "--label", "-x", "-I"}), "sdiff": _reader(), "vimdiff": _reader(),
    "colordiff": _reader(),
    "cmp": _reader(), "look": _reader(), "split": _reader({"-b", "-l", "-n", "-a", "-C"}), "csplit": _reader(),
    "iconv": _reader({"-f", "-t", "-o"}), "pr": _reader(), "zless": _reader(), "view": _reader(), "batcat": _reader(),
    "wc": _reader(reveals=False), "stat": _reader({"-c", "-f", "--format", "--printf"}, reveals=False),
    "file": _reader(reveals=False),
    "md5sum": _reader(reveals=False), "sha1sum": _reader(reveals=False), "sha256sum": _reader(reveals=False),
    "sha512sum": _reader(reveals=False), "shasum": _reader({"-a"}, reveals=False), "cksum": _reader(reveals=False),
    "du": _reader({"-d", "--max-depth", "--exclude", "-t"}, reveals=False),
    "tree": _reader({"-L", "-I", "-P"}, reveals=False),
    "ls": _ls, "dir": _ls, "ll": _ls, "exa": _ls, "eza": _ls, "dd": _dd, "chmod": _chmod, "chown": _chown,
    "chgrp": _chown,
    "chattr": _chown, "setfacl": _chown, "truncate": _truncate, "fallocate": _truncate, "mkfifo": _mkfifo,
    "mknod": _mkfifo,
    "sed": _sed, "gsed": _sed, "sort": _sort, "patch": _writer({"-p", "-i", "-d", "-o"}),
    "vi": _writer({"-c"}), "vim": _writer({"-c"}), "nvim": _writer({"-c"}), "nano": _writer(), "emacs": _writer(),
    **dict.fromkeys(
        [
            "mkfs", "mkswap", "wipefs", "fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "parted", "blkdiscard",
            "mke2fs",
            "newfs", "hdparm", "pvremove", "vgremove", "lvremove", "zpool", "cryptsetup", "diskpart", "mkfs.ext4",
            "mkfs.xfs",
            "mkfs.ext2", "mkfs.ext3", "mkfs.btrfs", "mkfs.vfat", "mkfs.fat", "mkfs.ntfs",
        ],
        _mkfs,
    ),
}  # fmt: skip
