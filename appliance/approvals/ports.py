"""What approvals need of others."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class AskNotices(Protocol):
    """Tells people of asks; whatever it writes commits with the ask, or neither happens."""

    async def opened(self, ask_id: UUID, now: datetime, expires_at: datetime) -> None:
        """Somebody's answer is wanted; called inside the running transaction."""

    async def ended(self, ask_id: UUID, now: datetime) -> None:
        """Nobody's answer is wanted any more; called inside the running transaction."""


class NoNotices:
    """For tests and tools that tell nobody: people see asks on the page alone."""

    async def opened(self, ask_id: UUID, now: datetime, expires_at: datetime) -> None:
        """Nothing."""

    async def ended(self, ask_id: UUID, now: datetime) -> None:
        """Nothing."""
