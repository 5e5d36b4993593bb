"""Lock files pin by hash and name no host: an organisation installs from its own mirror."""

import json
import re
from pathlib import Path

from tests.checks.tree import ROOT

_HOST = re.compile(r"https?://|^-|^\s*--(?!hash=sha256:)", re.MULTILINE)
_PIN = re.compile(r"^[A-Za-z0-9][\w.\-\[\]]*==\S+", re.MULTILINE)
_LOCKS = tuple(ROOT / folder / "package-lock.json" for folder in ("server/dashboard", "tests/support/node"))


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
    return found + [problem for path in _LOCKS for problem in _of_npm(path)]


def _of_npm(path: Path) -> list[str]:
    lock, shown = path.read_text("utf-8"), path.relative_to(ROOT)
    packages = {name: each for name, each in json.loads(lock)["packages"].items() if name}
    found = [f"{shown} has no hash of {name}" for name, each in packages.items() if "integrity" not in each]
    if '"resolved"' in lock or "://" in lock:
        found.append(f"{shown} names a host; make it with --omit-lockfile-registry-resolved, without `funding`")
    return found
