"""References that are written from the code: `python -m tests.docs` writes them, test_docs.py compares them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
GENERATED = "<!-- Written by `make docs` from the code; a test compares. Change the code, not this page. -->"


def cell(text: str) -> str:
    """Text that does not end its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
