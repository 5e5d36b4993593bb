"""Deployment tokens and enrolment on a real database."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from appliance.agents.credentials import hash_token
from appliance.agents.errors import (
    DeploymentTermsRefusedError,
    DeploymentTokenExpiredError,
    DeploymentTokenRefusedError,
    DeploymentTokenRevokedError,
    DeploymentTokenUnknownError,
    DeploymentTokenUsedUpError,
    EmailDomainRefusedError,
    EmailElsewhereError,
    EnrolmentRefusedError,
    MachineUnknownError,
)
from appliance.agents.queries import deployment_tokens, machine_by_id, machines
from appliance.agents.records import DeploymentTerms, Enrolment, EnrolmentRequest, NewDeploymentToken
from appliance.agents.service import create_deployment_token, enroll, revoke_deployment_token, revoke_machine
from appliance.clock import utc_now
from appliance.database.connection import open_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.ledger.records import Actor, ActorKind
from tests.support.postgres import TestDatabase

ADMIN = Actor(kind=ActorKind.OPERATOR, id="leashctl")
CALLERS = 20


async def token(**terms: Any) -> NewDeploymentToken:  # noqa: ANN401 - any term
    return await create_deployment_token(ADMIN, DeploymentTerms(**{"name": "Laptops", **terms}), now=utc_now())


async def enrolled(deployment: NewDeploymentToken, email: str = "", hostname: str = "ida-mbp") -> Enrolment:
    request = EnrolmentRequest(
        deployment_token=deployment.token, hostname=hostname, platform="darwin", os_release="24.5.0", email=email
    )
    return await enroll(request, now=utc_now())


async def add_person(email: str, *, is_disabled: bool = False) -> Any:  # noqa: ANN401 - a UUID
    """A row of identity's, as its own verbs make it."""
    person = uuid7()
    async with read_connection() as connection:
        await connection.execute(
            "INSERT INTO person (id, display_name, email, is_disabled, created_at) VALUES ($1, 'Ida', $2, $3, now())",
            person,
            email,
            is_disabled,
        )
    return person


async def ledger(event: str) -> list[Any]:
    async with read_connection() as connection:
        rows: list[Any] = await connection.fetch("SELECT * FROM ledger_entry WHERE event = $1 ORDER BY id", event)
    return rows


async def test_a_machine_enrols_and_belongs_to_its_person(rolled_back_database: TestDatabase) -> None:
    """It gets a token of the published form, is linked by address, and both steps are in the ledger without names."""
    person = await add_person("ida@acme.example")
    made = await token(max_uses=5)
    assert (len(made.token), made.token[:10]) == (53, "ol_deploy_")
    enrolment = await enrolled(made, " Ida@ACME.example ")
    assert (len(enrolment.token), enrolment.token[:3]) == (46, "ol_")
    machine = enrolment.machine
    assert (machine.email, machine.person_id, machine.display_name) == ("ida@acme.example", person, "Ida")
    assert (machine.hostname, machine.platform, machine.revoked_at) == ("ida-mbp", "darwin", None)
    assert await machines() == [machine]
    assert await machines(person_id=person) == [machine]
    assert await machines(person_id=uuid7()) == []
    [listed] = await deployment_tokens()
    assert (listed.uses, listed.max_uses, listed.created_by) == (1, 5, "leashctl")
    [created] = await ledger("deployment_token.created")
    [entered] = await ledger("machine.enrolled")
    assert (created["subject"], entered["subject"]) == (f"deployment_token:{made.record.id}", f"machine:{machine.id}")
    for entry in (created, entered):
        assert not {"Ida", "ida-mbp", "ida@acme.example", "Laptops"} & set(entry["body"].replace('"', " ").split())


async def test_a_person_who_comes_later_gets_the_machine(rolled_back_database: TestDatabase) -> None:
    """The link is by address until there is somebody with it."""
    machine = (await enrolled(await token(), "ida@acme.example")).machine
    assert machine.person_id is None
    person = await add_person("ida@acme.example")
    assert (await machine_by_id(machine.id)).person_id == person


