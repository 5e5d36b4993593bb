"""The ntfy server that tests publish to: Debian 13's package, unpacked into .tools/ntfy; nothing of it is installed.

apt checks it with Debian's own keys, in directories of its own, so that the machine's package lists stay as they are.
"""

import shutil
from pathlib import Path

from installer.setup.environment import ROOT, SetupError, run, say

NTFY = ROOT / ".tools" / "ntfy"
PROGRAM = NTFY / "usr" / "bin" / "ntfy"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCE = f"""Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: {KEYRING}
"""


def bring() -> None:
    """Do nothing if it is there.

    Raises:
        SetupError: there is no apt, or it failed.
    """
    if PROGRAM.exists():
        return
    if shutil.which("apt-get") is None or not KEYRING.exists():
        raise SetupError(f"Tests need the ntfy server of Debian 13: put its program at {PROGRAM}")
    say("bringing the ntfy server of the tests")
    place = NTFY.with_name("ntfy-apt")
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (place / name).mkdir(parents=True, exist_ok=True)
    (place / "parts" / "trixie.sources").write_text(_SOURCE)
    options = [
        "-qq", "-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={place}/parts",
        "-o", f"Dir::State::Lists={place}/lists", "-o", f"Dir::Cache={place}/cache",
        "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    run(["apt-get", "update", *options])
    # Downloads go to the working directory.
    run(["sh", "-c", 'cd "$1" && shift && exec apt-get download "$@" ntfy', "sh", str(place), *options])
    package = next(place.glob("ntfy_*.deb"))
    run(["dpkg-deb", "-x", str(package), str(NTFY)])
    shutil.rmtree(place)
