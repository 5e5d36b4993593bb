"""Which release is installed."""

import tomllib
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

DISTRIBUTION = "openleash-private-cloud"
_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def version() -> str:
    """The release: of the installed wheel, or of the clone that this runs from."""
    if _PROJECT.exists():
        project = tomllib.loads(_PROJECT.read_text("utf-8"))["project"]
        return str(project["version"])
    try:
        return installed_version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
