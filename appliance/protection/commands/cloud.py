"""Clusters, clouds and infrastructure as code."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.options import Options, split_options
from appliance.protection.commands.production import is_production
from appliance.protection.commands.state import State
from appliance.protection.commands.transfer import send
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Source, Word

Handler = Callable[[Call], Source | None]

_KUBECTL: Final = {
    "-n", "--namespace", "--context", "--cluster", "--user", "--kubeconfig", "-f", "--filename", "-o", "--output",
    "-l", "--selector", "-c",
    "--container", "-k", "--kustomize", "--as", "--as-group", "--token", "-s", "--server", "--image",
    "--field-selector", "--timeout",
    "--replicas", "-p", "--patch", "--type", "--grace-period", "--cascade", "--from-literal",
    "--from-file", "--tail", "--since",
}  # fmt: skip
_NAMING: Final = (
    "-n", "--namespace", "--context", "--kube-context", "--cluster", "--kubeconfig", "-s", "--server", "--profile",
    "--project", "--subscription",
    "-g", "--resource-group", "--env", "--environment", "-e", "--stage", "--app", "-a", "-r", "--remote",
    "--workspace", "--var-file", "-var-file",
    "--target", "--stack", "--alias", "--configuration", "--account", "--org", "-i", "--inventory", "-l", "--limit",
    "-c", "--config",
    "--destination", "-d", "--host", "-H", "--instance", "--name", "--cluster-name", "--db-instance-identifier",
    "--bucket", "--table-name", "-o", "-s",
)  # fmt: skip


def _named(call: Call, options: Options, *, with_operands: bool = True) -> bool:
    """See whether an option or operand names production."""
    words = [value for name, value in options.given if value is not None and name in _NAMING]
    words += [Word(name.lstrip("-")) for name, _ in options.given if name in {"--prod", "--production"}]
    words += options.rest if with_operands else []
    named = next((word for word in words if is_production(word.text)), None)
    if named is not None:
        call.note(Effect.PRODUCTION_CONTEXT, f"It names production: {shown(named.text)}.")
    return named is not None


def _kubectl(call: Call) -> Source | None:
    before, after = _split_dashes(call.args)
    options = split_options(before, _KUBECTL)
    if any(word.may_split and not word.is_known for word in before):
        call.unclear()
    call.network(f"{call.program} talks to a cluster.")
    _named(call, options)
    if not options.rest:
        return PROGRAM_OUTPUT
    if not options.rest[0].is_known:
        call.unclear()
    if options.rest[0].text == "exec" and (after or len(options.rest) > 2):  # noqa: PLR2004 - `kubectl exec pod command`
        call.run_words(after or options.rest[2:], call.stdin or NOTHING, State("/"))
        call.ran = False
    else:
        _judge_kubectl(call, options)
    manifests = options.values("-f", "--filename")
    call.read_all([word for word in manifests if "://" not in word.text and word.text != "-"], reveals=False)
    return PROGRAM_OUTPUT


def _judge_kubectl(call: Call, options: Options) -> None:
    verb, kinds = options.rest[0].text, [word.text.lower() for word in options.rest[1:]]
    is_dry = any(word.text.startswith("--dry-run") and not word.text.endswith("none") for word in call.args)
    if verb in {"delete", "drain", "replace"} and not is_dry:
        call.note(Effect.DESTRUCTIVE, f"kubectl {verb} would remove {shown(' '.join(kinds)) or 'resources'}.")
    elif _shows_secrets(verb, kinds, options):
        call.note(Effect.CREDENTIAL_READ, "It would show secrets or credentials of the cluster.")
    elif verb == "cp" and len(kinds) > 1:
        call.read_all([word for word in options.rest[1:-1] if ":" not in word.text], is_recursive=True)
    elif verb in _CHANGING and not is_dry:
        call.note(Effect.UPLOADS, f"kubectl {verb} would change the cluster.")


def _shows_secrets(verb: str, kinds: list[str], options: Options) -> bool:
    if verb == "get":
        named = [part for kind in kinds for part in kind.split(",")]
        return any(part.startswith("secret") for part in named) and options.has("-o", "--output")
    if verb == "config":
        return kinds[:1] == ["view"] and options.has("--raw", "--flatten")
    return verb == "create" and kinds[:1] == ["token"]


_CHANGING: Final = frozenset(["apply", "scale", "rollout", "patch", "edit", "set", "create", "label", "annotate"])


def _split_dashes(words: list[Word]) -> tuple[list[Word], list[Word]]:
    texts = [word.text for word in words]
    if "--" not in texts:
        return words, []
    place = texts.index("--")
    return words[:place], words[place + 1 :]


def _helm(call: Call) -> Source | None:
    options = call.options(
        {*_KUBECTL, "--kube-context", "-f", "--values", "--set", "--version", "--repo", "--set-string", "--set-file"}
    )
    call.network("helm talks to a cluster or registry.")
    _named(call, options)
    verb = options.rest[0].text if options.rest else ""
    if options.has("--dry-run"):
        return PROGRAM_OUTPUT
    if verb in {"uninstall", "delete", "del", "un", "rollback"}:
        call.note(Effect.DESTRUCTIVE, f"helm {verb} would remove or take back what is running.")
    if verb == "push":
        call.note(Effect.PACKAGE_PUBLISH, "It would publish a chart.")
    if verb in {"install", "upgrade"}:
        call.note(Effect.UPLOADS, f"helm {verb} would change the cluster.")
        call.read_all(options.values("-f", "--values"), reveals=False)
    return PROGRAM_OUTPUT


def _terraform(call: Call) -> Source | None:
    options = split_options(
        call.args,
        {
            "-chdir",
            "-var",
            "-var-file",
            "-target",
            "-state",
            "-out",
            "-backend-config",
            "-s",
            "--stack",
            "--terragrunt-working-dir",
        },
    )
    words = [word.text for word in call.args if word.text[:1] != "-"]
    verb = " ".join(words[:2] if words[:1] == ["stack"] else words[:1])
    _named(call, Options([(f"-{name.lstrip('-')}", value) for name, value in options.given], options.rest))
    call.network(f"{call.program} talks to its providers.")
    texts = [word.text for word in call.args]
    if verb in {"apply", "up", "update", "deploy", "import", "taint", "untaint", "run-all"} or verb.startswith(
        "run-all"
    ):
        call.note(Effect.PRODUCTION_CONTEXT, f"{call.program} {verb} would change running infrastructure.")
    if verb in {"destroy", "down"} or "-destroy" in texts or "--destroy" in texts or verb == "stack rm":
        call.note(Effect.PRODUCTION_CONTEXT, f"{call.program} {verb} would change running infrastructure.")
        call.note(Effect.DESTRUCTIVE, f"{call.program} {verb} would remove infrastructure.")
    if words[:2] in (["state", "rm"], ["state", "push"], ["workspace", "delete"]) or verb == "force-unlock":
        call.note(Effect.DESTRUCTIVE, f"{call.program} would change the state of the infrastructure.")
    if words[:1] == ["output"] or words[:2] == ["state", "pull"] or words[:2] == ["state", "show"]:
        call.note(Effect.CREDENTIAL_READ, "The state may hold passwords and keys.")
    return PROGRAM_OUTPUT


def _cloud(call: Call) -> Source | None:
    """aws, gcloud, az and the other clouds' programs: by their verbs."""
    options = split_options(call.args, _VALUED)
    if any(word.may_split and not word.is_known for word in call.args):
        call.unclear()
    words = [word.text for word in options.rest]
    call.network(f"{call.program} talks to a cloud.")
    _named(call, options)
    if _is_secret_request(call.program, words, options):
        call.note(Effect.CREDENTIAL_READ, f"{call.program} {shown(' '.join(words[:3]))} would show a secret.")
    if "--dryrun" in [word.text for word in call.args]:
        return PROGRAM_OUTPUT
    if any(
        word.startswith(("delete", "terminate", "destroy", "remove-", "purge", "deregister", "empty"))
        or word in {"rb", "rm", "destroy", "remove"}
        for word in words[:5]
    ):
        call.note(
            Effect.DESTRUCTIVE, f"{call.program} {shown(' '.join(words[:3]))} would remove something in the cloud."
        )
    _judge_copy(call, words, options)
    return PROGRAM_OUTPUT


