"""Binding with the name that a person types: it stays in its place, and whoever has bound is whoever comes in."""

from uuid import uuid4

import pytest

from appliance.adapters.ldap import ber
from appliance.identity.directories.errors import DirectoryMisconfiguredError, DirectoryRefusedError
from appliance.identity.directories.records import RefusalCause
from tests.support.directories import of_stubs
from tests.support.stub_directory import BASE, Operations, StubDirectory, entry, outcome

IDA = f"uid=ida,{BASE}"


@pytest.mark.parametrize(
    ("template", "typed", "bound"),
    [
        ("uid={user},dc=example,dc=test", "ida", IDA),
        ("uid={user},dc=example,dc=test", "x,dc=evil", "uid=x\\,dc\\=evil,dc=example,dc=test"),
        ("{user}@corp.test", "ida", "ida@corp.test"),
        ("{user}@corp.test", "Ida@Corp.test", "Ida@corp.test"),
        ("CORP\\{user}", "corp\\ida", "CORP\\ida"),
    ],
)
async def test_a_direct_bind_uses_the_template(stub: StubDirectory, template: str, typed: str, bound: str) -> None:
    """What is typed cannot leave its place in the template."""
    directory = of_stubs(stub, bind="direct", bind_template=template, bind_dn="", bind_password=None)
    with pytest.raises(DirectoryRefusedError):
        await directory.authenticate(typed, "wrong")
    assert stub.binds == [(bound, "wrong")]


@pytest.mark.parametrize("typed", ["a@b", "x\\y", "a\\b@corp.test", "@corp.test", "a,b"])
async def test_a_name_that_does_not_fit_the_template_is_not_sent(stub: StubDirectory, typed: str) -> None:
    """Another domain in the name never reaches the directory."""
    directory = of_stubs(stub, bind="direct", bind_template="{user}@corp.test", bind_dn="", bind_password=None)
    with pytest.raises(DirectoryRefusedError):
        await directory.authenticate(typed, "right")
    assert stub.binds == []


@pytest.mark.parametrize(
    ("token", "found", "name"),
    [
        ((b"eve", b"staff"), (b"ada",), None),
        ((b"ada", b"staff"), (b"ada",), "ada"),
        ((b"eve", b"staff"), (b"ada", b"eve"), "eve"),
        ((b"eve", b"ada"), (b"ada", b"eve"), None),
        ((b"staff",), (b"",), None),
    ],
)
async def test_only_whoever_has_bound_comes_in(
    stub: StubDirectory, token: tuple[bytes, ...], found: tuple[bytes, ...], name: str | None
) -> None:
    """Active Directory chose whose password it was; an entry with another identifier is not let in by it."""
    entries = [_of_domain(sid) for sid in found]
    stub.on_bind = lambda _name, _password: outcome(ber.BIND_RESPONSE)
    stub.on_search = lambda body: _told(body, entry("", tokenGroups=token), entries)
    signing = of_stubs(stub, kind="active_directory", bind="direct", bind_template="{user}@corp.test", user_base=BASE)
    if name is not None:
        assert (await signing.authenticate("ada", "right")).user_name == name
        return
    with pytest.raises(DirectoryRefusedError) as refused:
        await signing.authenticate("ada", "right")
    assert refused.value.cause in {RefusalCause.UNKNOWN, RefusalCause.AMBIGUOUS}


async def test_a_domain_that_does_not_say_who_has_bound_lets_nobody_in(stub: StubDirectory) -> None:
    """That is told as a fault of the directory, and not as a wrong password."""
    stub.on_bind = lambda _name, _password: outcome(ber.BIND_RESPONSE)
    stub.on_search = lambda body: _told(body, entry(""), [_of_domain(b"ada")])
    signing = of_stubs(stub, kind="active_directory", bind="direct", bind_template="{user}@corp.test")
    with pytest.raises(DirectoryMisconfiguredError, match="who has signed in"):
        await signing.authenticate("ada", "right")


def _of_domain(sid: bytes) -> tuple[int, bytes]:
    """Somebody of Active Directory whose identifier is their name, or who shows none."""
    name = sid.decode() or "ada"
    shown = {"objectSid": sid} if sid else {}
    return entry(f"cn={name},{BASE}", objectGUID=uuid4().bytes, sAMAccountName=name, userAccountControl="512", **shown)


def _told(body: bytes, root: tuple[int, bytes], people: list[tuple[int, bytes]]) -> Operations:
    """The root to whoever asks for it, people to whoever looks for people, and no groups."""
    if b"tokenGroups" in body:
        return [root, outcome(ber.DONE)]
    return [*(people if b"sAMAccountName" in body and b"member" not in body else ()), outcome(ber.DONE)]
