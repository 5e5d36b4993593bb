"""The OpenID Connect providers that tests start, as their lock files pin them; nothing of them is part of the product.

npm's `oidc-provider` goes into .tools/oidc-provider, PyPI's `canaille` into an environment of its own beside it.
"""

import shutil
import sys
from pathlib import Path

from installer.setup.assets import npm
from installer.setup.environment import ROOT, digest, run, say, uv_program

SOURCE = ROOT / "tests" / "support" / "node"
OIDC_PROVIDER = ROOT / ".tools" / "oidc-provider"
CANAILLE = ROOT / ".tools" / "canaille"
CANAILLE_REQUIREMENTS = ROOT / "requirements-canaille.txt"


def bring() -> None:
    """Do nothing where what the lock files name is there already.

    Raises:
        SetupError: npm or uv failed.
    """
    _bring_oidc_provider()
    _bring_canaille()


def _bring_oidc_provider() -> None:
    lock = SOURCE / "package-lock.json"
    stamp, wanted = OIDC_PROVIDER / ".package-lock.sha256", digest(lock)
    if _holds(stamp, wanted):
        return
    say("bringing the OpenID Connect provider of the tests")
    OIDC_PROVIDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SOURCE / name, OIDC_PROVIDER / name)
    run([*npm(), "ci", "--prefix", str(OIDC_PROVIDER), "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
    stamp.write_text(wanted)


def _bring_canaille() -> None:
    stamp = CANAILLE / ".requirements.sha256"
    wanted = f"{digest(CANAILLE_REQUIREMENTS)} {sys.version}"
    if _holds(stamp, wanted):
        return
    say("bringing a second provider of the tests")
    uv = uv_program()
    run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(CANAILLE)])
    place = ["--python", str(CANAILLE / "bin" / "python")]
    pinned = ["--require-hashes", "--only-binary", ":all:", "--requirements", str(CANAILLE_REQUIREMENTS)]
    run([uv, "pip", "install", "--quiet", *place, *pinned])
    stamp.write_text(wanted)


def _holds(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text("utf-8") == wanted
