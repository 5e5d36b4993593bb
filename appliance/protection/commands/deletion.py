"""How bad it is to delete something: a pure judgement of one resolved path."""

from fnmatch import fnmatchcase
from typing import Final

from appliance.protection.commands.effects import Effect
from appliance.protection.commands.paths import in_home, is_below, resolve

_ROOTS: Final = frozenset([
    "/", "~", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/opt", "/proc",
    "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/var", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local",
    "/usr/local/bin", "/usr/local/lib", "/usr/sbin", "/usr/share", "/var/lib", "/var/log", "/var/www", "/etc/ssl",
    "/system", "/library", "/users", "/applications", "/volumes", "/private", "/private/etc", "/private/var", "/cores",
    "/nix", "/snap", "/data", "~/documents", "~/desktop", "~/library", "c:", "c:/", "c:/windows", "c:/users",
    "c:/program files", "/mnt/c", "/mnt/c/windows", "/mnt/c/users",
])  # fmt: skip
_TEMPORARY: Final = ("/tmp", "/var/tmp", "/dev/shm", "/var/folders", "/private/var/folders")  # noqa: S108 - compared, not used
_CACHES: Final = (
    "~/.cache",
    "~/.npm/_cacache",
    "~/.npm/_npx",
    "~/library/caches",
    "~/.gradle/caches",
    "~/.pytest_cache",
)
# Folders that are made again by building, testing or installing.
_MADE_AGAIN: Final = frozenset([
    "node_modules", "bower_components", "dist", "build", "out", "output", "target", "bin", "obj", "tmp", "temp", ".tmp",
    ".venv", "venv", ".virtualenv", "env", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox",
    ".hypothesis", ".eggs", "htmlcov", "coverage", ".coverage", ".nyc_output", ".next", ".nuxt", ".svelte-kit",
    ".output",
    ".turbo", ".parcel-cache", ".cache", ".vite", ".angular", ".gradle", ".terraform", ".serverless", ".aws-sam",
    "cdk.out", "_build", "deriveddata", "pods", "logs", "log", "test-results", "playwright-report", "storybook-static",
    ".ipynb_checkpoints", "site", "_site", ".docusaurus", ".expo", "cmakefiles", "cmake-build-debug", "zig-cache",
    "zig-out", ".zig-cache", "elm-stuff", "_cacache", ".dart_tool", ".bundle", "releases", "wheelhouse", ".stack-work",
    "dist-newstyle", ".scannerwork", "reports", "artifacts", ".state", "generated", "gen", "scratch", "sandbox",
])  # fmt: skip
_MADE_AGAIN_ENDINGS: Final = (
    ".egg-info",
    ".dist-info",
    "-cache",
    "_cache",
    ".tmp",
    ".log",
    ".pyc",
    ".o",
    ".bak",
    "-tmp",
    "_tmp",
)
_MADE_AGAIN_STARTS: Final = ("tmp-", "tmp_", "tmp.", "temp-", "temp_", "dist-", "build-", "cmake-build-", ".tmp")
_WHOLE: Final = ("/*", "/.*", "/**", "/.", "/{*,.*}", "/.[!.]*", "/?*")

Judgement = tuple[Effect, str]


def judge_deletion(path: str, project: str, *, is_recursive: bool) -> Judgement | None:
    """Judge deleting a resolved path; `project` is the agent's working directory, empty if unknown."""
    base, is_whole = _base(path)
    folded = in_home(base).lower()
    if _is_root(folded) and (is_recursive or is_whole):
        if not is_recursive:
            return Effect.DESTRUCTIVE, f"It would delete every file in {base}."
        return Effect.DELETES_ROOT, f"It would delete {path} with everything in it."
    if _is_absolute(folded):
        if not project or not is_below(base, project):
            is_lost = not _is_temporary(folded)
            return (Effect.DESTRUCTIVE, f"It would delete {path}, which is outside the project.") if is_lost else None
        base = base[len(project) :].lstrip("/")
    return _judge_inside(base, path, is_recursive=is_recursive, is_whole=is_whole)


def _judge_inside(relative: str, path: str, *, is_recursive: bool, is_whole: bool) -> Judgement | None:
    """Judge deleting something below the project; `relative` is empty for the project itself."""
    parts = relative.lower().split("/")
    if parts[0] == "..":
        return Effect.DESTRUCTIVE, f"It would delete {path}, which is outside the project."
    if parts in ([""], ["."]):
        return Effect.DESTRUCTIVE, f"It would delete {path}, the whole project."
    if ".git" in parts:
        is_lock = parts[-1].endswith(".lock")
        return None if is_lock else (Effect.DESTRUCTIVE, f"It would delete {path}, where the history is kept.")
    if any(_is_made_again(part) for part in parts) or not (is_recursive or is_whole):
        return None
    return Effect.DESTRUCTIVE, f"It would delete {path} with everything in it."


def _base(path: str) -> tuple[str, bool]:
    """Take a pattern for everything off the end; tell whether there was one."""
    is_whole = False
    while path.endswith(_WHOLE) or path in {"*", ".*", "**"}:
        is_whole = True
        path = path.rsplit("/", 1)[0] if "/" in path else "."
        path = path or "/"
        if path == "/":
            break
    return (resolve(path, "") if path[-2:-1] == "/" else path), is_whole


def _is_root(folded: str) -> bool:
    if folded in _ROOTS:
        return True
    if _is_absolute(folded) and any(character in folded for character in "*?["):
        depth = folded.count("/")
        return any(root.count("/") == depth and root != "/" and fnmatchcase(root, folded) for root in _ROOTS)
    return False


def _is_temporary(folded: str) -> bool:
    # A temporary folder itself is everybody's; a cache is one's own.
    if any(is_below(folded, place) for place in _CACHES):
        return True
    return any(is_below(folded, place) and folded != place for place in _TEMPORARY)


def _is_absolute(folded: str) -> bool:
    return folded[:1] in {"/", "~"} or folded[1:2] == ":"


def _is_made_again(part: str) -> bool:
    return part in _MADE_AGAIN or part.endswith(_MADE_AGAIN_ENDINGS) or part.startswith(_MADE_AGAIN_STARTS)
