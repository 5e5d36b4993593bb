"""A directory as identity sees it, in a transaction that the test has open."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.database.transaction import transaction
from appliance.identity import accounts, groups
from appliance.identity.accounts import Ended, Profile
from appliance.identity.groups import Group, GroupChange
from appliance.identity.records import Source, SourceKind
from tests.support.people import NOW

CORP: Final = Source(SourceKind.DIRECTORY, "corp")
STAFF: Final = Source(SourceKind.PROVIDER, "staff")


def profile(key: str, *, name: str = "", email: str = "") -> Profile:
    """What a source says of somebody."""
    return Profile(key=key, user_name=key, display_name=name or key.title(), email=email)


async def provision(key: str, *, email: str = "", source: Source = CORP, now: datetime = NOW) -> UUID:
    """Somebody whom a source lets in."""
    async with transaction():
        return await accounts.provision(source.actor, source, profile(key, email=email), now)


async def disable(*keys: str, source: Source = CORP, now: datetime = NOW) -> Ended:
    """The source lets them in no more."""
    async with transaction():
        return await accounts.disable(source.actor, source, keys, now, cause="disabled")


async def enable(*keys: str, source: Source = CORP, now: datetime = NOW) -> int:
    """The source lets them in again."""
    async with transaction():
        return await accounts.enable(source.actor, source, keys, now)


async def tell(
    names: Mapping[str, str], members: Mapping[str, frozenset[str]], *, is_complete: bool = True, source: Source = CORP
) -> GroupChange:
    """The source tells of its groups."""
    async with transaction():
        return await groups.replace_groups(source.actor, source, names, members, NOW, is_complete=is_complete)


async def group(key: str, *, source: Source = CORP) -> Group:
    """One group of the source."""
    return next(each for each in await groups.groups_of(source) if each.key == key)
