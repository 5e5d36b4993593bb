"""No secret is committed: the product's own scanner reads every file."""

from fnmatch import fnmatch
from typing import Final, NamedTuple

from appliance.protection.secrets.scanner import Scanner
from tests.checks.tree import files, shown


class Allowed(NamedTuple):
    """Files and rules, by shell patterns, whose finds are no secrets, and why."""

    files: str
    rules: str
    why: str


ALLOWED: Final = (
    Allowed("appliance/protection/secrets/rules/*", "*", "the patterns and their examples are what the rules look for"),
    Allowed("appliance/protection/commands/*", "password-quoted", "names of options that carry passwords"),
    Allowed("appliance/config/sign_in_checks.py", "password-quoted", "the setting's name beside what is wrong with it"),
    Allowed("tests/*", "*password*", "made up, for databases and people of the test's own"),
    Allowed("tests/*", "generic-secret", "made up, or a name beside the word token"),
    Allowed("tests/*", "command-line-secret", "made up, in commands that are judged and never run"),
    Allowed("*.md", "command-line-secret", "an ellipsis or a name stands for the token"),
    Allowed("server/dashboard/agents.py", "generic-secret", "status codes beside the word token"),
)
_KEY: Final = b"fingerprints of one run, compared with nothing"


def problems() -> list[str]:
    """Where a secret was found, and by which rule; never the secret."""
    scanner, found = Scanner(_KEY), list[str]()
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        name = shown(path)
        findings, _ = scanner.scan_text(text)
        found += [
            f"{name}:{text.count(chr(10), 0, each.start) + 1} holds what rule {each.rule} calls a secret"
            for each in findings
            if not is_allowed(name, each.rule)
        ]
    return found


def is_allowed(name: str, rule: str) -> bool:
    """Whether what this rule finds in this file is known to be no secret."""
    return any(fnmatch(name, each.files) and fnmatch(rule, each.rules) for each in ALLOWED)