async def test_the_last_use_of_a_token_is_had_once(committed_database: TestDatabase) -> None:
    """Twenty machines race for a token that enrols one."""
    made = await token(max_uses=1)
    results = await asyncio.gather(
        *(enrolled(made, hostname=f"host-{number}") for number in range(CALLERS)), return_exceptions=True
    )
    assert sum(isinstance(result, Enrolment) for result in results) == 1
    assert sum(isinstance(result, DeploymentTokenUsedUpError) for result in results) == CALLERS - 1
    assert len(await machines()) == 1
    assert (await deployment_tokens())[0].uses == 1
    assert len(await ledger("enrolment.refused")) == CALLERS - 1


async def test_machines_of_one_person_all_enrol_at_once(committed_database: TestDatabase) -> None:
    """Each has its own token, and no enrolment is lost among many."""
    made = await token(max_uses=CALLERS)
    results = await asyncio.gather(*(enrolled(made, "ida@acme.example") for _ in range(CALLERS)))
    assert len({result.token for result in results}) == CALLERS
    assert (await deployment_tokens())[0].uses == CALLERS


async def test_no_table_holds_a_token(committed_database: TestDatabase) -> None:
    """Only SHA-256 of it, whatever table is looked at."""
    made = await token()
    enrolment = await enrolled(made, "ida@acme.example")
    connection = await open_connection(committed_database.owner_url)
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    text = ""
    for table in tables:
        rows = await connection.fetch(f'SELECT t::text FROM "{table[0]}" t')  # noqa: S608 - names of tables
        text += "\n".join(row[0] for row in rows)
    await connection.close()
    for secret in (made.token, enrolment.token):
        assert secret not in text
        assert secret[-43:] not in text
        assert hash_token(secret).hex() in text


async def test_a_token_is_refused_for_what_is_wrong_with_it(rolled_back_database: TestDatabase) -> None:
    """Unknown, revoked, expired and used up are told apart, and only a token of ours leaves a trace in the ledger."""
    unknown = EnrolmentRequest(deployment_token="ol_deploy_" + "x" * 43, hostname="h")
    with pytest.raises(DeploymentTokenRefusedError) as refused:
        await enroll(unknown, now=utc_now())
    assert refused.value.code == "deployment_token_refused"
    with pytest.raises(DeploymentTokenRefusedError):
        await enroll(EnrolmentRequest(deployment_token="\ud800\x00", hostname="h"), now=utc_now())
    assert await ledger("enrolment.refused") == []
    revoked = await token()
    await revoke_deployment_token(ADMIN, revoked.record.id, now=utc_now())
    with pytest.raises(DeploymentTokenRevokedError):
        await enrolled(revoked)
    old = await token(days=1)
    with pytest.raises(DeploymentTokenExpiredError):
        await enroll(
            EnrolmentRequest(deployment_token=old.token, hostname="h"), now=utc_now() + timedelta(days=1, seconds=1)
        )
    single = await token(max_uses=1)
    await enrolled(single)
    with pytest.raises(DeploymentTokenUsedUpError):
        await enrolled(single)
    assert len(await ledger("enrolment.refused")) == 3


async def test_addresses_are_kept_to_the_tokens_domains(rolled_back_database: TestDatabase) -> None:
    """Exactly those domains; without an address the default is taken, or a token with domains refuses."""
    made = await token(email_domains=("@Acme.example", "acme.example", "other.example"))
    assert made.record.email_domains == ("acme.example", "other.example")
    assert (await enrolled(made, "ida@acme.example")).machine.email == "ida@acme.example"
    for wrong in ("ida@evil.example", "ida@sub.acme.example", "ida@acme.example.evil.example", ""):
        with pytest.raises(EmailDomainRefusedError):
            await enrolled(made, wrong)
    with pytest.raises(EnrolmentRefusedError):
        await enrolled(made, "ida")
    default = await token(email_domains=("acme.example",), default_email="agents@acme.example")
    assert (await enrolled(default)).machine.email == "agents@acme.example"
    assert (await enrolled(await token())).machine.email == ""


