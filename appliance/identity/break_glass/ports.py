"""What the owner behind glass needs of others."""

from typing import Protocol

from appliance.identity.break_glass.records import Notice


class Alarm(Protocol):
    """Tells people outside of this product, at once, that the glass is touched."""

    async def tell(self, notice: Notice) -> None:
        """Pass the notice on; it is in the ledger and in the log already, whatever happens here."""


class NoAlarm:
    """For an installation that has no way to notify: ledger, log and the banner on every page are all there is."""

    async def tell(self, notice: Notice) -> None:
        """Nothing."""
