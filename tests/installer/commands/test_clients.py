"""`leashctl clients`, each call a process of its own; no database runs."""

import json
import plistlib
from pathlib import Path

from tests.installer.conftest import Leashctl

URL = "https://leash.acme.example"


def test_a_profile_is_made_and_verified(leashctl: Leashctl, tmp_path: Path) -> None:
    """What one command writes the other one believes, and nothing else."""

    def run(*words: str, code: int = 0) -> str:
        done = leashctl("clients", *words, LEASH_SERVER__PUBLIC_URL=URL)
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    signed = json.loads(run("profile", "--json"))
    file = tmp_path / "profile.json"
    file.write_text(run("profile"), encoding="utf-8")
    words = ("verify", str(file), "--signature", signed["signature"], "--key", signed["key"]["publicKey"])
    assert json.loads(run(*words, "--json"))["apiUrl"] == URL
    assert URL in run(*words)
    file.write_text(signed["profile"].replace("acme", "evil"), encoding="utf-8")
    assert json.loads(run(*words, "--json", code=1))["code"] == "endpoint_profile_invalid"


def test_payloads_are_printed_or_written(leashctl: Leashctl, tmp_path: Path) -> None:
    """For both systems, and as a picture in the terminal; an unknown target has a next step."""

    def run(*words: str, code: int = 0) -> str:
        done = leashctl("clients", "profile", *words, LEASH_SERVER__PUBLIC_URL=URL)
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    assert json.loads(run("--for", "android"))["managedConfiguration"]["apiUrl"] == URL
    file = tmp_path / "ios.plist"
    run("--for", "ios", "--out", str(file))
    assert plistlib.loads(file.read_bytes())["apiUrl"] == URL
    assert plistlib.loads(json.loads(run("--for", "webclip", "--json"))["content"].encode())["PayloadVersion"] == 1
    picture = run("--for", "qr")
    assert "█" in picture
    assert URL in picture
    assert json.loads(run("--for", "windows", "--json", code=1))["code"] == "endpoint_payload_unknown"
