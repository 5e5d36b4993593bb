"""Users of a provider, and the people that they are."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.accounts import find_account
from appliance.identity.provisioning.errors import (
    LastOwnerKeptError,
    NotUniqueError,
    ProvisioningError,
    ResourceUnknownError,
    VersionMismatchError,
)
from appliance.identity.provisioning.queries import user_by_id
from appliance.identity.provisioning.records import Caller, ProvisionedUser, UserContent
from appliance.identity.provisioning.users import UserChange, change_user, create_user, delete_user
from appliance.identity.queries import find_person, person_by_id
from appliance.identity.records import Person, Role
from appliance.identity.service import Identity
from tests.support.people import NOW, OPERATOR, ledger_events, ledger_facts, make_owner

ENTRA = Caller(token_id=UUID(int=1), provider="entra")
OKTA = Caller(token_id=UUID(int=2), provider="okta")


def content(name: str = "mia@example.org", *, is_active: bool | None = True, **more: Any) -> UserContent:  # noqa: ANN401 - any field
    """What a provider says of Mia."""
    fields: dict[str, Any] = {
        "user_name": name, "external_id": "", "is_active": is_active, "display_name": "Mia", "email": name,
        "document": {"userName": name, "active": is_active},
    }  # fmt: skip
    return UserContent(**fields | more)


def becoming(new: UserContent) -> UserChange:
    """A change to exactly that."""

    def change(_before: Mapping[str, Any]) -> UserContent:
        return new

    return change


async def person_of(user: ProvisionedUser, caller: Caller = ENTRA) -> Person:
    """Who a user is, by the account whose key is the user's identifier."""
    account = await find_account(caller.source, str(user.id))
    assert account
    found = await find_person("mia@example.org")
    assert found
    assert found.id == account.person_id
    return found


async def give_credential(person: Person) -> None:
    """Let somebody in with a password too, as far as rules about owners look."""
    async with transaction():
        await current_connection().execute(
            "INSERT INTO local_credential (id, person, password_hash, totp_sealed, totp_last_step, created_at) "
            "VALUES ($1, $1, 'x', 'x', 0, $2)",
            person.id,
            NOW,
        )


async def test_a_user_is_a_person_who_is_out_as_soon_as_inactive(identity: Identity) -> None:
    """The session is dead, the person is the provider's to let in again, and the ledger names the token."""
    user = await create_user(ENTRA, content(), NOW)
    person = await person_of(user)
    assert (person.display_name, person.is_disabled, person.roles) == ("Mia", False, frozenset())
    session = await identity.sessions.create_script_session(ENTRA.actor, person.id, 60, NOW)
    later = NOW + timedelta(seconds=1)
    out = await change_user(ENTRA, user.id, becoming(content(is_active=False)), later)
    assert out.version == 2
    assert out.document["active"] is False
    person = await person_of(user)
    assert (person.is_disabled, person.disabled_by) == (True, "scim:entra")
    identity.sessions.forget()
    assert await identity.sessions.authenticate(session.token, later) is None
    await change_user(ENTRA, user.id, becoming(content()), later)
    assert not (await person_of(user)).is_disabled
    events = await ledger_events()
    assert (events["provisioned_user.created"], events["provisioned_user.changed"]) == (1, 2)
    assert (await ledger_facts("provisioned_user.changed"))[0]["attributes"] == ["active"]
    assert (await ledger_facts("person.disabled"))[0]["sessions"] == 1


async def test_a_user_may_be_added_inactive(identity: Identity) -> None:
    """The person is there, and out."""
    user = await create_user(ENTRA, content(is_active=False), NOW)
    assert (await person_of(user)).is_disabled


async def test_what_says_nothing_of_active_changes_nothing_of_it(identity: Identity) -> None:
    """Whoever is out stays out."""
    user = await create_user(ENTRA, content(is_active=False), NOW)
    await change_user(ENTRA, user.id, becoming(content(is_active=None, display_name="Mia M.")), NOW)
    person = await person_of(user)
    assert (person.is_disabled, person.display_name) == (True, "Mia M.")


async def test_a_user_name_is_once_per_provider_in_any_case(identity: Identity) -> None:
    """Another provider may have it, as a person of its own."""
    await create_user(ENTRA, content(email=""), NOW)
    with pytest.raises(NotUniqueError):
        await create_user(ENTRA, content("MIA@Example.org", email=""), NOW)
    other = await create_user(OKTA, content(email=""), NOW)
    mona = await create_user(ENTRA, content("mona@example.org"), NOW)
    with pytest.raises(NotUniqueError):
        await change_user(ENTRA, mona.id, becoming(content("Mia@example.org", email="")), NOW)
    assert await find_account(OKTA.source, str(other.id))
    assert (await ledger_events())["provisioning.refused"] == 2


async def test_people_are_never_merged_by_their_address(committed: Identity) -> None:
    """Neither at the beginning nor by a change; nothing of the refused change is left."""
    owner = await make_owner(committed, NOW)
    with pytest.raises(NotUniqueError):
        await create_user(ENTRA, content("ada", email=owner.email), NOW)
    user = await create_user(ENTRA, content(), NOW)
    with pytest.raises(NotUniqueError):
        await change_user(ENTRA, user.id, becoming(content(email=owner.email, display_name="Eve")), NOW)
    assert (await person_of(user)).display_name == "Mia"


