"""Whom a provider lets in, and whom it does not: accounts, addresses, domains, groups."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from appliance.config import Secret
from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.providers.errors import (
    ProviderSignInCancelledError,
    ProviderSignInRefusedError,
    ProviderUnavailableError,
    ProviderUnknownError,
    SignInFlowInvalidError,
)
from appliance.identity.providers.people import read_claims
from appliance.identity.providers.records import Callback
from appliance.identity.providers.sign_in import source_of
from appliance.identity.records import Role
from appliance.identity.service import Identity
from tests.appliance.identity.providers.conftest import Scene
from tests.support.people import HERE, NOW, OPERATOR, Someone, ledger_facts, make_person
from tests.support.pretended_provider import ISSUER
from tests.support.tokens import Signer

IDA = {"name": "Ida Rhodes", "email": "ida@example.org", "email_verified": True, "groups": ["staff"]}


async def refused(scene: Scene, cause: str, **claims: Any) -> None:  # noqa: ANN401 - claims of the ID token
    """Signing in with these claims is refused for that cause."""
    with pytest.raises(ProviderSignInRefusedError):
        await scene.sign_in(**claims)
    assert (await ledger_facts("sign_in.refused"))[-1]["cause"] == cause


async def groups_of_everybody() -> set[str]:
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT g.name FROM external_account a JOIN identity_group g ON g.id = ANY(a.groups)"
        )
    return {row["name"] for row in rows}


async def test_the_account_is_found_by_the_providers_identifier_alone(scene: Scene) -> None:
    """Name and address may change; another identifier with the same name is another person."""
    first = await scene.sign_in(**IDA)
    moved = await scene.sign_in(**{**IDA, "name": "Ida Hadley", "email": "hadley@example.org"})
    assert moved.person_id == first.person_id
    assert (moved.display_name, moved.email) == ("Ida Hadley", "hadley@example.org")
    other = await scene.sign_in(**{**IDA, "sub": "u2", "email": "ida@example.org"})
    assert other.person_id != first.person_id


async def test_a_first_sign_in_in_many_tabs_makes_one_person(committed: Identity) -> None:
    """Whoever comes second finds what the first one made."""
    scene = Scene(committed)
    claims = read_claims({**IDA, "sub": "u1"}, None, scene.settings, Secret("x"))
    sign_ins = scene.providers.sign_ins
    sessions = await asyncio.gather(*(sign_ins.by_provider("op", claims, HERE, NOW) for _ in range(6)))
    assert len({session.person_id for session in sessions}) == 1
    assert len({session.token for session in sessions}) == 6


async def test_nobody_becomes_somebody_else_by_an_address(scene: Scene, owner: Someone) -> None:
    """Not by a verified one either, unless the settings say so."""
    await refused(scene, "email_taken", **{**IDA, "email": owner.email})
    assert await accounts.accounts_of(source_of("op")) == ()


@pytest.mark.parametrize("is_verified", [False, None, "true", "1", 1])
async def test_an_unverified_address_is_nobodys(
    scene_of: Callable[..., Scene], owner: Someone, is_verified: object
) -> None:
    """Only `true` is verified: any other address leads to nobody and keeps nobody from theirs, now and later."""
    scene = scene_of(link_verified_email=True)
    for address in (owner.email, "ida@example.org"):
        stranger = await scene.sign_in(**{**IDA, "sub": "x", "email": address, "email_verified": is_verified})
        assert (stranger.person_id != owner.id, stranger.email) == (True, "")
    assert (await scene.sign_in(**{**IDA, "sub": "u2", "email": owner.email.upper()})).person_id == owner.id
    ida = await scene.sign_in(**IDA)
    assert (ida.person_id != stranger.person_id, ida.email) == (True, "ida@example.org")


async def test_an_address_that_is_verified_no_more_is_given_up(scene: Scene) -> None:
    """At the next sign-in."""
    assert (await scene.sign_in(**IDA)).email == "ida@example.org"
    assert (await scene.sign_in(**{**IDA, "email_verified": False})).email == ""


async def test_a_trusted_provider_need_not_say_that_it_verified(scene_of: Callable[..., Scene], owner: Someone) -> None:
    """Where it is silent its addresses are people's, but link nobody; what it calls unverified is nobody's still."""
    scene = scene_of(trust_email=True, link_verified_email=True)
    silent = {**IDA, "email_verified": None}
    assert (await scene.sign_in(**silent)).email == "ida@example.org"
    for told in (False, "false", "true", 1):
        assert (await scene.sign_in(**{**IDA, "email_verified": told})).email == ""
    await refused(scene, "email_taken", **{**silent, "sub": "u2", "email": owner.email})


async def test_nobody_is_linked_to_whom_glass_protects(scene_of: Callable[..., Scene], owner: Someone) -> None:
    """A sealed owner comes in by the sheet alone, whatever a provider has verified."""
    scene = scene_of(link_verified_email=True)
    async with transaction():
        await current_connection().execute("UPDATE person SET is_sealed = true WHERE id = $1", owner.id)
    await refused(scene, "email_taken", **{**IDA, "email": owner.email})
    assert await accounts.accounts_of_person(owner.id) == ()


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"email_verified": False}, "email_unverified"),
        ({"email_verified": "true"}, "email_unverified"),
        ({"email": None}, "email_unverified"),
        ({"email": "eve@evil.example"}, "domain_refused"),
        ({"email": "eve@sub.example.org"}, "domain_refused"),
        ({"email": "eve@example.org.evil.example"}, "domain_refused"),
        ({"email": "eve@evil.example@example.com"}, "domain_refused"),
    ],
)
async def test_only_verified_addresses_of_a_domain_come_in(
    scene_of: Callable[..., Scene], claims: dict[str, Any], cause: str
) -> None:
    """Of exactly that domain."""
    scene = scene_of(allowed_domains=("Example.ORG",))
    await refused(scene, cause, **{**IDA, **claims})
    assert (await scene.sign_in(**{**IDA, "email": "Ida@EXAMPLE.org"})).email == "ida@example.org"


async def test_without_provisioning_only_known_accounts_come_in(scene_of: Callable[..., Scene], owner: Someone) -> None:
    """Somebody has to link them first."""
    scene = scene_of(create_people=False)
    await refused(scene, "account_unknown", **IDA)
    profile = accounts.Profile(key="u1", user_name="ida", display_name="Ida", email="")
    await accounts.link(OPERATOR, source_of("op"), profile, owner.id, NOW)
    assert (await scene.sign_in(**IDA)).person_id == owner.id


async def test_the_disabled_do_not_come_in(scene: Scene, identity: Identity) -> None:
    """And hear the same words as strangers."""
    person = await scene.sign_in(**IDA)
    await identity.people.disable(OPERATOR, person.person_id, NOW)
    await refused(scene, "person_disabled", **IDA)


async def test_another_claim_may_identify(scene_of: Callable[..., Scene]) -> None:
    """Entra's `oid`; without it nobody comes in."""
    scene = scene_of(subject_claim="oid")
    first = await scene.sign_in(**{**IDA, "sub": "pairwise-1", "oid": "o1"})
    second = await scene.sign_in(**{**IDA, "sub": "pairwise-2", "oid": "o1"})
    assert first.person_id == second.person_id
    await refused(scene, "claim_missing", **IDA)


