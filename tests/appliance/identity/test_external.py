"""Signing in by a directory: who comes in, what is refused alike, and what never reaches the directory."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from appliance.database.connection import read_connection
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.accounts import accounts_of
from appliance.identity.bind_allowance import WINDOW
from appliance.identity.directories.errors import (
    DirectorySignInRefusedError,
    DirectoryUnavailableError,
    DirectoryUnknownError,
)
from appliance.identity.directories.records import DirectoryGroup, DirectoryUser
from appliance.identity.errors import SignInThrottledError
from appliance.identity.external import Cause, source_of
from appliance.identity.queries import person_by_id
from appliance.identity.records import NewSession, Person
from appliance.identity.service import Identity
from tests.support.directory_sign_in import RIGHT, CountingDirectory, StillTime, sign_ins
from tests.support.fake_directory import Fault
from tests.support.people import HERE, NOW, OPERATOR, ledger_events, ledger_facts, make_owner

CORP = source_of("corp")


@pytest.fixture
def corp() -> CountingDirectory:
    """A directory with Ida and Bob, who are in nested groups."""
    made = CountingDirectory()
    ida, _ = made.add("ida", "bob")
    made.passwords |= {"ida": RIGHT, "bob": "Winter-Regen 8"}
    made.group("All", [made.group("Developers", [ida])])
    return made


async def come_in(identity: Identity, corp: CountingDirectory, user: object = "ida", password: object = RIGHT,
                  **fields: Any) -> NewSession:  # fmt: skip  # noqa: ANN401 - settings
    return await sign_ins(identity, corp, **fields).by_directory("corp", user, password, HERE, NOW)


async def person_of(session: NewSession) -> Person:
    return await person_by_id(session.person_id)


async def refused(identity: Identity, corp: CountingDirectory, user: object = "ida", password: object = "wrong",
                  **fields: Any) -> str:  # fmt: skip  # noqa: ANN401 - settings
    """The cause that the ledger has for a refusal."""
    with pytest.raises(DirectorySignInRefusedError) as problem:
        await come_in(identity, corp, user, password, **fields)
    assert str(problem.value) == DirectorySignInRefusedError.summary
    return str((await ledger_facts("sign_in.refused"))[-1]["cause"])


async def test_whoever_the_directory_lets_in_becomes_a_person(identity: Identity, corp: CountingDirectory) -> None:
    """With name, address and all groups; the ledger says which directory, and nothing that is secret."""
    session = await come_in(identity, corp)
    signed_in = await identity.sessions.authenticate(session.token, NOW)
    assert signed_in
    assert (signed_in.display_name, signed_in.email) == ("Ida", "ida@example.org")
    assert signed_in.groups == {"directory:corp/Developers", "directory:corp/All"}
    assert corp.binds == ["ida"]
    [facts] = await ledger_facts("sign_in.succeeded")
    assert facts == {"factor": "directory", "directory": "corp", "session": str(session.session_id)}
    async with read_connection() as connection:
        contents = await connection.fetchval("SELECT string_agg(content, ' ') FROM ledger_payload")
    assert RIGHT not in contents


async def test_the_same_person_comes_back_renamed_and_in_other_groups(
    identity: Identity, corp: CountingDirectory
) -> None:
    """The key says who it is; the browser's old session ends."""
    first = await come_in(identity, corp)
    [key] = [key for key, user in corp.users.items() if user.user_name == "ida"]
    corp.change(key, user_name="ida.noddack", display_name="Ida Noddack", email="noddack@example.org")
    corp.passwords["ida.noddack"] = RIGHT
    corp.group("Developers", [])
    second = await sign_ins(identity, corp).by_directory("corp", "ida.noddack", RIGHT, HERE, NOW, first.token)
    person = await person_of(second)
    assert (first.person_id, person.display_name, person.email) == (person.id, "Ida Noddack", "noddack@example.org")
    assert person.groups == frozenset()
    assert await identity.sessions.authenticate(first.token, NOW) is None


