"""Lock files pin by hash and name no host: an organisation installs from its own mirror."""

import json
import re

from tests.checks.tree import ROOT

_HOST = re.compile(r"https?://|^-|^\s*--(?!hash=sha256:)", re.MULTILINE)
_PIN = re.compile(r"^[A-Za-z0-9][\w.\-\[\]]*==\S+", re.MULTILINE)
_LOCK = ROOT / "server" / "dashboard" / "package-lock.json"


def problems() -> list[str]:
    """What is wrong with them."""
    found = []
    for path in sorted(ROOT.glob("requirements*.txt")):
        text = re.sub(r"(?m)^\s*#.*\n?", "", path.read_text("utf-8"))
        if _HOST.search(text):
            found.append(f"{path.name} names a host or an option of an installer")
        packages = re.split(r"(?m)^(?=\S)", text)
        loose = [each.split()[0] for each in packages if each.strip() and not (_PIN.match(each) and "--hash=" in each)]
        found += [f"{path.name} does not pin {name} by version and hash" for name in loose]
    lock = _LOCK.read_text("utf-8")
    if "resolved" in lock or "http" in lock:
        found.append(f"{_LOCK.name} names a host; make it with --omit-lockfile-registry-resolved")
    packages_of_lock = {name: each for name, each in json.loads(lock)["packages"].items() if name}
    found += [
        f"{_LOCK.name} has no hash of {name}" for name, each in packages_of_lock.items() if "integrity" not in each
    ]
    return found