async def test_whoever_is_deleted_is_out_and_comes_back_as_the_same_person(identity: Identity) -> None:
    """Under a new identifier; of the deleted user no attributes are kept."""
    user = await create_user(ENTRA, content(external_id="e-1"), NOW)
    person = await person_of(user)
    await delete_user(ENTRA, user.id, NOW, keeps_account=True)
    found = await find_person("mia@example.org")
    assert found
    assert found.is_disabled
    for lost in (delete_user(ENTRA, user.id, NOW, keeps_account=True), user_by_id(ENTRA, user.id)):
        with pytest.raises(ResourceUnknownError):
            await lost
    again = await create_user(ENTRA, content("mia.new@example.org", external_id="e-1"), NOW)
    assert again.id != user.id
    back = await find_person("mia.new@example.org")
    assert back
    assert (back.id, back.is_disabled) == (person.id, False)


async def test_a_user_name_that_was_given_to_somebody_else_is_somebody_else(identity: Identity) -> None:
    """The provider's own identifier differs, so nobody inherits the rights of who left."""
    user = await create_user(ENTRA, content(external_id="e-1"), NOW)
    person = await person_of(user)
    await delete_user(ENTRA, user.id, NOW, keeps_account=True)
    with pytest.raises(NotUniqueError):
        await create_user(ENTRA, content(external_id="e-2"), NOW)
    other = await create_user(ENTRA, content(external_id="e-2", email="mia2@example.org"), NOW)
    account = await find_account(ENTRA.source, str(other.id))
    assert account
    assert account.person_id != person.id


@pytest.mark.parametrize(("first", "then"), [("e-1", ""), ("", "e-2"), ("", "")])
async def test_a_user_name_alone_brings_back_only_whom_nothing_else_ever_named(
    identity: Identity, first: str, then: str
) -> None:
    """Where either side has an externalId, the name may have been given to somebody else since."""
    user = await create_user(ENTRA, content(external_id=first), NOW)
    person = await person_of(user)
    await delete_user(ENTRA, user.id, NOW, keeps_account=True)
    other = await create_user(ENTRA, content(external_id=then, email="mia2@example.org"), NOW)
    account = await find_account(ENTRA.source, str(other.id))
    returned = (await ledger_facts("provisioned_user.created"))[-1]["returned"]
    assert (account is None, returned) == ((True, True) if first == then else (False, False))
    assert (await person_by_id(person.id)).is_disabled is not returned


async def test_a_person_can_be_deleted_for_good(identity: Identity) -> None:
    """If nobody else knows them; the address is free again, and the ledger says so."""
    user = await create_user(ENTRA, content(), NOW)
    await delete_user(ENTRA, user.id, NOW, keeps_account=False)
    assert await find_person("mia@example.org") is None
    assert (await ledger_facts("provisioned_user.deleted"))[0]["is_person_deleted"] is True
    again = await create_user(ENTRA, content(), NOW)
    assert not (await person_of(again)).is_disabled


async def test_the_last_owner_stays(committed: Identity) -> None:
    """A clear refusal, however it is tried, and nothing of the change is done."""
    user = await create_user(ENTRA, content(), NOW)
    person = await person_of(user)
    await committed.people.grant_role(OPERATOR, person.id, Role.OWNER, NOW)
    await give_credential(person)
    for refused in (
        change_user(ENTRA, user.id, becoming(content(is_active=False)), NOW),
        delete_user(ENTRA, user.id, NOW, keeps_account=True),
        delete_user(ENTRA, user.id, NOW, keeps_account=False),
    ):
        with pytest.raises(LastOwnerKeptError):
            await refused
    assert not (await person_of(user)).is_disabled


async def test_a_change_of_another_version_is_refused(identity: Identity) -> None:
    """Of one that is not there any more, or never was; the present one passes."""
    user = await create_user(ENTRA, content(), NOW)
    for versions in ((), (2,), (7, 9)):
        with pytest.raises(VersionMismatchError):
            await change_user(ENTRA, user.id, becoming(content(is_active=False)), NOW, versions=versions)
        with pytest.raises(VersionMismatchError):
            await delete_user(ENTRA, user.id, NOW, keeps_account=True, versions=versions)
    same = await change_user(ENTRA, user.id, becoming(content()), NOW, versions=(1,))
    assert same.version == 1


async def test_a_user_of_another_provider_is_nobody(identity: Identity) -> None:
    """As unknown as one that never was, to every verb."""
    user = await create_user(ENTRA, content(), NOW)
    for user_id in (user.id, uuid4()):
        for verb in (
            user_by_id(OKTA, user_id),
            change_user(OKTA, user_id, becoming(content(is_active=False)), NOW),
            delete_user(OKTA, user_id, NOW, keeps_account=True),
        ):
            with pytest.raises(ResourceUnknownError) as refusal:
                await verb
            assert isinstance(refusal.value, ProvisioningError)
            assert refusal.value.detail == ResourceUnknownError.summary
    assert not (await person_of(user)).is_disabled
