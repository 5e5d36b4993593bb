"""Reading a directory that misbehaves: everything or an error, never a part."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from appliance.adapters.ldap import ber
from appliance.identity.directories.errors import DirectoryError, DirectoryIncompleteError
from tests.support.directories import of_stubs
from tests.support.stub_directory import BASE, Fault, Operations, StubDirectory, entry, outcome, person, reference

_KEY = UUID("00112233-4455-6677-8899-aabbccddeeff")
_DONE = outcome(ber.DONE)
_IDA, _JAN = person("ida"), person("jan")


@pytest.mark.parametrize("which", ["people", "groups"])
@pytest.mark.parametrize("code", [1, 3, 4, 9, 10, 11, 12, 32, 50, 51, 52, 53, 80])
async def test_an_outcome_other_than_success_is_an_error(stub: StubDirectory, which: str, code: int) -> None:
    """Limits, referrals, missing rights and bases, overload: entries that came before are worth nothing."""
    word = b"posixAccount" if which == "people" else b"groupOfNames"
    stub.on_search = lambda body: [_IDA, outcome(ber.DONE, code if word in body else 0)]
    with pytest.raises(DirectoryError):
        await of_stubs(stub).read_all()


@pytest.mark.parametrize(
    "answer",
    [
        Fault.HANG,
        Fault.RESET,
        Fault.CLOSE,
        [_IDA, reference(), _DONE],
        [_IDA, _IDA, _DONE],
        [_IDA, entry(f"uid=x,{BASE}", uid="x"), _DONE],
        [_IDA, entry(f"uid=x,{BASE}", uid="x", entryUUID="no uuid"), _DONE],
        [_IDA, entry(f"uid=x,{BASE}", uid="x", entryUUID=[str(uuid4()), str(uuid4())]), _DONE],
        [_IDA, (ber.ENTRY, b"\x04\x01"), _DONE],
        [*[person(f"u{number}") for number in range(20)], _DONE],
        [_IDA, (0x42, b""), _DONE],
    ],
)
async def test_a_strange_answer_is_an_error(stub: StubDirectory, answer: Operations | Fault) -> None:
    """Silence, hanging up, referrals, doubles, entries without a key, more than a page, and rubbish."""
    stub.on_search = lambda _body: answer
    with pytest.raises(DirectoryError):
        await of_stubs(stub, page_size=10).read_all()


async def test_a_server_without_pages_is_an_error(stub: StubDirectory) -> None:
    """Whoever does not say whether there is another page may have one."""
    stub.has_pages = False
    stub.on_search = lambda body: [_IDA, _DONE] if b"posixAccount" in body else [_DONE]
    with pytest.raises(DirectoryIncompleteError, match="another page"):
        await of_stubs(stub).read_all()


async def test_an_error_does_not_spoil_the_next_reading(stub: StubDirectory) -> None:
    """The cursor of the last good reading counts on."""
    directory = of_stubs(stub)
    stub.on_search = lambda body: [_IDA, _JAN, _DONE] if b"posixAccount" in body else [_DONE]
    first = await directory.read_all()
    stub.on_search = lambda _body: [_IDA, outcome(ber.DONE, 4)]
    with pytest.raises(DirectoryIncompleteError):
        await directory.read_since(first.cursor)
    stub.on_search = lambda body: [_IDA, _DONE] if b"posixAccount" in body else [_DONE]
    second = await directory.read_since(first.cursor)
    assert [user.key for user in first.users if user.user_name == "jan"] == list(second.gone)


async def test_coarse_versions_are_read_again(stub: StubDirectory) -> None:
    """Where only modifyTimestamp tells of changes, what is not a minute older than the newest counts as changed."""
    old = person("old", modifyTimestamp="20260101000000Z")
    new = person("new", modifyTimestamp="20260102000000Z")
    stub.on_search = lambda body: [old, new, _DONE] if b"posixAccount" in body else [_DONE]
    directory = of_stubs(stub)
    first = await directory.read_all()
    stub.searches.clear()
    await directory.read_since(first.cursor)
    keys = {user.user_name: user.key.encode() for user in first.users}
    assert any(keys["new"] in search for search in stub.searches)
    assert not any(keys["old"] in search for search in stub.searches)


def _domain(pieces: dict[bytes, Operations], group: tuple[int, bytes]) -> Callable[[bytes], Operations]:
    """Answers of an Active Directory with one group, whose members come in pieces."""

    def answer(body: bytes) -> Operations:
        for asked, piece in pieces.items():
            if asked in body:
                return [*piece, _DONE]
        if b"dsServiceName" in body:
            return [entry("", dsServiceName="cn=ntds"), _DONE]
        return [group, _DONE] if b"member" in body else [_DONE]

    return answer


def _members(first: int, last: int) -> list[str]:
    return [f"CN=u{number},{BASE}" for number in range(first, last + 1)]


async def test_members_come_in_ranges(stub: StubDirectory) -> None:
    """A group whose members Active Directory gives 1500 at a time is complete."""
    name = f"CN=all,{BASE}"
    group = entry(name, objectGUID=_KEY.bytes_le, cn="all", member=[], member__range__0_2=_members(0, 2))
    pieces: dict[bytes, Operations] = {
        b"member;range=3-*": [entry(name, member__range__3_5=_members(3, 5))],
        b"member;range=6-*": [entry(name, member__range__6_end=_members(6, 6))],
    }
    stub.on_search = _domain(pieces, group)
    change = await of_stubs(stub, kind="active_directory").read_all()
    assert [(each.key, len(each.member_dns)) for each in change.groups] == [(str(_KEY), 7)]


@pytest.mark.parametrize(
    "piece",
    [
        [],
        [entry(f"CN=all,{BASE}", cn="all")],
        [entry(f"CN=all,{BASE}", member__range__4_end=_members(4, 6))],
        [entry(f"CN=all,{BASE}", member__range__3_3=[])],
    ],
)
async def test_a_missing_range_is_an_error(stub: StubDirectory, piece: Operations) -> None:
    """A piece that is absent, empty, or begins elsewhere."""
    group = entry(f"CN=all,{BASE}", objectGUID=_KEY.bytes_le, cn="all", member__range__0_2=_members(0, 2))
    stub.on_search = _domain({b"member;range=3-*": piece}, group)
    with pytest.raises(DirectoryIncompleteError, match="missing"):
        await of_stubs(stub, kind="active_directory").read_all()


async def test_a_state_that_may_not_be_read_is_an_error(stub: StubDirectory) -> None:
    """Without userAccountControl nobody can be said not to be disabled."""
    hidden = entry(f"CN=ida,{BASE}", objectGUID=_KEY.bytes_le, sAMAccountName="ida")
    stub.on_search = lambda body: [hidden, _DONE] if b"userAccountControl" in body else _domain({}, _DONE)(body)
    with pytest.raises(DirectoryError, match="userAccountControl"):
        await of_stubs(stub, kind="active_directory").read_all()