@pytest.mark.parametrize(
    ("user", "password", "cause"),
    [
        ("ida", "wrong", Cause.WRONG),
        ("nobody", RIGHT, Cause.UNKNOWN),
        ("*)(uid=*))(|(uid=*", RIGHT, Cause.UNKNOWN),
        ("i\u0301da", RIGHT, Cause.UNKNOWN),
        ("ida", "", Cause.UNUSABLE),
        ("ida", "\u200b", Cause.WRONG),
        ("ida", "\u00a0\u00a0", Cause.WRONG),
        ("ida", [RIGHT], Cause.UNUSABLE),
        ("ida", {"a": 1}, Cause.UNUSABLE),
        ("ida", 7, Cause.UNUSABLE),
        ("ida", None, Cause.UNUSABLE),
        ("ida", RIGHT + "\0", Cause.UNUSABLE),
        ("ida", "x" * 65536, Cause.UNUSABLE),
        ("", RIGHT, Cause.UNUSABLE),
        (["ida"], RIGHT, Cause.UNUSABLE),
        ("ida\0", RIGHT, Cause.UNUSABLE),
        ("x" * 65536, RIGHT, Cause.UNUSABLE),
    ],
)
async def test_every_failure_looks_the_same(
    identity: Identity, corp: CountingDirectory, user: object, password: object, cause: Cause
) -> None:
    """One error; only the ledger says why, and what cannot be a password is never sent."""
    assert await refused(identity, corp, user, password) == cause
    assert len(corp.binds) == (cause is Cause.WRONG)
    if cause is Cause.UNUSABLE:
        assert corp.finds == 0


async def test_every_refusal_takes_the_same_time(identity: Identity, corp: CountingDirectory) -> None:
    """Whoever is unknown, wrong, unusable or counted out waits for the same moment."""
    time = StillTime()
    signing = sign_ins(identity, corp, pace=time.pace(), attempts_before_lockout=1)
    for user, password in (("ida", "wrong"), ("ida", "wrong"), ("nobody", "wrong"), ("nobody", "wrong"), ("ida", "")):
        before = time.now
        with pytest.raises(DirectorySignInRefusedError):
            await signing.by_directory("corp", user, password, HERE, NOW)
        assert time.now - before == pytest.approx(0.25)


async def test_nobody_is_locked_out_of_the_directory_through_us(identity: Identity, corp: CountingDirectory) -> None:
    """By whatever name and from wherever: so many wrong passwords, and then none for a window, the right one too."""
    signing = sign_ins(identity, corp, attempts_before_lockout=3)

    async def attempt(user: str, password: str, minutes: float) -> str:
        try:
            await signing.by_directory("corp", user, password, HERE, NOW + timedelta(minutes=minutes))
        except DirectorySignInRefusedError:
            return str((await ledger_facts("sign_in.refused"))[-1]["cause"])
        return "in"

    assert [await attempt(user, "wrong", 0) for user in ("ida", "ida@example.org", "ida")] == ["wrong"] * 3
    assert [await attempt(user, RIGHT, 1) for user in ("ida", "ida@example.org")] == ["attempts_spent"] * 2
    assert len(corp.binds) == 3
    assert await attempt("bob", "Winter-Regen 8", 1) == "in"
    after = WINDOW / timedelta(minutes=1)
    assert [await attempt("ida", "wrong", after), await attempt("ida", RIGHT, after + 1)] == ["wrong", "in"]
    # A right password makes the directory count anew, and us too.
    assert [await attempt("ida", "wrong", after + 2) for _ in range(4)] == ["wrong"] * 3 + ["attempts_spent"]


async def test_a_burst_does_not_outrun_the_count(committed: Identity, corp: CountingDirectory) -> None:
    """Twenty at once with two names: three passwords reach the directory."""
    corp.bind_seconds = (0.05, 0.05)
    signing = sign_ins(committed, corp, attempts_before_lockout=3)
    names = ["ida", "ida@example.org"] * 10
    tried = [signing.by_directory("corp", name, "wrong", HERE, NOW) for name in names]
    results = await asyncio.gather(*tried, return_exceptions=True)
    assert {type(result) for result in results} == {DirectorySignInRefusedError}
    assert len(corp.binds) == 3


async def test_with_direct_bind_the_typed_name_is_what_is_counted(identity: Identity, corp: CountingDirectory) -> None:
    """In any case and with any domain; nobody is looked up, because there is no account to look with."""
    fields = {"bind": "direct", "bind_template": "{user}@corp.example.org", "attempts_before_lockout": 2}
    names = ("ida", "IDA", "CORP\\ida", "ida@corp.example.org", " ida ")
    causes = [await refused(identity, corp, name, "wrong", **fields) for name in names]
    assert causes[2:] == ["attempts_spent"] * 3
    assert corp.finds == sum(cause != "attempts_spent" for cause in causes)  # the pretended directory's own look


