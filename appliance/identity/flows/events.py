"""Ledger events of apps; that an app is signed in is told like every other sign-in."""

from typing import Final

CODE_ISSUED: Final = "app_code.issued"
CODE_REFUSED: Final = "app_code.refused"
CODE_REUSED: Final = "app_code.reused"

EVENTS: Final[dict[str, str]] = {
    CODE_ISSUED: "A person let an app in from the browser; the code works once, for a minute.",
    CODE_REFUSED: "A code gave no session; `cause` says why.",
    CODE_REUSED: "A code came a second time: the session that it had given, if it was still live, was ended.",
}
