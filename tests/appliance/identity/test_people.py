"""Changing people: who may change whom, and that an owner always remains."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.errors import LeashError
from appliance.identity.errors import (
    EmailRefusedError,
    EmailTakenError,
    LastOwnerError,
    LinkInvalidError,
    NameRefusedError,
    PersonDisabledError,
    PersonUnknownError,
    RoleChangeRefusedError,
)
from appliance.identity.people import People
from appliance.identity.queries import has_owner
from appliance.identity.records import LinkPurpose, Role
from appliance.identity.service import Identity
from appliance.ledger.records import Actor, ActorKind
from tests.support.people import NOW, OPERATOR, Someone, claim, ledger_events, ledger_facts, make_owner, make_person

Change = Callable[[People, Actor, Someone], Awaitable[Any]]
CHANGES: dict[str, Change] = {
    "grant": lambda people, actor, target: people.grant_role(actor, target.id, Role.AUDITOR, NOW),
    "take": lambda people, actor, target: people.revoke_role(actor, target.id, Role.MEMBER, NOW),
    "disable": lambda people, actor, target: people.disable(actor, target.id, NOW),
    "enable": lambda people, actor, target: people.enable(actor, target.id, NOW),
    "reset": lambda people, actor, target: people.reset_credential(actor, target.id, NOW),
}


async def test_an_invited_person_is_listed_until_they_come_in(identity: Identity, owner: Someone) -> None:
    """The link lives three days; the ledger has the role, and name and address by commitment."""
    link = await identity.people.invite(
        owner.actor, display_name=" Mia ", email="MIA@example.org", role=Role.APPROVER, now=NOW
    )
    mia = await identity.people.by_email("mia@EXAMPLE.org")
    assert (mia.display_name, mia.email, mia.has_credential, mia.is_disabled) == (
        "Mia", "mia@example.org", False, False,
    )  # fmt: skip
    assert (link.purpose, link.person_id, (link.expires_at - NOW).days) == (LinkPurpose.INVITATION, mia.id, 3)
    assert [each.display_name for each in await identity.people.list()] == ["Ada Lovelace", "Mia"]
    assert await ledger_facts("person.invited") == [{"link": str(link.link_id), "roles": ["approver"]}]
    await claim(identity, link, NOW, email="mia@example.org")
    assert (await identity.people.by_email("mia@example.org")).has_credential


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"email": "ada@example.org"}, EmailTakenError),
        ({"email": "ADA@Example.org "}, EmailTakenError),
        ({"email": "nobody"}, EmailRefusedError),
        ({"email": "a@b\u202e.org"}, EmailRefusedError),
        ({"email": "x" * 65536}, EmailRefusedError),
        ({"email": ["a@example.org"]}, EmailRefusedError),
        ({"email": "a\x00@example.org"}, EmailRefusedError),
        ({"display_name": ""}, NameRefusedError),
        ({"display_name": "\u200b"}, NameRefusedError),
        ({"display_name": "x" * 201}, NameRefusedError),
        ({"display_name": "Ada\u202eevE"}, NameRefusedError),
        ({"display_name": "nul\x00"}, NameRefusedError),
        ({"display_name": {"a": 1}}, NameRefusedError),
    ],
)
async def test_unusable_names_and_addresses_are_refused(
    identity: Identity, owner: Someone, fields: dict[str, Any], error: type[LeashError]
) -> None:
    """Nobody is added."""
    usable: dict[str, Any] = {"display_name": "Mia", "email": "mia@example.org"}
    with pytest.raises(error):
        await identity.people.invite(owner.actor, **{**usable, **fields}, role=Role.MEMBER, now=NOW)
    assert len(await identity.people.list()) == 1


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", [Role.SECURITY, Role.APPROVER, Role.AUDITOR, Role.MEMBER])
async def test_people_without_the_permission_change_nobody(
    identity: Identity, owner: Someone, role: Role, change: str
) -> None:
    """Every attempt is refused and recorded, on others and on themselves."""
    actor = await make_person(identity, role, "eve@example.org", NOW)
    victim = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    before = await identity.people.list()
    for target in (victim, owner, actor):
        with pytest.raises(RoleChangeRefusedError):
            await CHANGES[change](identity.people, actor.actor, target)
    assert await identity.people.list() == before
    assert await ledger_facts("role_change.refused") == [{"change": change, "code": "role_change_refused"}] * 3


@pytest.mark.parametrize("change", CHANGES)
async def test_administrators_change_everybody_but_owners_and_themselves(
    identity: Identity, owner: Someone, change: str
) -> None:
    """Nor do they make owners."""
    administrator = await make_person(identity, Role.ADMINISTRATOR, "adm@example.org", NOW)
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    await CHANGES[change](identity.people, administrator.actor, member)
    for target in (owner, administrator):
        with pytest.raises((RoleChangeRefusedError, LastOwnerError)):
            await CHANGES[change](identity.people, administrator.actor, target)
    with pytest.raises(RoleChangeRefusedError):
        await identity.people.grant_role(administrator.actor, member.id, Role.OWNER, NOW)
    with pytest.raises(RoleChangeRefusedError):
        await identity.people.invite(
            administrator.actor, display_name="E", email="eve@example.org", role=Role.OWNER, now=NOW
        )
    assert (await ledger_events())["role_change.refused"] == 4


@pytest.mark.parametrize("kind", [ActorKind.ANONYMOUS, ActorKind.MACHINE])
async def test_only_people_and_the_operator_change_people(identity: Identity, owner: Someone, kind: ActorKind) -> None:
    """An identifier of an owner in a machine's mouth is worth nothing."""
    for change in CHANGES.values():
        with pytest.raises(RoleChangeRefusedError):
            await change(identity.people, Actor(kind=kind, id=str(owner.id)), owner)