async def test_with_direct_bind_invisible_characters_bring_no_new_attempts(
    identity: Identity, corp: CountingDirectory
) -> None:
    """The directory compares without them and without accents, so they share the count."""
    fields = {"bind": "direct", "bind_template": "{user}@corp.example.org", "attempts_before_lockout": 2}
    names = ("ida", "ìda", "i\u00adda", "i\u200bda", "i.da")
    causes = [await refused(identity, corp, name, "wrong", **fields) for name in names]
    assert causes == ["wrong", "unknown", *["attempts_spent"] * 3]


async def test_with_direct_bind_nobody_clears_the_count_of_a_similar_name(
    identity: Identity, corp: CountingDirectory
) -> None:
    """A right password gives its own attempt back, and no attempt at somebody else's account."""
    corp.add("i.da")
    corp.passwords["i.da"] = "another one"
    fields = {"bind": "direct", "bind_template": "{user}@corp.example.org", "attempts_before_lockout": 2}
    assert await refused(identity, corp, "ida", "wrong", **fields) == Cause.WRONG
    for _ in range(3):
        assert await come_in(identity, corp, "i.da", "another one", **fields)
    assert await refused(identity, corp, "ida", "wrong", **fields) == Cause.WRONG
    assert await refused(identity, corp, "ida", RIGHT, **fields) == Cause.ATTEMPTS_SPENT


@pytest.mark.parametrize("is_direct", [True, False])
async def test_a_directory_that_is_down_is_told_as_such(
    identity: Identity, corp: CountingDirectory, *, is_direct: bool
) -> None:
    """Not as a wrong password, and nobody's count is spent by it."""
    fields = {"bind": "direct", "bind_template": "{user}@x"} if is_direct else {}
    corp.fault = Fault.ERROR
    for _ in range(5):
        with pytest.raises(DirectoryUnavailableError):
            await come_in(identity, corp, **fields)
    assert {each["cause"] for each in await ledger_facts("sign_in.refused")} == {"directory_unavailable"}
    corp.fault = Fault.NONE
    assert await come_in(identity, corp, **fields)


async def test_a_directory_that_somebody_else_is_trying_is_not_asked(
    identity: Identity, corp: CountingDirectory
) -> None:
    """Hundreds may try meanwhile: nothing is counted, asked or written for them."""
    corp.is_resting = True
    signing = sign_ins(identity, corp, attempts=1)
    for _ in range(3):
        with pytest.raises(DirectoryUnavailableError):
            await signing.by_directory("corp", "ida", RIGHT, HERE, NOW)
    assert (corp.finds, await ledger_facts("sign_in.refused")) == (0, [])
    corp.is_resting = False
    assert await signing.by_directory("corp", "ida", RIGHT, HERE, NOW)


async def test_a_callers_failures_are_counted_too(identity: Identity, corp: CountingDirectory) -> None:
    """Before anything is asked: whoever tries one name after another has to wait."""
    signing = sign_ins(identity, corp, attempts=10)
    for number in range(10):
        with pytest.raises(DirectorySignInRefusedError):
            await signing.by_directory("corp", f"somebody-{number}", "wrong", HERE, NOW)
    asked = corp.finds
    with pytest.raises(SignInThrottledError):
        await signing.by_directory("corp", "ida", RIGHT, HERE, NOW)
    assert corp.finds == asked


async def test_whom_nobody_linked_stays_out_where_people_are_not_made(
    committed: Identity, corp: CountingDirectory
) -> None:
    """With create_people = false; nothing is left behind."""
    assert await refused(committed, corp, password=RIGHT, create_people=False) == Cause.ACCOUNT_UNKNOWN
    assert await accounts_of(CORP) == ()


async def test_people_are_never_merged_by_address(committed: Identity, corp: CountingDirectory) -> None:
    """The directory's Ida has the owner's address: refused, and the owner is untouched."""
    owner = await make_owner(committed, NOW, "ida@example.org")
    assert await refused(committed, corp, password=RIGHT) == Cause.EMAIL_TAKEN
    assert await accounts_of(CORP) == ()
    assert (await person_by_id(owner.id)).sources == frozenset()