async def test_groups_follow_the_provider(scene: Scene) -> None:
    """What the token lists, and nothing else; a single text is one group, and an empty list is none."""
    await scene.sign_in(**IDA)
    assert await groups_of_everybody() == {"staff"}
    await scene.sign_in(**{**IDA, "groups": ["admins", "admins"]})
    assert await groups_of_everybody() == {"admins"}
    await scene.sign_in(**{**IDA, "groups": "night shift"})
    assert await groups_of_everybody() == {"night shift"}
    await scene.sign_in(**{**IDA, "groups": []})
    assert await groups_of_everybody() == set()


@pytest.mark.parametrize(
    "groups", [5, {"a": 1}, [1], [""], ["x" * 256], ["g"] * 5001, [["a"]], ["a\x00"], ["a\x7f"], "\udc00"]
)
async def test_strange_groups_let_nobody_in(scene: Scene, groups: object) -> None:
    """A guess could be a right."""
    await refused(scene, "claim_mistyped", **{**IDA, "groups": groups})


@pytest.mark.parametrize("text", ["a\x00", "a\n", "a\x7f", "a\x85", "a\ud800"])
@pytest.mark.parametrize("claim", ["sub", "name", "preferred_username", "email", "nonce", "sid"])
async def test_a_text_that_nothing_can_store_lets_nobody_in(scene: Scene, claim: str, text: str) -> None:
    """Control characters and lone surrogates are refused with an entry in the ledger, whatever claim has them."""
    await refused(scene, "claim_mistyped", **{**IDA, claim: text})


async def test_an_identifier_that_cannot_be_kept_is_recorded(scene: Scene) -> None:
    """Two that look the same would be two people who look the same."""
    await refused(scene, "profile_refused", **{**IDA, "sub": "u\u200b1"})
    assert (await ledger_facts("sign_in.refused"))[-1]["detail"] == "account_key_refused"


