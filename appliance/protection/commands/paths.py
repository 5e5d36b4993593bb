"""Paths as text: made absolute, folded, and compared with patterns."""

import posixpath
from fnmatch import fnmatchcase
from typing import Final

_HOME_MARK: Final = "/home/\0"
_ALIASES: Final = ("/private/etc", "/private/var", "/private/tmp")
_MOST_HOME_PARTS: Final = 3


def resolve(path: str, directory: str) -> str:
    """Make a path absolute and plain; `~` stays at its start, and so does a relative path where nothing is known."""
    if "\\" in path and path[1:2] == ":":
        path = path.replace("\\", "/")
    if not path:
        return path
    if path[0] == "~":
        return _folded(posixpath.normpath(_HOME_MARK + path[1:]) if path[1:2] in {"", "/"} else path)
    if path[0] != "/" and path[1:3] != ":/":
        if not directory:
            return posixpath.normpath(path)
        return resolve(f"{directory}/{path}" if directory != "/" else "/" + path, "")
    plain = posixpath.normpath(path)
    plain = plain[1:] if plain[:2] == "//" else plain
    if plain.startswith("/p"):
        plain = _real(plain)
    return plain


def _folded(path: str) -> str:
    return "~" + path[len(_HOME_MARK) :] if path.startswith(_HOME_MARK) else path


def _real(path: str) -> str:
    """Take away the detours of /proc and macOS: `/proc/self/root/etc` is `/etc`."""
    parts = path.split("/")
    if parts[1] == "proc" and len(parts) > 3 and parts[3] in {"root", "cwd"}:  # noqa: PLR2004 - /proc/PID/root
        return resolve("/" + "/".join(parts[4:]), "") if parts[3] == "root" else path
    if path.startswith(_ALIASES):
        return path.removeprefix("/private")
    return path


def in_home(path: str) -> str:
    """Write a path in anybody's home folder with `~`; others stay."""
    if path.startswith(("/home/", "/Users/")):
        parts = path.split("/", _MOST_HOME_PARTS)
        if parts[2] and not is_pattern(parts[2]):
            return "/".join(["~", *parts[3:]])
    if path.startswith("/root") and path[5:6] in {"", "/"}:
        return "~" + path[5:]
    if path[1:3] == ":/" and path[3:9].lower() == "users/":
        return "/".join(["~", *path.split("/", 3)[3:]])
    return path


def is_pattern(text: str) -> bool:
    """Tell whether a text holds wildcards."""
    return "*" in text or "?" in text or "[" in text


def may_match(path: str, pattern: str) -> bool:
    """Tell whether a path of the command, which may be a glob, can mean one of a policy's places.

    Both may hold wildcards; then it is true if either matches the other.
    """
    if is_pattern(path):
        return fnmatchcase(pattern, path) or fnmatchcase(path, pattern)
    return path == pattern or (is_pattern(pattern) and fnmatchcase(path, pattern))


def is_below(path: str, directory: str) -> bool:
    """Tell whether a path is a directory or lies in it."""
    return path == directory or path.startswith(directory if directory.endswith("/") else directory + "/")