async def test_whom_the_directory_disables_is_disabled_here(committed: Identity, corp: CountingDirectory) -> None:
    """At the attempt, with every session; a wrong password disables nobody, and without sync coming back enables."""
    session = await come_in(committed, corp)
    [key] = [key for key, user in corp.users.items() if user.user_name == "ida"]
    corp.change(key, is_disabled=True)
    assert await refused(committed, corp, password="wrong") == Cause.WRONG
    assert await committed.sessions.authenticate(session.token, NOW)
    assert await refused(committed, corp, password=RIGHT) == Cause.DISABLED
    assert await committed.sessions.authenticate(session.token, NOW) is None
    assert (await ledger_facts("person.disabled"))[0]["source"] == "directory:corp"
    corp.change(key, is_disabled=False)
    assert (await person_of(await come_in(committed, corp, sync_seconds=0))).id == session.person_id


class Overtaken(CountingDirectory):
    """Takes a password, and has its account disabled by sync before the sign-in goes on."""

    async def groups_of(self, user: DirectoryUser) -> tuple[DirectoryGroup, ...]:
        """The last question of a sign-in, after its password."""
        self.change(user.key, is_disabled=True)
        async with transaction():
            await accounts.disable(CORP.actor, CORP, (user.key,), NOW, cause="disabled")
        return await super().groups_of(user)


@pytest.mark.parametrize(
    ("fields", "comes_in"),
    [
        ({}, False),
        ({"sync_seconds": 0}, True),
        ({"bind": "direct", "bind_template": "{user}@corp.example.org"}, True),
    ],
)
async def test_a_leaver_does_not_come_back_by_a_sign_in_that_sync_overtook(
    committed: Identity, corp: CountingDirectory, fields: dict[str, Any], *, comes_in: bool
) -> None:
    """Where sync runs it alone enables, because it hears of the leaver once; elsewhere the next sign-in tells."""
    first = await come_in(committed, corp, **fields)
    late = Overtaken()
    late.users, late.groups, late.passwords = corp.users, corp.groups, corp.passwords
    if comes_in:
        assert (await come_in(committed, late, **fields)).person_id == first.person_id
        return
    assert await refused(committed, late, password=RIGHT, **fields) == Cause.ACCOUNT_DISABLED
    person = await person_of(first)
    assert (person.is_disabled, person.disabled_by) == (True, "directory:corp")
    assert (await ledger_events())["person.enabled"] == 0
    [account] = await accounts_of(CORP)
    corp.change(account.key, is_disabled=False)
    async with transaction():
        await accounts.enable(CORP.actor, CORP, [account.key], NOW)
    assert (await come_in(committed, corp, **fields)).person_id == first.person_id


async def test_whom_an_administrator_disabled_stays_out(committed: Identity, corp: CountingDirectory) -> None:
    """The directory's word is not enough."""
    session = await come_in(committed, corp)
    await committed.people.disable(OPERATOR, session.person_id, NOW)
    assert await refused(committed, corp, password=RIGHT) == Cause.PERSON_DISABLED
    assert (await ledger_events())["sign_in.succeeded"] == 1


async def test_groups_that_cannot_be_read_keep_nobody_out(identity: Identity, corp: CountingDirectory) -> None:
    """They stay as they were, and the ledger says that they are not known."""

    async def broken(user: DirectoryUser) -> tuple[DirectoryGroup, ...]:
        raise DirectoryUnavailableError

    first = await come_in(identity, corp)
    corp.groups_of = broken  # type: ignore[method-assign]
    again = await come_in(identity, corp)
    assert (await person_of(again)).groups == (await person_of(first)).groups != frozenset()
    assert {each.get("groups") for each in await ledger_facts("sign_in.succeeded")} == {None, "unknown"}


async def test_two_first_sign_ins_at_once_make_one_person(committed: Identity, corp: CountingDirectory) -> None:
    """Both come in."""
    signing = sign_ins(committed, corp)
    sessions = await asyncio.gather(*(signing.by_directory("corp", "ida", RIGHT, HERE, NOW) for _ in range(4)))
    assert len({session.person_id for session in sessions}) == 1


async def test_a_name_that_is_not_configured_is_told(identity: Identity, corp: CountingDirectory) -> None:
    """Before anything is counted."""
    with pytest.raises(DirectoryUnknownError):
        await sign_ins(identity, corp).by_directory("elsewhere", "ida", RIGHT, HERE, NOW)
