"""Read policy versions and drafts."""

from typing import Any

from appliance.policy.errors import PolicyDraftUnknownError, PolicyVersionUnknownError
from appliance.policy.records import Draft, PublishedPolicy
from appliance.policy.tables import PolicyDraftTable, PolicyVersionTable

LARGEST_PAGE = 200


async def active_version() -> PublishedPolicy | None:
    """Give the newest version, which is the one that decides; None before the first start."""
    rows = await PolicyVersionTable.select().order_by(PolicyVersionTable.version, ascending=False).limit(1)
    return _published(rows[0]) if rows else None


async def version_of(version: int) -> PublishedPolicy:
    """Give one version.

    Raises:
        PolicyVersionUnknownError: it was never published.
    """
    in_range = 0 < version < 2**31
    rows = await PolicyVersionTable.select().where(PolicyVersionTable.version == version) if in_range else []
    if not rows:
        raise PolicyVersionUnknownError(version)
    return _published(rows[0])


async def history(*, before: int | None = None, limit: int = 50) -> tuple[PublishedPolicy, ...]:
    """List versions, newest first, at most 200 at once; `before` leaves out that version and all newer ones."""
    query = PolicyVersionTable.select().order_by(PolicyVersionTable.version, ascending=False)
    if before is not None:
        query = query.where(PolicyVersionTable.version < max(0, min(before, 2**31 - 1)))
    rows = await query.limit(max(1, min(limit, LARGEST_PAGE)))
    return tuple(_published(row) for row in rows)


async def drafts_of(author: str) -> tuple[Draft, ...]:
    """List an author's drafts by name."""
    rows = await PolicyDraftTable.select().where(PolicyDraftTable.author == author).order_by(PolicyDraftTable.name)
    return tuple(_draft(row) for row in rows)


async def draft_of(author: str, name: str) -> Draft:
    """Give one of an author's drafts.

    Raises:
        PolicyDraftUnknownError: the author has none of that name.
    """
    rows = await PolicyDraftTable.select().where((PolicyDraftTable.author == author) & (PolicyDraftTable.name == name))
    if not rows:
        raise PolicyDraftUnknownError
    return _draft(rows[0])


def _published(row: dict[str, Any]) -> PublishedPolicy:
    return PublishedPolicy(**row)


def _draft(row: dict[str, Any]) -> Draft:
    return Draft(**{name: row[name] for name in Draft.__struct_fields__})
