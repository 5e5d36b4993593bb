"""git and the command-line programs of the forges."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.credentials import is_credential
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.hosts import remote_of
from appliance.protection.commands.options import Options, split_options
from appliance.protection.commands.paths import resolve
from appliance.protection.commands.production import is_production
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Origin, Source, Word

Handler = Callable[[Call], Source | None]
Verb = Callable[[Call, list[Word]], Source | None]

_GLOBAL: Final = {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"}
# Settings whose values git runs, or that take checks away.
_RUN_BY_GIT: Final = (
    "core.hookspath", "core.pager", "core.editor", "core.sshcommand", "core.fsmonitor", "core.askpass",
    "sequence.editor",
    "diff.external", "credential.helper", "gpg.program", "gpg.ssh.program", "uploadpack.packobjectshook",
    "core.gitproxy",
    "init.templatedir", "pager.",
)  # fmt: skip
_PUSH: Final = {"-o", "--push-option", "--repo", "--receive-pack", "--exec", "--recurse-submodules", "--signed"}


def _git(call: Call) -> Source | None:
    options = split_options(call.args, _GLOBAL, is_posix=True)
    for value in options.values("-C"):
        call.state = call.state.copy()
        call.state.directories = (resolve(value.text, call.state.directories[0]) if value.is_known else "",)
    for value in options.values("-c"):
        name, _, text = value.text.partition("=")
        _judge_setting(call, name, value._replace(text=text))
    if not options.rest:
        return None
    verb = options.rest[0]
    if not verb.is_known:
        call.unclear()
        return PROGRAM_OUTPUT
    words = options.rest[1:]
    # A word that may split could bring an option, such as --force.
    if any(word.may_split and not word.is_known for word in words) and verb.text in _CAREFUL:
        call.unclear()
    handler = _VERBS.get(verb.text)
    return handler(call, words) if handler is not None else PROGRAM_OUTPUT


def _judge_setting(call: Call, name: str, value: Word) -> None:
    lowered, text = name.lower(), value.text
    if lowered == "http.sslverify" and text.lower() in {"false", "0", "no"}:
        call.note(Effect.DISABLES_PROTECTION, "It would stop git's check of certificates.")
    elif lowered.startswith("alias."):
        call.note(Effect.RUNS_CODE, f"The alias {shown(name)} runs {shown(text)}.")
        call.run_text(text[1:] if text.startswith("!") else f"git {text}")
        call.ran = False
    elif (
        lowered.startswith(_RUN_BY_GIT)
        and text
        and text
        not in {"cat", "true", "less", "vim", "nano", "vi", "code --wait", "store", "cache", "osxkeychain", "manager"}
    ):
        call.note(Effect.RUNS_CODE, f"git would run what {shown(name)} says: {shown(text)}.")
        if " " in text or "/" in text:
            call.run_text(text.removeprefix("!"))
            call.ran = False


def _push(call: Call, words: list[Word]) -> Source:
    options = split_options(words, _PUSH)
    remote = options.rest[0] if options.rest else None
    refs = options.rest[1:]
    call.network("git push talks to the remote.")
    call.note(Effect.UPLOADS, f"git push would send commits to {shown(remote.text) if remote else 'the remote'}.")
    if remote is not None:
        found = remote_of(remote.text)
        call.host(found[0] if found else "")
    if options.has("-n", "--dry-run"):
        call.effects.pop(Effect.UPLOADS, None)
        return PROGRAM_OUTPUT
    if options.has("-f", "--force", "--force-with-lease", "--force-if-includes", "--mirror"):
        call.note(Effect.FORCE_PUSH, "It would overwrite what is on the remote.")
    if options.has("-d", "--delete", "--prune"):
        call.note(Effect.FORCE_PUSH, "It would delete branches or tags on the remote.")
    for ref in refs:
        if ref.text[:1] == "+":
            call.note(Effect.FORCE_PUSH, f"The + in {shown(ref.text)} would overwrite what is on the remote.")
        elif ref.text[:1] == ":" and len(ref.text) > 1:
            call.note(Effect.FORCE_PUSH, f"{shown(ref.text)} would delete a branch or tag on the remote.")
        if not ref.is_known and ref.text[:1] in {"$", "`"}:
            call.unclear()
    if any(is_production(word.text) for word in options.rest):
        call.note(Effect.PRODUCTION_CONTEXT, "It would push to production.")
    return PROGRAM_OUTPUT


def _reset(call: Call, words: list[Word]) -> Source:
    options = split_options(words)
    if options.has("--hard"):
        call.note(Effect.DESTRUCTIVE, "git reset --hard would throw away uncommitted work.")
        if any(word.text not in {"HEAD", "@"} for word in options.rest):
            call.note(Effect.HISTORY_REWRITE, "It would move the branch and drop commits from it.")
    return NOTHING


def _clean(call: Call, words: list[Word]) -> Source:
    options = split_options(words, {"-e", "--exclude"})
    if options.has("-f", "--force") and not options.has("-n", "--dry-run"):
        call.note(Effect.DESTRUCTIVE, "git clean would delete files that are not in the history.")
    return NOTHING


def _checkout(call: Call, words: list[Word]) -> Source:
    options = split_options(words, {"-b", "-B", "--orphan"})
    if options.has("-f", "--force") or any(word.text in {".", ":/", "*"} for word in options.rest):
        call.note(Effect.DESTRUCTIVE, "It would throw away uncommitted work.")
    return NOTHING


def _restore(call: Call, words: list[Word]) -> Source:
    options = split_options(words, {"-s", "--source"})
    is_staged = options.has("-S", "--staged") and not options.has("-W", "--worktree")
    if not is_staged and any(word.text in {".", ":/", "*"} for word in options.rest):
        call.note(Effect.DESTRUCTIVE, "It would throw away uncommitted work.")
    return NOTHING


def _branch(call: Call, words: list[Word]) -> Source:
    options = split_options(words, {"-u", "--set-upstream-to", "--contains", "--sort", "--format"})
    if options.has("-D") or (options.has("-d", "--delete") and options.has("-f", "--force")):
        call.note(Effect.HISTORY_REWRITE, "It would drop a branch that may hold unmerged commits.")
    return PROGRAM_OUTPUT


def _stash(call: Call, words: list[Word]) -> Source:
    if words and words[0].text in {"drop", "clear"}:
        call.note(Effect.DESTRUCTIVE, "It would throw away stashed work.")
    return NOTHING


def _rebase(call: Call, words: list[Word]) -> Source:
    options = split_options(words, {"--onto", "-x", "--exec", "-s", "-X"})
    for value in options.values("-x", "--exec"):
        call.run_text(value.text)
        call.ran = False
    if options.has("-i", "--interactive", "--root", "--onto", "-x", "--exec"):
        call.note(Effect.HISTORY_REWRITE, "It would rewrite commits.")
    return NOTHING


def _filter(call: Call, words: list[Word]) -> Source:
    call.note(Effect.HISTORY_REWRITE, "It would rewrite the whole history.")
    for value in split_options(
        words, {"--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter"}
    ).given:
        if value[1] is not None:
            call.run_text(value[1].text)
            call.ran = False
    return NOTHING


def _reflog(call: Call, words: list[Word]) -> Source:
    if words and words[0].text in {"expire", "delete"}:
        call.note(Effect.HISTORY_REWRITE, "It would forget commits that could still be got back.")
    return PROGRAM_OUTPUT


def _gc(call: Call, words: list[Word]) -> Source:
    if (
        any(word.text.startswith("--prune=") and word.text != "--prune=2.weeks.ago" for word in words)
        or call.args[0].text == "prune"
    ):
        call.note(Effect.HISTORY_REWRITE, "It would delete commits that could still be got back.")
    return NOTHING


def _update_ref(call: Call, words: list[Word]) -> Source:
    if any(word.text in {"-d", "--stdin"} for word in words):
        call.note(Effect.HISTORY_REWRITE, "It would delete a reference.")
    return NOTHING


def _config(call: Call, words: list[Word]) -> Source:
    options = split_options(words, {"-f", "--file", "--blob", "--type", "--default"})
    rest = (
        options.rest[1:] if options.rest and options.rest[0].text in {"set", "get", "unset", "list"} else options.rest
    )
    if options.has("--get", "--list", "-l", "--get-all") or len(rest) < 2:  # noqa: PLR2004 - a name and a value
        if any(word.text.lower().startswith(("credential.", "http.extraheader")) for word in rest):
            call.note(Effect.CREDENTIAL_READ, "It would show a credential of git.")
        return PROGRAM_OUTPUT
    name = rest[0].text
    _judge_setting(call, name, rest[1])
    if Effect.RUNS_CODE in call.effects:
        call.note(Effect.PERSISTENCE, f"git would go on running what {shown(name)} says.")
    return NOTHING


def _network(call: Call, words: list[Word]) -> Source:
    call.network("git talks to the remote.")
    for word in split_options(words, {"-b", "--branch", "--depth", "-o", "-c", "--upload-pack", "-u"}).rest:
        found = remote_of(word.text)
        if found is not None:
            call.host(found[0])
        if word.text.startswith("ext::"):
            call.run_text(word.text[5:])
            call.ran = False
    return Source(origins=frozenset([Origin.PROGRAM]))


def _remote(call: Call, words: list[Word]) -> Source:
    for word in words:
        found = remote_of(word.text)
        if found is not None:
            call.host(found[0])
    return PROGRAM_OUTPUT


def _listing(_: Call, words: list[Word]) -> Source:
    names = [word for word in words if word.text[:1] != "-"]
    if all(word.is_known for word in names):
        return Source(origins=frozenset([Origin.FILE]), items=tuple(names) or (Word("**", is_glob=True),))
    return PROGRAM_OUTPUT


def _diff(_: Call, words: list[Word]) -> Source:
    if any(word.text == "--name-only" for word in words):
        return Source(origins=frozenset([Origin.FILE]), items=(Word("**", is_glob=True),))
    return PROGRAM_OUTPUT


def _show(call: Call, words: list[Word]) -> Source:
    """Judge showing what files hold or have held."""
    for word in words:
        path = word._replace(text=word.text.rpartition(":")[2])
        if word.text[:1] != "-" and path.is_known and any(is_credential(each) for each in call.resolved(path)):
            call.read(path)
    return _diff(call, words)


def _rm(call: Call, words: list[Word]) -> Source:
    options = split_options(words)
    if options.has("-f", "--force") and any(word.text in {".", ":/", "*", "./"} for word in options.rest):
        call.note(Effect.DESTRUCTIVE, "It would delete every file with its uncommitted changes.")
    return NOTHING


def _credential(call: Call, words: list[Word]) -> Source:
    if words and words[0].text == "fill":
        call.note(Effect.CREDENTIAL_READ, "It would show a stored password.")
    return PROGRAM_OUTPUT


def _worktree(call: Call, words: list[Word]) -> Source:
    options = split_options(words)
    if options.rest and options.rest[0].text == "remove" and options.has("-f", "--force"):
        call.note(Effect.DESTRUCTIVE, "It would delete a worktree with its uncommitted work.")
    return NOTHING


def _bisect(call: Call, words: list[Word]) -> Source:
    if words and words[0].text == "run":
        call.run_words(words[1:])
        call.ran = False
    return PROGRAM_OUTPUT


def _foreach(call: Call, words: list[Word]) -> Source:
    if words and words[0].text == "foreach":
        call.run_text(" ".join(word.text for word in words[1:] if word.text != "--recursive"))
        call.ran = False
        return PROGRAM_OUTPUT
    return _network(call, words)


def _rev_parse(_: Call, __: list[Word]) -> Source:
    # Names of commits and of the project's own folder say nothing that a host should not know.
    return Source()


def _send_email(call: Call, _: list[Word]) -> Source:
    call.network("It would send mails.")
    call.note(Effect.UPLOADS, "It would send commits by mail.")
    return NOTHING


_VERBS: Final[Mapping[str, Verb]] = {
    "push": _push, "reset": _reset, "clean": _clean, "checkout": _checkout, "restore": _restore, "branch": _branch,
    "stash": _stash,
    "rebase": _rebase, "filter-branch": _filter, "filter-repo": _filter, "reflog": _reflog, "gc": _gc, "prune": _gc,
    "update-ref": _update_ref, "config": _config, "fetch": _network, "pull": _network, "clone": _network,
    "ls-remote": _network,
    "submodule": _foreach, "remote": _remote, "ls-files": _listing,
    "diff": _show, "show": _show, "log": _show, "blame": _show, "cat-file": _show, "rm": _rm, "credential": _credential,
    "worktree": _worktree,
    "bisect": _bisect, "rev-parse": _rev_parse, "describe": _rev_parse, "replace": _filter, "send-email": _send_email,
}  # fmt: skip
_CAREFUL: Final = frozenset(["push", "reset", "clean", "checkout", "restore", "branch", "rebase", "config", "stash"])


def _gh(call: Call) -> Source:
    """GitHub's and GitLab's own programs."""
    words = [word for word in call.args if word.text[:1] != "-"]
    pair = tuple(word.text for word in words[:2])
    options: Options = split_options(
        call.args, {"-X", "--method", "-f", "-F", "--field", "--raw-field", "--input", "-H", "-R", "--repo"}
    )
    call.network(f"{call.program} talks to the forge.")
    call.host("github.com" if call.program == "gh" else "")
    if pair in {("auth", "token"), ("auth", "status")} and (pair[1] == "token" or options.has("-t", "--show-token")):
        call.note(Effect.CREDENTIAL_READ, "It would show the token of the forge.")
    elif pair[1:] == ("delete",) or pair in {("repo", "archive"), ("repo", "rename"), ("repo", "edit")}:
        call.note(Effect.DESTRUCTIVE, f"{call.program} {' '.join(pair)} would delete or change it for everybody.")
    elif pair in {("release", "create"), ("release", "upload"), ("release", "edit")}:
        call.note(Effect.PACKAGE_PUBLISH, "It would publish a release.")
        call.read_all(words[3:])
    elif pair in (("gist", "create"), ("snippet", "create")):
        call.read_all(words[2:])
        call.note(Effect.UPLOADS, "It would publish what it reads.")
        call.note(Effect.EXFILTRATION, "It would publish content of this machine.")
    elif pair in {("ssh-key", "add"), ("gpg-key", "add"), ("deploy-key", "add"), ("repo", "deploy-key")}:
        call.note(Effect.PERSISTENCE, "It would let a key sign in.")
    elif pair[:1] == ("api",):
        _judge_api(call, options)
    elif len(pair) > 1 and pair[1] in {"create", "comment", "edit", "merge", "review", "set", "run"}:
        call.note(Effect.UPLOADS, f"{call.program} {' '.join(pair)} would change it on the forge.")
    return PROGRAM_OUTPUT


def _judge_api(call: Call, options: Options) -> None:
    method = options.value("-X", "--method")
    name = method.text.upper() if method is not None else ""
    if name == "DELETE":
        call.note(Effect.DESTRUCTIVE, "It would delete something on the forge.")
    if name in {"POST", "PUT", "PATCH"} or options.has("-f", "-F", "--field", "--raw-field", "--input"):
        call.note(Effect.UPLOADS, "It would change something on the forge.")
    for value in options.values("--input"):
        if value.text != "-":
            call.read(value)
            call.note(Effect.EXFILTRATION, f"It would send the file {shown(value.text)}.")
    for value in options.values("-F", "--field"):
        _, at, path = value.text.partition("=@")
        if at:
            call.read(value._replace(text=path))
            call.note(Effect.EXFILTRATION, f"It would send the file {shown(path)}.")


PROGRAMS: Final[Mapping[str, Handler]] = {
    "git": _git,
    "gh": _gh,
    "glab": _gh,
    "hub": _git,
    "bfg": lambda call: _filter(call, call.args),
    "git-filter-repo": lambda call: _filter(call, call.args),
}