async def test_a_disabled_person_gets_no_machine(rolled_back_database: TestDatabase) -> None:
    """Neither does anybody else who claims that address."""
    await add_person("gone@acme.example", is_disabled=True)
    made = await token()
    with pytest.raises(EmailElsewhereError):
        await enrolled(made, "gone@acme.example")
    assert (await deployment_tokens())[0].uses == 0


@pytest.mark.parametrize(
    "terms",
    [
        {"name": ""}, {"name": " "}, {"name": "a\nb"}, {"name": "a\u202eb"}, {"name": "x" * 101}, {"days": 0},
        {"days": 3651}, {"max_uses": 0}, {"max_uses": 1_000_001}, {"email_domains": ("a b",)},
        {"email_domains": ("x@y@z",)}, {"email_domains": ("acme.example",) * 51}, {"default_email": "ida"},
        {"default_email": "a@b.example", "email_domains": ("acme.example",)},
    ],
    ids=str,
)  # fmt: skip
async def test_terms_that_cannot_be_kept_are_refused(terms: dict[str, Any], rolled_back_database: TestDatabase) -> None:
    """Nothing is made."""
    with pytest.raises(DeploymentTermsRefusedError):
        await token(**terms)
    assert await deployment_tokens() == []


async def test_what_a_machine_says_of_itself_is_kept_as_one_short_line(rolled_back_database: TestDatabase) -> None:
    """Control and direction marks, line breaks and length are cut; a machine without a name is refused."""
    made = await token()
    machine = (await enrolled(made, hostname="a\x00b\u202ec\n\x1b[2J" + "x" * 64_000)).machine
    assert (len(machine.hostname), machine.hostname[:10]) == (255, "a b c [2Jx")
    with pytest.raises(EnrolmentRefusedError):
        await enrolled(made, hostname="\u200b\n")


async def test_ending_twice_changes_nothing(rolled_back_database: TestDatabase) -> None:
    """One ledger entry, the first time stays; what does not exist is told."""
    made = await token()
    machine = (await enrolled(made)).machine
    for _ in range(2):
        await revoke_deployment_token(ADMIN, made.record.id, now=utc_now())
        await revoke_machine(ADMIN, machine.id, now=utc_now())
    assert len(await ledger("deployment_token.revoked")) == 1
    assert len(await ledger("machine.revoked")) == 1
    assert (await machine_by_id(machine.id)).revoked_at is not None
    with pytest.raises(DeploymentTokenUnknownError):
        await revoke_deployment_token(ADMIN, uuid7(), now=utc_now())
    with pytest.raises(MachineUnknownError):
        await revoke_machine(ADMIN, uuid7(), now=utc_now())


async def test_machines_are_listed_newest_first_and_an_abandoned_one_is_marked(
    rolled_back_database: TestDatabase,
) -> None:
    """A second enrolment of the same name marks the first, until that is seen again; paging goes by the last id."""
    made = await token()
    first = (await enrolled(made, "ida@acme.example")).machine
    second = (await enrolled(made, "ida@acme.example")).machine
    other = (await enrolled(made, "ida@acme.example", "other")).machine
    assert [machine.id for machine in await machines()] == [other.id, second.id, first.id]
    assert [machine.id for machine in await machines(before=second.id, limit=1)] == [first.id]
    assert (await machine_by_id(first.id)).superseded_by == second.id
    async with read_connection() as connection:
        await connection.execute("UPDATE machine SET last_seen_at = now() + interval '1 s' WHERE id = $1", first.id)
    assert [machine.superseded_by for machine in await machines()] == [None, None, None]