async def test_a_name_may_have_any_space(scene: Scene) -> None:
    """Japanese names have a wide one, and some groups a joiner."""
    person = await scene.sign_in(**{**IDA, "name": "山田\u3000太郎", "groups": ["\U0001f469\u200d\U0001f4bb"]})
    assert person.display_name == "山田\u3000太郎"
    assert await groups_of_everybody() == {"\U0001f469\u200d\U0001f4bb"}


@pytest.mark.parametrize("overage", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}, {}])
async def test_too_many_groups_for_a_token_are_asked_for(scene: Scene, overage: dict[str, Any]) -> None:
    """Userinfo tells them, of the same person."""
    scene.there.userinfo = {"sub": "u1", "groups": ["from userinfo"]}
    await scene.sign_in(**{**IDA, "groups": None, **overage})
    assert await groups_of_everybody() == {"from userinfo"}


async def test_groups_that_cannot_be_read_stay_as_they_were(scene: Scene) -> None:
    """A failing or evasive userinfo takes and gives nothing; an honest one without groups means none."""
    await scene.sign_in(**IDA)
    without = {**IDA, "groups": None}
    for userinfo, more in (
        (None, {}),
        ({"sub": "u1", "_claim_names": {"groups": "src1"}}, {}),
        ({"sub": "u1"}, {"hasgroups": True}),
    ):
        scene.there.userinfo = userinfo
        await scene.sign_in(**{**without, **more})
        assert await groups_of_everybody() == {"staff"}
        assert (await ledger_facts("sign_in.succeeded"))[-1]["groups"] == "unknown"
    scene.there.userinfo = {"sub": "u1"}
    await scene.sign_in(**without)
    assert await groups_of_everybody() == set()


@pytest.mark.parametrize("subject", ["u2", "U1", "", None, 1])
async def test_userinfo_of_somebody_else_is_no_userinfo(scene: Scene, subject: object) -> None:
    """Not even of nobody."""
    scene.there.userinfo = {"sub": subject, "email": "owner@example.org", "groups": ["owners"]}
    await refused(scene, "subject_wrong", name="Ida")


async def test_an_address_and_its_verification_come_from_one_place(scene_of: Callable[..., Scene]) -> None:
    """What userinfo verified says nothing of the token's address."""
    scene = scene_of(allowed_domains=("example.org",))
    scene.there.userinfo = {"sub": "u1", "email_verified": True, "groups": ["a"]}
    await refused(scene, "email_unverified", email="ida@example.org", name="Ida")
    scene.there.userinfo = {"sub": "u1", "email": "ida@example.org", "email_verified": True}
    assert (await scene.sign_in(name="Ida")).email == "ida@example.org"


async def test_the_callback_names_the_provider(scene: Scene) -> None:
    """Another issuer's answer is refused; so is none, where the provider has promised to name itself (RFC 9207)."""
    scene.there.claims = IDA
    with pytest.raises(ProviderSignInRefusedError):
        await scene.finish(await scene.begin(), issuer="https://evil.example")
    assert (await scene.finish(await scene.begin(), issuer=ISSUER)).session
    scene.there.metadata["authorization_response_iss_parameter_supported"] = True
    scene.providers = scene.built()
    with pytest.raises(ProviderSignInRefusedError):
        await scene.finish(await scene.begin())
    asked = len(scene.there.forms)
    assert (await ledger_facts("sign_in.refused"))[-1]["cause"] == "issuer_wrong"
    assert len(scene.there.forms) == asked, "the code was not sent to anybody"


@pytest.mark.parametrize("error", ["access_denied", "server_error", "<script>", "x" * 4000])
async def test_an_error_from_the_provider_is_a_cancelled_sign_in(scene: Scene, error: str) -> None:
    """A made-up error is not repeated anywhere."""
    with pytest.raises(ProviderSignInCancelledError):
        await scene.finish(await scene.begin(), error=error, code="")
    facts = (await ledger_facts("sign_in.refused"))[-1]
    assert facts["cause"] == "provider_refused"
    assert facts.get("detail", "") in {"", "access_denied", "server_error"}


@pytest.mark.parametrize("state", ["", "x", "olo_" + "A" * 43, "olo_\x00", "é" * 47])
async def test_a_made_up_state_is_nobodys_attempt(scene: Scene, state: str) -> None:
    """It is refused without an entry: strangers cannot fill the ledger."""
    await scene.begin()
    with pytest.raises(SignInFlowInvalidError):
        await scene.finish({"state": state})
    assert await ledger_facts("sign_in.refused") == []


