"""An owner behind glass on a real database, and an alarm that remembers."""

import os

import pytest

from appliance.identity.break_glass.records import Notice
from appliance.identity.break_glass.service import BreakGlass
from appliance.identity.service import Identity


class Bell:
    """An alarm that remembers what it was told, or fails if it is broken."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.is_broken = False

    async def tell(self, notice: Notice) -> None:
        self.rung.append(notice.event)
        if self.is_broken:
            raise OSError


@pytest.fixture
def bell() -> Bell:
    """The alarm."""
    return Bell()


@pytest.fixture
def alone(identity: Identity, bell: Bell) -> BreakGlass:
    """Where one person suffices."""
    return BreakGlass(identity, people=1, alarm=bell, random_bytes=os.urandom)


@pytest.fixture
def together(identity: Identity, bell: Bell) -> BreakGlass:
    """Where a second person must confirm."""
    return BreakGlass(identity, people=2, alarm=bell, random_bytes=os.urandom)
