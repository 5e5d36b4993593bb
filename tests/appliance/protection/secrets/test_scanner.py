"""Findings, spans, marks, and how a secret known in one place is masked in another."""

import json
from random import Random

import pytest

from appliance.actions.records import Command, Facts
from appliance.protection.secrets.catalogue import load_rules
from appliance.protection.secrets.errors import BodyTooDeepError
from appliance.protection.secrets.examples import build_example
from appliance.protection.secrets.scanner import Scanner

RULES = {rule.id: rule for rule in load_rules()}


def a_secret(rule: str, seed: int = 1) -> str:
    """Build a distinct secret of a rule."""
    return build_example(RULES[rule], Random(seed)).secret  # noqa: S311 - repeatable


def test_a_clean_body_is_returned_as_it_is(scanner: Scanner) -> None:
    """Without a secret nothing is copied and nothing is found."""
    body = {"tool_name": "Bash", "tool_input": {"command": "git status"}}
    findings, masked = scanner.scan_body(body)
    assert findings == ()
    assert masked is body


def test_a_finding_tells_where_and_not_what(scanner: Scanner) -> None:
    """Pointer, span in characters, length and fingerprint; the mark stands in place of the secret."""
    secret = a_secret("github-token")
    body = {"tool_input": {"a/b": [f"grüße {secret} €"]}}
    findings, masked = scanner.scan_body(body)
    (finding,) = findings
    assert finding.pointer == "/tool_input/a~1b/0"
    assert (finding.start, finding.end, finding.length) == (6, 6 + len(secret), len(secret))
    mark = f"[secret github-token {len(secret)} chars #{finding.fingerprint}]"
    assert masked == {"tool_input": {"a/b": [f"grüße {mark} €"]}}


def test_the_fingerprint_depends_on_the_key_and_the_secret() -> None:
    """The same secret has the same fingerprint only in one installation."""
    one, two = Scanner(b"one"), Scanner(b"two")
    secret, other = a_secret("github-token"), a_secret("github-token", 2)
    first = one.scan_text(secret)[0][0].fingerprint
    assert one.scan_text(f"x {secret} y")[0][0].fingerprint == first
    assert two.scan_text(secret)[0][0].fingerprint != first
    assert one.scan_text(other)[0][0].fingerprint != first


def test_a_secret_known_from_one_field_is_masked_in_all(scanner: Scanner) -> None:
    """A password recognised by its name also disappears where nothing names it, as part of a word too."""
    secret = a_secret("password-quoted")
    body = {"env": {"DB_PASSWORD": secret}, "note": f"it is {secret}", "glued": f"abc{secret}def"}
    _, masked = scanner.scan_body(body)
    assert secret not in json.dumps(masked)
    assert masked["note"].startswith("it is [secret ")
    assert masked["glued"].endswith("]def")


def test_a_secret_in_a_key_is_masked_there_and_in_pointers(scanner: Scanner) -> None:
    """A key that is a secret appears neither in the body nor in a pointer below it."""
    secret, other = a_secret("stripe-key"), a_secret("stripe-key", 2)
    findings, masked = scanner.scan_body({secret: {"x": other}})
    text = json.dumps(masked) + "".join(finding.pointer for finding in findings)
    assert secret not in text
    assert other not in text
    assert len(findings) == 2


def test_the_masker_masks_other_records_of_the_action(scanner: Scanner) -> None:
    """Facts derived from the raw action lose the same secrets, known by name only in the body."""
    secret = a_secret("password-quoted")
    scan = scanner.scan({"tool_input": {"command": f"PGPASSWORD={secret} psql; echo {secret}"}})
    facts = Facts(commands=(Command(program="echo", words=("echo", secret)),), why=(f"prints {secret}",))
    masked = scan.masker.mask(facts)
    assert isinstance(masked, Facts)
    assert secret not in repr(masked)
    assert masked.commands[0].program == "echo"


def test_many_secrets_at_once(scanner: Scanner) -> None:
    """Hundreds of distinct secrets in one body are all found and all masked."""
    random = Random(3)  # noqa: S311 - repeatable
    secrets = [build_example(RULES["gitlab-token"], random).secret for _ in range(300)]
    findings, masked = scanner.scan_body({"lines": "\n".join(secrets), "again": secrets})
    text = json.dumps(masked)
    assert not [secret for secret in secrets if secret in text]
    assert len({finding.fingerprint for finding in findings}) >= 300


def test_masking_twice_changes_nothing(scanner: Scanner) -> None:
    """Marks are read as marks, also beside names that announce a secret."""
    secret = a_secret("password-quoted")
    text = f'password = "{secret}"\nServer=db;Database=app;Password={secret};'
    masked = scanner.mask_text(text)
    assert secret not in masked
    assert scanner.mask_text(masked) == masked


def test_a_forged_mark_hides_nothing(scanner: Scanner) -> None:
    """Only a mark with a real rule's name is left alone."""
    secret = a_secret("aws-access-key-id")
    assert secret not in scanner.mask_text(f"[secret {secret} 20 chars #0123456789abcdef]")


def test_text_beyond_the_decoding_limit_is_scanned_whole() -> None:
    """A secret behind megabytes of text is found: the limit bounds decoding, never what is looked at."""
    small = Scanner(b"k", scan_bytes_max=4096)
    secret = a_secret("slack-token")
    text = "lorem ipsum dolor\n" * 100_000 + secret + "\nend"
    findings, masked = small.scan_text(text)
    assert findings[0].start == text.index(secret)
    assert secret not in masked


def test_lone_surrogates_and_separators_do_not_hide_a_secret(scanner: Scanner) -> None:
    """Characters that cannot be encoded or that the scan itself uses are no hiding place."""
    secret = a_secret("github-token")
    for text in (f"\ud800 {secret}", f"\x1f\x1e{secret}\x1f", f"a\x00{secret}"):
        masked = scanner.scan_body({"t": text})[1]
        assert secret not in masked["t"]


def test_a_body_nested_without_end_is_refused(scanner: Scanner) -> None:
    """Depth beyond the limit is an error with a code, not a crash."""
    body: dict[str, object] = {}
    for _ in range(500):
        body = {"a": body}
    with pytest.raises(BodyTooDeepError) as caught:
        scanner.scan_body(body)
    assert caught.value.code == "body_too_deep"
