"""What every page says at its top while the owner behind glass is signed in."""

from datetime import datetime
from typing import Final

from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_STATE: Final = "break_glass_until"


async def look_at_the_glass(request: AnyRequest) -> None:
    """Before each page of somebody who is signed in: until when the glass is open, for `open_until`."""
    if request.scope.get("user") is not None:
        request.scope["state"][_STATE] = await appliance_of(request).break_glass.open_until(now_of(request))


def open_until(request: AnyRequest) -> datetime | None:
    """Until when the glass is open; None if it is not, or if nobody has looked, as for pages of errors."""
    found: datetime | None = request.scope["state"].get(_STATE)
    return found
