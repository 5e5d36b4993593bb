"""Environment variables: printing them, setting them, and what their names and values mean."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.production import is_production
from appliance.protection.commands.words import NOTHING, Source, Word

_SECRET_PARTS: Final = frozenset([
    "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PWD", "PASSPHRASE", "APIKEY", "CREDENTIALS",
    "CREDENTIAL",
    "CREDS", "AUTH", "PRIVATE", "COOKIE", "JWT", "PAT", "DSN",
])  # fmt: skip
_NOT_SECRET: Final = frozenset(["PWD", "OLDPWD", "SSH_AUTH_SOCK", "XAUTHORITY", "TOKENIZERS_PARALLELISM"])
_STAGES: Final = frozenset([
    "NODE_ENV", "RAILS_ENV", "RACK_ENV", "APP_ENV", "FLASK_ENV", "DJANGO_ENV", "DJANGO_SETTINGS_MODULE", "MIX_ENV",
    "GO_ENV",
    "ENV", "ENVIRONMENT", "STAGE", "DEPLOY_ENV", "TARGET_ENV", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT",
    "SPRING_PROFILES_ACTIVE",
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "KUBECONFIG", "KUBE_CONTEXT", "KUBECONTEXT", "HELM_KUBECONTEXT",
    "TF_WORKSPACE",
    "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT", "GCP_PROJECT", "AZURE_SUBSCRIPTION", "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DATABASE_URL", "PGHOST", "PGSERVICE", "MYSQL_HOST", "REDIS_URL", "MONGO_URL", "MONGODB_URI", "HEROKU_APP",
    "CLOUDSDK_ACTIVE_CONFIG_NAME", "PULUMI_STACK", "SYMFONY_ENV", "LARAVEL_ENV", "SERVER_ENV", "CONFIG_ENV",
    "VAULT_ADDR",
])  # fmt: skip
_RUNS_CODE: Final = frozenset([
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "PROMPT_COMMAND",
    "PYTHONSTARTUP",
    "PERL5OPT", "RUBYOPT", "NODE_OPTIONS", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "PAGER", "EDITOR",
    "VISUAL",
    "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "MANPAGER", "LESSOPEN", "GIT_ASKPASS", "SSH_ASKPASS",
])  # fmt: skip
_RUNS_COMMAND: Final = frozenset([
    "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "PAGER", "EDITOR", "VISUAL", "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR", "MANPAGER", "LESSOPEN", "PROMPT_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS",
])  # fmt: skip
_OFF: Final = frozenset(["NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY"])
_PRINTING: Final = {
    "export": "every exported variable",
    "declare": "every variable",
    "typeset": "every variable",
    "readonly": "every constant",
}


def is_secret_name(name: str) -> bool:
    """Tell whether a variable's name says that it holds a secret."""
    upper = name.upper()
    if upper in _NOT_SECRET:
        return False
    parts = upper.split("_")
    return not _SECRET_PARTS.isdisjoint(parts) or (parts[-1] in {"KEY", "KEYS"} and len(parts) > 1)


def judge_assignment(call: Call, name: str, value: Word) -> None:
    """Judge a variable that is set for a command, or for all that follow."""
    text = value.text
    if name in _STAGES and is_production(text):
        is_build = name == "NODE_ENV" and any(word.text.partition(":")[0] in _BUILDING for word in call.words)
        if not is_build:
            call.note(Effect.PRODUCTION_CONTEXT, f"{name} names production: {shown(text)}.")
    if name in {"HISTFILE", "HISTSIZE", "HISTFILESIZE", "HISTCONTROL"} and text in {"/dev/null", "", "0"}:
        call.note(Effect.DISABLES_PROTECTION, f"It would stop the shell's history by {name}.")
    if name in _OFF and text == "0":
        call.note(Effect.DISABLES_PROTECTION, f"{name}=0 would stop the check of certificates.")
    if (
        name in _RUNS_CODE
        and (not value.is_known or any(character in text for character in "/;|&$ "))
        and not text.startswith("-")
    ):
        call.note(Effect.RUNS_CODE, f"{name} makes other programs run {shown(text)}.")
        if name in _RUNS_COMMAND:
            call.run_text(text)
            call.ran = False


_BUILDING: Final = frozenset(["build", "webpack", "vite", "tsc", "rollup", "esbuild", "next", "ci", "install", "test"])


def judge_declaration(call: Call, assigned: list[tuple[str, Word]]) -> Source:
    """Judge `export`, `declare`, `local`, `readonly`, `unset`, whose assignments are done already."""
    call.program = call.words[0].text if call.words else ""
    for name, word in assigned:
        judge_assignment(call, name, word)
    names = {name for name, _ in assigned}
    operands = [
        word for word in call.words[1:] if word.text[:1] != "-" and word.text.partition("=")[0].rstrip("+") not in names
    ]
    if call.program in {"unset", "unsetenv"}:
        for word in operands:
            call.state.variables.pop(word.text, None)
            if word.text == "HISTFILE":
                call.note(Effect.DISABLES_PROTECTION, "It would stop the shell's history.")
        return NOTHING
    flags = "".join(word.text for word in call.words[1:] if word.text[:1] == "-")
    if call.program in _PRINTING and not assigned and not operands and not set(flags) & {"f", "F"}:
        call.note(Effect.ENVIRONMENT_DUMP, f"It would print {_PRINTING[call.program]}.")
        return Source()
    for word in operands:
        name, equals, value = word.text.partition("=")
        if equals:
            call.state.variables[name] = (word._replace(text=value),)
            judge_assignment(call, name, word._replace(text=value))
    return NOTHING


def _env(call: Call) -> Source | None:
    if call.ran:
        return None
    call.note(Effect.ENVIRONMENT_DUMP, "It would print every variable of the environment.")
    return Source()


def _printenv(call: Call) -> Source:
    names = [word.text for word in call.args if word.text[:1] != "-"]
    if not names:
        call.note(Effect.ENVIRONMENT_DUMP, "It would print every variable of the environment.")
    for name in names:
        if is_secret_name(name):
            call.note(Effect.ENVIRONMENT_DUMP, f"It would print the variable {shown(name)}.")
    return Source()


def _compgen(call: Call) -> Source:
    if any(word.text in {"-v", "-e"} for word in call.args):
        call.note(Effect.ENVIRONMENT_DUMP, "It would print the names of every variable.")
    return Source()


def _ps(call: Call) -> Source:
    first = call.args[0].text if call.args else ""
    if (first[:1] != "-" and "e" in first) or any(word.text in {"eww", "-E", "ewww"} for word in call.args):
        call.note(Effect.ENVIRONMENT_DUMP, "It would print the environment of processes.")
    return Source()


def _exported(call: Call) -> Source:
    """`export` and its like where they are reached as a program, e.g. after `builtin`."""
    call.words = [Word(call.program), *call.args]
    return judge_declaration(call, [])


PROGRAMS: Final[Mapping[str, Callable[[Call], Source | None]]] = {
    "env": _env, "printenv": _printenv, "compgen": _compgen, "ps": _ps, "export": _exported, "declare": _exported,
    "typeset": _exported, "readonly": _exported, "local": _exported, "unset": _exported, "setenv": _printenv,
}  # fmt: skip
