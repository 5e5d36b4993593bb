"""Ledger events of the ledger itself."""

from typing import Final

EXPORTED: Final = "ledger.exported"

EVENTS: Final[dict[str, str]] = {
    EXPORTED: "Everything that was sealed, content included, was written to a file.",
}