_VALUED: Final = frozenset(
    [
        *(name for name in _NAMING if name.startswith("--")),
        "-g",
        "--region",
        "--output",
        "--query",
        "--zone",
        "--secret-id",
        "--name",
        "--vault-name",
        "--file",
        "--body",
        "--source",
        "--destination",
        "-f",
        "--cli-input-json",
        "--role-arn",
        "--role-session-name",
    ]
)
_REMOTE: Final = ("s3://", "gs://", "https://", "azure://", "r2://", "b2://", "oss://", "cos://")


def _judge_copy(call: Call, words: list[str], options: Options) -> None:
    """Judge copies into a cloud's storage."""
    verbs = {"cp", "sync", "mv", "rsync", "upload", "upload-batch", "put-object"}
    place = next((position for position, word in enumerate(words) if word in verbs), -1)
    if place < 0:
        return
    operands = options.rest[place + 1 :]
    sources, target = operands[:-1], operands[-1:]
    uploads = [*options.values("--file", "--body", "--source", "-f")]
    if target and target[0].text.startswith(_REMOTE):
        uploads += [word for word in sources if not word.text.startswith(_REMOTE)]
    elif target and sources:
        call.write(target[0])
    for word in uploads:
        if word.text != "-":
            call.read(word, is_recursive=True)
        send(call, f"It would copy {shown(word.text)} to the cloud.")
    if "sync" in words and any(name == "--delete" for name, _ in options.given):
        call.note(Effect.DESTRUCTIVE, "It would delete what the target has beyond the source.")