async def test_roles_are_read_when_it_counts(identity: Identity, owner: Someone) -> None:
    """An administrator who lost the role a moment ago, or was disabled, changes nobody any more."""
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    people = identity.people
    for change in ("revoke", "disable"):
        administrator = await make_person(identity, Role.ADMINISTRATOR, f"{change}@example.org", NOW)
        await people.grant_role(administrator.actor, member.id, Role.APPROVER, NOW)
        if change == "revoke":
            await people.revoke_role(owner.actor, administrator.id, Role.ADMINISTRATOR, NOW)
        else:
            await people.disable(owner.actor, administrator.id, NOW)
        with pytest.raises(RoleChangeRefusedError):
            await people.revoke_role(administrator.actor, member.id, Role.APPROVER, NOW)


async def test_roles_come_and_go_once(identity: Identity, owner: Someone) -> None:
    """A second grant or taking changes nothing and records nothing; live sessions see it at once."""
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    assert await identity.sessions.authenticate(member.token, NOW)
    for _ in range(2):
        await identity.people.grant_role(owner.actor, member.id, Role.APPROVER, NOW)
    signed_in = await identity.sessions.authenticate(member.token, NOW)
    assert signed_in
    assert signed_in.roles == {Role.MEMBER, Role.APPROVER}
    for _ in range(2):
        await identity.people.revoke_role(owner.actor, member.id, Role.APPROVER, NOW)
    events = await ledger_events()
    assert (events["role.granted"], events["role.revoked"]) == (1 + 1, 1)  # the owner's own at the claim


async def test_disabling_ends_every_session_at_once(identity: Identity, owner: Someone) -> None:
    """Enabling brings none back."""
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    assert await identity.sessions.authenticate(member.token, NOW)
    await identity.people.disable(owner.actor, member.id, NOW)
    assert await identity.sessions.authenticate(member.token, NOW) is None
    await identity.people.disable(owner.actor, member.id, NOW)
    for _ in range(2):
        await identity.people.enable(owner.actor, member.id, NOW)
    assert await identity.sessions.authenticate(member.token, NOW) is None
    assert await ledger_facts("person.disabled") == [{"sessions": 2}]
    assert (await ledger_events())["person.enabled"] == 1


async def test_a_reset_gives_a_new_way_in_and_ends_the_old_one(identity: Identity, owner: Someone) -> None:
    """Sessions and credential are gone; the link is for a day; of two resets the last link counts."""
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    first = await identity.people.reset_credential(owner.actor, member.id, NOW)
    assert (first.purpose, (first.expires_at - NOW).days) == (LinkPurpose.RESET, 1)
    assert await identity.sessions.authenticate(member.token, NOW) is None
    second = await identity.people.reset_credential(owner.actor, member.id, NOW)
    with pytest.raises(LinkInvalidError):
        await identity.links.offer(first.token, NOW)
    again = await claim(identity, second, NOW, email=member.email)
    assert again.id == member.id
    assert again.secret != member.secret
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM recovery_code WHERE person = $1", member.id) == 10
    await identity.people.disable(owner.actor, member.id, NOW)
    with pytest.raises(PersonDisabledError):
        await identity.people.reset_credential(owner.actor, member.id, NOW)


