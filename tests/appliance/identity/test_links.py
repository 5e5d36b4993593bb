"""One-time links: who gets one, how long it works, and what it replaces."""

from datetime import timedelta

import pytest

from appliance.identity.errors import LinkInvalidError, OwnerExistsError, RoleChangeRefusedError
from appliance.identity.queries import has_owner
from appliance.identity.records import LinkPurpose, Role
from appliance.identity.service import Identity
from appliance.ledger.records import Actor, ActorKind
from tests.support.people import NOW, OPERATOR, Someone, claim, ledger_events, make_owner, make_person


async def test_looking_uses_nothing_up(identity: Identity) -> None:
    """An owner link offers no name, as often as it is opened, until its hour is over."""
    link = await identity.links.create_owner_link(OPERATOR, now=NOW)
    assert link.expires_at == NOW + timedelta(minutes=60)
    for moment in (NOW, NOW + timedelta(minutes=30), link.expires_at - timedelta(microseconds=1)):
        offer = await identity.links.offer(link.token, moment)
        assert (offer.purpose, offer.display_name, offer.email) == (LinkPurpose.OWNER, "", "")
    with pytest.raises(LinkInvalidError):
        await identity.links.offer(link.token, link.expires_at)


async def test_a_new_owner_link_replaces_the_old_one(identity: Identity) -> None:
    """Only the newest works; invitations are another matter."""
    invited = await identity.people.invite(OPERATOR, display_name="M", email="m@example.org", role=Role.MEMBER, now=NOW)
    old = await identity.links.create_owner_link(OPERATOR, now=NOW)
    new = await identity.links.create_owner_link(OPERATOR, now=NOW)
    with pytest.raises(LinkInvalidError):
        await identity.links.offer(old.token, NOW)
    assert await identity.links.offer(new.token, NOW)
    assert await identity.links.offer(invited.token, NOW)


async def test_with_an_owner_another_one_must_be_wanted(identity: Identity) -> None:
    """An invited owner does not count until they have come in; the refusal is in the ledger."""
    link = await identity.people.invite(OPERATOR, display_name="A", email="ada@example.org", role=Role.OWNER, now=NOW)
    assert not await has_owner()
    assert await identity.links.create_owner_link(OPERATOR, now=NOW)
    await claim(identity, link, NOW, email="ada@example.org")
    assert await has_owner()
    with pytest.raises(OwnerExistsError):
        await identity.links.create_owner_link(OPERATOR, now=NOW)
    assert await identity.links.create_owner_link(OPERATOR, now=NOW, is_another=True)
    events = await ledger_events()
    assert (events["owner_link.created"], events["role_change.refused"]) == (2, 1)


async def test_only_operators_and_owners_make_owner_links(identity: Identity, owner: Someone) -> None:
    """Administrators, strangers, machines and disabled owners do not, and each refusal is recorded."""
    assert await identity.links.create_owner_link(owner.actor, now=NOW, is_another=True)
    administrator = await make_person(identity, Role.ADMINISTRATOR, "adm@example.org", NOW)
    former = await make_owner(identity, NOW, "former@example.org")
    await identity.people.disable(owner.actor, former.id, NOW)
    others = (
        administrator.actor,
        former.actor,
        Actor(kind=ActorKind.MACHINE, id=str(owner.id)),
        Actor(kind=ActorKind.ANONYMOUS, id="anonymous"),
    )
    for actor in others:
        with pytest.raises(RoleChangeRefusedError):
            await identity.links.create_owner_link(actor, now=NOW, is_another=True)
    assert (await ledger_events())["role_change.refused"] == len(others)