def _is_secret_request(program: str, words: list[str], options: Options) -> bool:
    line = " ".join(words[:4])
    if program == "aws":
        return line.startswith(
            (
                "secretsmanager get-secret-value",
                "secretsmanager batch-get",
                "configure get",
                "configure export",
                "sts get-session",
                "sts assume-role",
                "ecr get-login",
                "iam create-access-key",
                "kms decrypt",
                "rds generate-db-auth",
                "eks get-token",
                "codeartifact get-auth",
            )
        ) or (line.startswith("ssm get-param") and options.has("--with-decryption"))
    if program == "gcloud":
        return (
            "print-access-token" in line
            or "print-identity-token" in line
            or line.startswith("secrets versions access")
            or "keys create" in line
        )
    if program == "az":
        return line.startswith(
            (
                "account get-access-token",
                "keyvault secret show",
                "keyvault secret download",
                "acr credential",
                "storage account keys",
                "ad sp create",
            )
        )
    return line.startswith(
        (
            "config",
            "auth:token",
            "auth token",
            "secrets get",
            "secrets list",
            "env pull",
            "auth print",
            "tokens",
            "config:get",
        )
    )


def _deployer(call: Call) -> Source | None:
    """Programs that bring an application to where people use it."""
    options = split_options(
        call.args,
        {
            "--app",
            "-a",
            "--project",
            "-p",
            "--env",
            "--environment",
            "-e",
            "-s",
            "--stage",
            "--remote",
            "-r",
            "--site",
            "--config",
            "-c",
            "-m",
            "--message",
        },
    )
    call.network(f"{call.program} talks to a platform.")
    _named(call, options)
    words = [word.text for word in options.rest]
    if _is_secret_request(call.program, words, options) and call.program != "serverless":
        call.note(Effect.CREDENTIAL_READ, f"{call.program} {shown(' '.join(words[:2]))} would show secrets.")
    if words[:1] in (["deploy"], ["publish"], ["up"], ["ship"], ["releases:rollback"], ["submit"], ["release"]) or any(
        word in {"deploy", "promote"} for word in words[:2]
    ):
        call.note(Effect.UPLOADS, f"{call.program} would deploy.")
    if any(
        word in {"destroy", "delete", "remove", "apps:destroy", "pg:reset", "apps:delete", "rm"}
        or word.endswith((":destroy", ":reset"))
        for word in words[:2]
    ):
        call.note(Effect.DESTRUCTIVE, f"{call.program} {shown(' '.join(words[:2]))} would remove it.")
    if any(word.startswith("pg:reset") for word in words[:1]):
        call.note(Effect.DATA_STORE_WRITE, "It would empty the database.")
    return PROGRAM_OUTPUT


def _ansible(call: Call) -> Source | None:
    options = call.options(
        {
            "-i",
            "-l",
            "--limit",
            "-e",
            "--extra-vars",
            "-u",
            "--inventory",
            "-m",
            "-a",
            "--args",
            "-t",
            "--tags",
            "--become-user",
            "--vault-password-file",
        }
    )
    call.network("ansible reaches the machines of its inventory.")
    _named(call, options)
    if call.program == "ansible-vault" and options.rest and options.rest[0].text in {"view", "decrypt", "edit"}:
        call.note(Effect.CREDENTIAL_READ, "It would show what the vault holds.")
    if options.has("-b", "--become"):
        call.note(Effect.PRIVILEGED, "It would act as another user on the machines.")
    for value in options.values("-a", "--args"):
        if call.program == "ansible":
            call.run_text(value.text)
            call.ran = False
    call.note(Effect.RUNS_CODE, "It runs on every machine of the inventory.")
    return PROGRAM_OUTPUT


_CLOUDS: Final = (
    "aws", "gcloud", "az", "gsutil", "s3cmd", "mc", "azcopy", "doctl", "hcloud", "oci", "ibmcloud", "linode-cli",
    "vultr-cli", "scw", "aliyun", "s5cmd", "bq",
)  # fmt: skip
_PLATFORMS: Final = (
    "vercel", "netlify", "heroku", "flyctl", "fly", "railway", "render", "firebase", "wrangler", "serverless", "sls",
    "eas", "fastlane", "cap", "kamal", "dokku", "cf", "eb", "surge", "amplify", "supabase", "argocd", "flux",
)  # fmt: skip
PROGRAMS: Final[Mapping[str, Handler]] = {
    **dict.fromkeys(["kubectl", "oc", "k", "k3s", "kubecolor", "microk8s.kubectl"], _kubectl), "helm": _helm,
    "helmfile": _helm,
    **dict.fromkeys(["terraform", "tofu", "terragrunt", "pulumi", "cdk", "cdktf", "sam", "sst"], _terraform),
    **dict.fromkeys(_CLOUDS, _cloud), **dict.fromkeys(_PLATFORMS, _deployer),
    **dict.fromkeys(["ansible", "ansible-playbook", "ansible-vault", "ansible-pull", "salt", "puppet"], _ansible),
}  # fmt: skip
