"""Programs that tests and benchmarks start and that PyPI does not have; as root on Debian they are installed.

`python3 -m installer.setup.tools`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from installer.setup import ntfy, providers
from installer.setup.environment import SetupError, run, say

# Program -> Debian package.
PROGRAMS = {
    "chromium": "chromium",
    "curl": "curl",
    "git": "git",
    "ip": "iproute2",
    "kinit": "krb5-user",
    "ldapsearch": "ldap-utils",
    "ldbsearch": "ldb-tools",
    "nginx": "nginx-light",
    "samba": "samba",
    "slapd": "slapd",
    "winbindd": "winbind",
    "wrk": "wrk",
}
# Parts of Samba without a program of their own: a file of theirs -> Debian package.
PARTS = {
    "usr/lib/python3/dist-packages/samba/__init__.py": "python3-samba",
    "usr/share/samba/setup/provision.ldif": "samba-ad-provision",
    "usr/lib/*/samba/ldb/samba_secrets.so": "samba-dsdb-modules",
    "usr/lib/*/samba/vfs/acl_xattr.so": "samba-vfs-modules",
}
# Where daemons lie, also for users whose PATH leaves them out.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def main() -> int:
    """Install what is missing, or say what is."""
    try:
        bring()
        providers.bring()
        ntfy.bring()
    except SetupError as problem:
        sys.stderr.write(f"{problem}\n")
        return 69
    return 0


def bring() -> None:
    """Do nothing if every program is there.

    Raises:
        SetupError: some are missing and cannot be installed from here.
    """
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=PATH) is None]
    missing += [package for file, package in PARTS.items() if not any(Path("/").glob(file))]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"Tests need {', '.join(missing)}. On Debian: apt-get install {' '.join(missing)}")
    say(f"installing {', '.join(missing)} with apt-get")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    wait = "DPkg::Lock::Timeout=600"
    if not _is_known(missing):
        run(["apt-get", "update", "-qq", "-o", wait])
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", wait, *missing])


def _is_known(packages: list[str]) -> bool:
    """Whether the lists that are here name all of them; fresh machines have none."""
    words = ["apt-cache", "show", "--no-all-versions", *packages]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0  # noqa: S603 - fixed words


if __name__ == "__main__":
    sys.exit(main())