async def test_a_state_belongs_to_its_browser_and_its_time(scene: Scene) -> None:
    """Another browser's cookie, none, or ten minutes later: refused, and the state is used up."""
    for browser in (None, "", "olb_" + "A" * 43, "olo_" + "A" * 43):
        asked, own = await scene.begin(), scene.browser
        scene.browser = browser
        with pytest.raises(SignInFlowInvalidError):
            await scene.finish(asked)
        scene.browser = own
        with pytest.raises(SignInFlowInvalidError):
            await scene.finish(asked)
    assert [each["cause"] for each in await ledger_facts("sign_in.refused")] == ["other_browser"] * 4


async def test_what_was_begun_is_stored_as_hashes(scene: Scene) -> None:
    """A reader of the database can finish nobody's sign-in."""
    asked = await scene.begin()
    async with read_connection() as connection:
        row = await connection.fetchrow("SELECT * FROM oidc_flow")
    stored = repr(dict(row))
    for told in (asked["state"], asked["nonce"], str(scene.browser)):
        assert told not in stored
        assert told.encode() not in row["verifier_sealed"]


async def test_an_id_token_that_is_kept_is_sealed(scene: Scene) -> None:
    """It goes with its session."""
    signed_in = await scene.sign_in(**IDA)
    async with read_connection() as connection:
        sealed = await connection.fetchval("SELECT id_token_sealed FROM oidc_session")
    assert b"eyJ" not in sealed
    await scene.identity.sessions.sign_out(signed_in, NOW)
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM oidc_session") == 0


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"token_type": "mac"}, "token_malformed"),
        ({"token_type": None}, "token_malformed"),
        ({"access_token": ""}, "claim_missing"),
        ({"access_token": None}, "claim_missing"),
        ({"access_token": "x\r\nX-Evil: 1"}, "claim_missing"),
        ({"id_token": None}, "claim_missing"),
        ({"id_token": ["a"]}, "claim_missing"),
        ({"id_token": "x" * 70_000}, "token_too_large"),
        ({"id_token": "a.b.c"}, "token_malformed"),
    ],
)
async def test_a_strange_answer_for_a_code_lets_nobody_in(scene: Scene, answer: dict[str, Any], cause: str) -> None:
    """Whatever is missing or mistyped."""
    scene.there.answer = answer
    await refused(scene, cause, **IDA)


async def test_a_token_of_another_errand_lets_nobody_in(scene: Scene) -> None:
    """Its nonce is another one; and an access token is no ID token."""
    scene.there.id_token = scene.there.token(sub="u1", nonce="another")
    await refused(scene, "nonce_wrong")
    scene.there.id_token = scene.there.token(sub="u1", scope="openid")
    await refused(scene, "claim_missing")
    scene.there.id_token = Signer().token({"sub": "u1"})
    await refused(scene, "signature_wrong")


async def test_a_provider_that_fails_is_told_apart(scene: Scene) -> None:
    """Before the browser is sent off nothing is written; on its way back it is a refused sign-in."""
    asked = await scene.begin()
    scene.there.failing = {"/token"}
    with pytest.raises(ProviderUnavailableError):
        await scene.finish(asked)
    assert (await ledger_facts("sign_in.refused"))[-1]["cause"] == "provider_failed"
    scene.there.failing = {"/.well-known/openid-configuration"}
    scene.providers = scene.built()
    with pytest.raises(ProviderUnavailableError):
        await scene.begin()
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM oidc_flow") == 0


async def test_an_unknown_provider_is_told(scene: Scene) -> None:
    """At every door."""
    for work in (
        scene.providers.begin("nobody", NOW),
        scene.providers.finish("nobody", Callback(), browser=None, origin=HERE, now=NOW),
        scene.providers.receive_logout("nobody", "x", NOW),
        scene.providers.probe("nobody", NOW),
        scene.providers.has_signed_out("nobody", "x", None, NOW),
    ):
        with pytest.raises(ProviderUnknownError):
            await work


async def test_a_local_person_of_the_same_name_is_untouched(scene: Scene, identity: Identity, owner: Someone) -> None:
    """The roles of one are not those of the other."""
    await make_person(identity, Role.ADMINISTRATOR, "adm@example.org", NOW)
    signed_in = await scene.sign_in(**{**IDA, "name": "Adm", "preferred_username": "adm"})
    assert signed_in.roles == frozenset()