async def test_the_operator_lets_the_last_owner_in_again(identity: Identity, owner: Someone) -> None:
    """Whoever lost authenticator and recovery codes needs somebody on the machine; owners do not reset themselves."""
    with pytest.raises(RoleChangeRefusedError):
        await identity.people.reset_credential(owner.actor, owner.id, NOW)
    link = await identity.people.reset_credential(OPERATOR, owner.id, NOW)
    assert not await has_owner()
    await claim(identity, link, NOW, email=owner.email)
    assert await has_owner()


async def test_the_last_owner_stays(identity: Identity, owner: Someone) -> None:
    """Neither themselves nor the operator removes them; owners who cannot come in do not count."""
    invited = await identity.people.invite(
        owner.actor, display_name="Eve", email="eve@example.org", role=Role.OWNER, now=NOW
    )
    assert invited.person_id
    for actor in (owner.actor, OPERATOR):
        with pytest.raises(LastOwnerError):
            await identity.people.disable(actor, owner.id, NOW)
        with pytest.raises(LastOwnerError):
            await identity.people.revoke_role(actor, owner.id, Role.OWNER, NOW)
    await identity.people.revoke_role(owner.actor, invited.person_id, Role.OWNER, NOW)
    second = await make_owner(identity, NOW, "grace@example.org")
    with pytest.raises(RoleChangeRefusedError):
        await identity.people.disable(second.actor, second.id, NOW)
    await identity.people.disable(second.actor, owner.id, NOW)
    with pytest.raises(LastOwnerError):
        await identity.people.disable(OPERATOR, second.id, NOW)


async def test_nobody_is_changed_who_does_not_exist(identity: Identity, owner: Someone) -> None:
    """Unknown identifiers and addresses are told, and the attempt is recorded."""
    ghost = Someone(uuid4(), "ghost@example.org", "", "", (), 0)
    for change in CHANGES.values():
        with pytest.raises(PersonUnknownError):
            await change(identity.people, owner.actor, ghost)
    with pytest.raises(PersonUnknownError):
        await identity.people.by_email(ghost.email)
    assert (await ledger_events())["role_change.refused"] == len(CHANGES)


@pytest.mark.parametrize("change", ["disable", "take"])
async def test_owners_who_remove_each_other_at_once_leave_one(committed: Identity, change: str) -> None:
    """Three owners, each against both others, all at the same time."""
    owners = [await make_owner(committed, NOW, f"o{number}@example.org") for number in range(3)]

    async def remove(actor: Someone, target: Someone) -> None:
        if change == "disable":
            await committed.people.disable(actor.actor, target.id, NOW)
        else:
            await committed.people.revoke_role(actor.actor, target.id, Role.OWNER, NOW)

    pairs = [(one, other) for one in owners for other in owners if one is not other]
    done = await asyncio.gather(*(remove(*pair) for pair in pairs), return_exceptions=True)
    left = [each for each in await committed.people.list() if Role.OWNER in each.roles and not each.is_disabled]
    assert len(left) == 1
    refusals = [each for each in done if each is not None]
    assert all(isinstance(each, RoleChangeRefusedError | LastOwnerError) for each in refusals)
    assert (await ledger_events())["role_change.refused"] == len(refusals)


async def test_one_address_is_invited_once(committed: Identity) -> None:
    """Ten invitations at once make one person and one link."""
    await make_owner(committed, NOW)
    done = await asyncio.gather(
        *(
            committed.people.invite(OPERATOR, display_name="M", email="m@example.org", role=Role.MEMBER, now=NOW)
            for _ in range(10)
        ),
        return_exceptions=True,
    )
    assert len([each for each in done if isinstance(each, EmailTakenError)]) == 9
    assert len(await committed.people.list()) == 2
    assert (await ledger_events())["person.invited"] == 1


async def test_a_change_without_its_entry_does_not_happen(committed: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the ledger cannot take the entry, nobody is disabled and no session ends."""
    await make_owner(committed, NOW)
    member = await make_person(committed, Role.MEMBER, "mia@example.org", NOW)

    async def full(*_: object, **__: object) -> None:
        raise asyncpg.DiskFullError("no space left on device")

    monkeypatch.setattr("appliance.identity.changes.append", full)
    with pytest.raises(asyncpg.DiskFullError):
        await committed.people.disable(OPERATOR, member.id, NOW)
    assert await committed.sessions.authenticate(member.token, NOW)


async def test_the_database_keeps_each_role_of_a_person_once(committed: Identity) -> None:
    """Whatever the code does."""
    owner = await make_owner(committed, NOW)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction():
            await current_connection().execute(
                "INSERT INTO person_role (id, person, role) VALUES ($1, $2, 'owner')", uuid7(), owner.id
            )
