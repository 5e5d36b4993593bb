"""Which files keep keys, passwords or tokens."""

from typing import Final

from appliance.protection.commands.paths import in_home, is_below, is_pattern, may_match

# Written in lower case: some file systems do not tell cases apart.
_FILES: Final = frozenset([
    "~/.netrc", "~/_netrc", "~/.pgpass", "~/.my.cnf", "~/.mylogin.cnf", "~/.npmrc", "~/.yarnrc.yml", "~/.pypirc",
    "~/.aws/credentials", "~/.docker/config.json", "~/.kube/config", "~/.config/gh/hosts.yml", "~/.git-credentials",
    "~/.config/git/credentials", "~/.vault-token", "~/.terraform.d/credentials.tfrc.json", "~/.terraformrc",
    "~/.cargo/credentials", "~/.cargo/credentials.toml", "~/.gem/credentials", "~/.m2/settings.xml",
    "~/.m2/settings-security.xml", "~/.gradle/gradle.properties", "~/.composer/auth.json", "~/.boto", "~/.s3cfg",
    "~/.config/rclone/rclone.conf", "~/.rclone.conf", "~/.config/hub", "~/.config/doctl/config.yaml",
    "~/.claude/.credentials.json", "~/.codex/auth.json", "~/.gemini/oauth_creds.json", "~/.config/hcloud/cli.toml",
    "~/.local/share/opencode/auth.json", "~/.databrickscfg", "~/.snowsql/config", "~/.dbt/profiles.yml",
    "~/.cloudflared/cert.pem", "~/.huggingface/token", "~/.cache/huggingface/token", "~/.kaggle/kaggle.json",
    "~/.fly/config.yml", "~/.config/configstore/firebase-tools.json", "~/.jupyter/jupyter_server_config.json",
    "~/.electrum/wallets/default_wallet", "~/.bitcoin/wallet.dat", "~/.config/containers/auth.json",
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/master.passwd", "/etc/krb5.keytab", "/etc/sudoers",
    "/etc/kubernetes/admin.conf", "/etc/rancher/k3s/k3s.yaml", "/etc/ppp/chap-secrets", "/etc/ipsec.secrets",
    "/var/lib/kubelet/kubeconfig", "/etc/security/opasswd",
])  # fmt: skip
_FOLDERS: Final = (
    "~/.ssh", "~/.gnupg", "~/.password-store", "~/.config/gcloud", "~/.azure", "~/.config/op", "~/.aws/sso/cache",
    "~/.aws/cli/cache", "~/library/keychains", "~/.local/share/keyrings", "~/.openleash", "~/.config/sops",
    "~/.config/1password", "~/.config/bitwarden cli", "~/library/application support/google/chrome",
    "~/.config/google-chrome", "~/.config/chromium", "~/.mozilla/firefox", "~/library/application support/firefox",
    "~/.electrum", "~/.ethereum/keystore", "/run/secrets", "/var/run/secrets", "/etc/ssl/private", "/etc/letsencrypt",
    "/etc/wireguard", "/etc/kubernetes/pki", "/library/keychains", "/etc/openleash",
)  # fmt: skip
_NAMES: Final = frozenset([
    ".env", ".netrc", ".pgpass", ".git-credentials", ".htpasswd", ".pypirc", ".vault_pass", ".vault-pass",
    ".vault-token",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "id_xmss", "identity.pem",
    "credentials.json", "client_secret.json", "service-account.json", "service_account.json", "serviceaccount.json",
    "secrets.yml", "secrets.yaml", "secrets.json", "secrets.toml", "secrets.env", "credentials.yml", "credentials.yaml",
    "credentials.toml", "kubeconfig", "terraform.tfstate", "terraform.tfvars", "master.key", "wallet.dat",
    "privkey.pem",
    "private.pem", "private_key.pem", "private-key.pem", "key.pem", "server.key", "login data", "key4.db",
    "logins.json",
    "cookies.sqlite", "ntds.dit", "ssh_host_rsa_key", "ssh_host_ed25519_key", "ssh_host_ecdsa_key", "auth.json",
    "application_default_credentials.json", "accesstokens.json", "msal_token_cache.json", ".dockercfg",
    ".dockerconfigjson",
])  # fmt: skip
_SUFFIXES: Final = (
    ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".ovpn", ".p8", ".agekey", ".asc.key", ".keychain",
    ".keychain-db", ".keytab",
)  # fmt: skip
_HARMLESS_IN_SSH: Final = ("known_hosts", "known_hosts.old", "config", "authorized_keys")
_HARMLESS_ENDINGS: Final = (".pub", ".example", ".sample", ".template", ".dist", ".defaults", ".schema", ".md", ".tmpl")
# What a pattern could mean; names that begin with a dot need a pattern that begins with one.
_SAMPLES: Final = (
    *sorted(_FILES), *(f"{folder}/id_rsa" for folder in _FOLDERS), "~/.ssh/id_ed25519", "~/.ssh/id_ecdsa",
)  # fmt: skip
_RELATIVE_SAMPLES: Final = (
    ".env",
    "id_rsa",
    "id_ed25519",
    ".netrc",
    ".git-credentials",
    "credentials.json",
    "master.key",
)
_ABOVE_EVERYTHING: Final = frozenset(
    ["/", "~", "/home", "/users", "/root", "/home/*", "/users/*", "/*", "~/*", "~/.*", "/etc"]
)
_FOLDER_STARTS: Final = tuple(folder + "/" for folder in _FOLDERS)
# Every sample, and every folder that one of them is below, also as it is written with a slash at its end.
_ABOVE_CREDENTIALS: Final = _ABOVE_EVERYTHING.union(
    _SAMPLES,
    (
        sample[: slash + length]
        for sample in _SAMPLES
        for slash, character in enumerate(sample)
        if character == "/"
        for length in (0, 1)
    ),
)


def is_credential(path: str, *, is_glob: bool = False, is_recursive: bool = False) -> bool:
    """Tell whether reading a resolved path would read credentials; `is_recursive` reads what lies below too."""
    folded = in_home(path).lower()
    name = folded[folded.rfind("/") + 1 :]
    if is_recursive and folded in _ABOVE_CREDENTIALS:
        return True
    if is_glob and is_pattern(folded):
        return _pattern_means_credentials(folded, name)
    if name.endswith(_HARMLESS_ENDINGS):
        return False
    if folded in _FILES or name in _NAMES or name.endswith(_SUFFIXES) or name.startswith(".env."):
        return True
    if not (folded + "/").startswith(_FOLDER_STARTS):
        return False
    return name not in _HARMLESS_IN_SSH or not is_below(folded, "~/.ssh")


def _pattern_means_credentials(folded: str, name: str) -> bool:
    if any(may_match(folded, sample) for sample in _SAMPLES if sample.count("/") == folded.count("/")):
        return True
    if (folded + "/").startswith(_FOLDER_STARTS):
        return not name.endswith(_HARMLESS_ENDINGS)
    # `*` alone does not mean names that begin with a dot, and says nothing about what there is.
    literal = name.strip("*?")
    return bool(literal) and any(
        may_match(name, sample) for sample in _RELATIVE_SAMPLES if sample[0] != "." or name[0] in ".["
    )


def is_environment(path: str) -> bool:
    """Tell whether a path is some process's environment."""
    return path.startswith("/proc/") and path.endswith("/environ")
