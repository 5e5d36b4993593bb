"""Write docs/reference/secret-rules.md (`python -m appliance.protection.secrets.reference` prints it)."""

import sys
from itertools import groupby

from appliance.protection.secrets.catalogue import OVERSIZED, load_rules

_CHECKS = {
    "format": "form",
    "aws-key": "form",
    "github-crc": "form (a checksum does not exclude)",
    "jwt": "form",
    "pem": "at least 40 characters of key",
    "basic": "decodes to user and password",
    "url-password": "no placeholder, no well-known default",
    "password": "no placeholder, path, prose or code",
    "bare-password": "letters and digits; no placeholder, path, prose or code",
    "token": "no placeholder, path, UUID, date, checksum or plain words",
    "sent-token": "no placeholder, path, UUID, date or plain words",
}


def render_reference() -> str:
    """Give the page as Markdown."""
    rules = load_rules()
    lines = [
        "# Secret rules",
        "",
        f"{len(rules)} rules, generated from `appliance/protection/secrets/rules/`. A secret is replaced by a mark:",
        "`[secret aws-access-key-id 20 chars #0123456789abcdef]`, the rule, the number of characters, and a keyed",
        "fingerprint that is the same for the same secret in one installation. Secrets are also found in base64,",
        "hex, gzip, URL and string escapes, with invisible characters inside, and cut over neighbouring fields; then",
        "the whole encoded run is masked. A compressed run that unpacks to more than the limit is masked unread",
        f"(`{OVERSIZED}`). Where two rules find the same place, the one that stands first here names it.",
        "",
        "What is found only behind a name (a password, a bare hex key) is not recognised without that name. Marks,",
        "UUIDs, hashes and placeholders are no findings.",
    ]
    for area, group in groupby(rules, key=lambda rule: rule.area):
        lines += ["", f"## {area[0].upper()}{area[1:]}", ""]
        lines += ["| rule | finds | entropy at least | gate |", "|---|---|---|---|"]
        lines += [f"| `{r.id}` | {r.title} | {r.entropy} | {_CHECKS[r.check]} |" for r in group]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_reference())
