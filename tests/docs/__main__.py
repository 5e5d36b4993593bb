"""`python -m tests.docs`: write every reference that is made from the code, and config.example.toml."""

import sys

from tests.docs.pages import PAGES

for path, render in PAGES.items():
    text = render()
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
        sys.stdout.write(f"{path} written\n")
