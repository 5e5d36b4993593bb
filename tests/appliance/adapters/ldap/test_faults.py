"""Signing in at a directory that misbehaves: nobody comes in by mistake, and a password is tried once."""

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.ldap import ber
from appliance.identity.directories.errors import (
    DirectoryMisconfiguredError,
    DirectoryRefusedError,
    DirectoryUnavailableError,
)
from appliance.identity.directories.records import HostState, ProbeSection, RefusalCause
from tests.support.certificates import Authority
from tests.support.directories import of_stubs, trusting
from tests.support.stub_directory import (
    BASE,
    SERVICE,
    Fault,
    Operations,
    StubDirectory,
    outcome,
    person,
    reference,
    stub_directory,
)

IDA = f"uid=ida,{BASE}"


def _for_people(answer: tuple[int, bytes] | Fault) -> Any:  # noqa: ANN401 - what on_bind takes
    return lambda name, _password: None if name == SERVICE else answer


def _always(answer: Operations, _body: bytes) -> Operations:
    return answer


async def test_the_right_password_is_sent_once(stub: StubDirectory) -> None:
    """Whoever has the right password comes in by one bind with their own name."""
    user = await of_stubs(stub).authenticate("ida", "right")
    assert (user.user_name, user.email) == ("ida", "ida@example.test")
    assert stub.password_binds == [(IDA, "right")]


async def test_a_wrong_password_is_tried_on_one_host_only(stub: StubDirectory, second_stub: StubDirectory) -> None:
    """When the first host says wrong, the second one is not asked."""
    with pytest.raises(DirectoryRefusedError) as refused:
        await of_stubs(stub, second_stub).authenticate("ida", "wrong")
    assert refused.value.cause is RefusalCause.WRONG
    assert stub.password_binds == [(IDA, "wrong")]
    assert second_stub.connections == 0


@pytest.mark.parametrize(
    "word", ["", "\0", "\0\0\0", "a\0b", "\ud800", "x" * 5000, None, 7, ["right"], {"p": "right"}, b"right"]
)
async def test_what_is_no_password_never_reaches_the_directory(stub: StubDirectory, word: Any) -> None:  # noqa: ANN401
    """A directory that lets empty passwords in is not even connected to."""
    with pytest.raises(DirectoryRefusedError) as refused:
        await of_stubs(stub).authenticate("ida", word)
    assert refused.value.cause is RefusalCause.WRONG
    assert stub.connections == 0


@pytest.mark.parametrize("word", ["\u200b\u200b", "\u00a0", " ", "e\u0301", "\u00e9", "p\u00e4ss\u2122"])
async def test_a_password_is_sent_as_it_was_typed(stub: StubDirectory, word: str) -> None:
    """Zero-width and other spaces, composed and decomposed letters reach the directory unaltered."""
    with pytest.raises(DirectoryRefusedError):
        await of_stubs(stub).authenticate("ida", word)
    assert stub.password_binds == [(IDA, word)]


@pytest.mark.parametrize("name", ["", " ", "\0", "ida\0", "x" * 65_536, "\ud800", "a\nb", None, 7, ["ida"]])
async def test_what_is_no_name_never_reaches_the_directory(stub: StubDirectory, name: Any) -> None:  # noqa: ANN401
    """Empty names, control characters, NUL, 64 kB and things that are not text are refused before any connection."""
    with pytest.raises(DirectoryRefusedError) as refused:
        await of_stubs(stub).authenticate(name, "right")
    assert refused.value.cause is RefusalCause.UNKNOWN
    assert stub.connections == 0


@pytest.mark.parametrize("name", ["*", "*)(uid=*))(|(uid=*", "i*a", "ida)(|(uid=x", "a\\2a", "a~=b", "a>=b:=c", "&|!"])
async def test_a_name_means_only_itself_in_a_filter(stub: StubDirectory, name: str) -> None:
    """A filter that somebody types as their name arrives as one value, for each attribute."""
    stub.on_search = lambda _body: [outcome(ber.DONE)]
    with pytest.raises(DirectoryRefusedError):
        await of_stubs(stub).authenticate(name, "right")
    (search,) = stub.searches
    assert search.count(name.encode()) == 2
    assert b"\xa4" not in search  # no substrings
    assert b"\x87\x03uid" not in search  # no presence test of uid


async def test_two_entries_let_nobody_in(stub: StubDirectory) -> None:
    """When two entries have the name, neither is tried; the one bind goes to a name that nobody has."""
    stub.found = [person("ida"), person("ida2")]
    stub.on_bind = lambda _name, _password: outcome(ber.BIND_RESPONSE)
    with pytest.raises(DirectoryRefusedError) as refused:
        await of_stubs(stub).authenticate("ida", "right")
    assert refused.value.cause is RefusalCause.AMBIGUOUS
    ((name, _),) = stub.password_binds
    assert not name.startswith("uid=")


async def test_an_unknown_name_costs_one_bind_too(stub: StubDirectory) -> None:
    """Nobody learns from the time or the traffic who exists; a directory that lets everybody in does not help."""
    stub.found = []
    stub.on_bind = lambda _name, _password: outcome(ber.BIND_RESPONSE)
    with pytest.raises(DirectoryRefusedError) as refused:
        await of_stubs(stub).authenticate("nobody", "right")
    assert refused.value.cause is RefusalCause.UNKNOWN
    assert len(stub.password_binds) == 1


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_host_that_fails_with_the_password_ends_the_attempt(
    stub: StubDirectory, second_stub: StubDirectory, fault: Fault
) -> None:
    """Hanging, resetting or closing after the password was sent: no second host gets it, and the host cools down."""
    stub.on_bind = _for_people(fault)
    directory = of_stubs(stub, second_stub)
    with pytest.raises(DirectoryUnavailableError):
        await directory.authenticate("ida", "right")
    assert len(stub.password_binds) == 1
    assert second_stub.connections == 0
    assert directory.hosts()[0].state is HostState.COOLING


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_host_that_fails_before_the_password_is_skipped(
    stub: StubDirectory, second_stub: StubDirectory, fault: Fault
) -> None:
    """The second host takes over, gets the one bind, and the first is left alone afterwards."""
    stub.on_search = lambda _body: fault
    directory = of_stubs(stub, second_stub)
    await directory.authenticate("ida", "right")
    await directory.authenticate("ida", "right")
    assert (stub.connections, len(stub.password_binds), len(second_stub.password_binds)) == (1, 0, 2)
    assert [host.state for host in directory.hosts()] == [HostState.COOLING, HostState.UP]


@pytest.mark.parametrize("code", [1, 2, 7, 51, 52, 80, 14])
async def test_an_answer_that_is_none_lets_nobody_in(
    stub: StubDirectory, second_stub: StubDirectory, code: int
) -> None:
    """Busy, unavailable, protocol errors and a half-done SASL bind are failures of the host, after one bind."""
    stub.on_bind = _for_people(outcome(ber.BIND_RESPONSE, code, "no"))
    with pytest.raises(DirectoryUnavailableError):
        await of_stubs(stub, second_stub).authenticate("ida", "right")
    assert (len(stub.password_binds), second_stub.connections) == (1, 0)


async def test_a_referral_is_not_followed(stub: StubDirectory, second_stub: StubDirectory) -> None:
    """Whether the search or the bind is referred elsewhere, nobody goes there."""
    elsewhere = f"ldap://127.0.0.1:{second_stub.port}/{BASE}"
    stub.on_bind = _for_people(outcome(ber.BIND_RESPONSE, 10, referral=elsewhere))
    with pytest.raises(DirectoryMisconfiguredError, match="refers us elsewhere"):
        await of_stubs(stub).authenticate("ida", "right")
    assert len(stub.password_binds) == 1
    for answer in ([reference(), person("ida"), outcome(ber.DONE)], [outcome(ber.DONE, 10, referral=elsewhere)]):
        stub.on_search = partial(_always, answer)
        with pytest.raises(DirectoryMisconfiguredError, match="refers us elsewhere"):
            await of_stubs(stub).authenticate("ida", "right")
    assert (len(stub.password_binds), second_stub.connections) == (1, 0)


async def test_a_hanging_directory_takes_its_time_and_no_more(stub: StubDirectory) -> None:
    """The sign-in fails within login_seconds, whatever each single answer may take."""
    stub.on_accept = Fault.HANG
    directory = of_stubs(stub, receive_seconds=30.0, login_seconds=1.0)
    began = time.monotonic()
    with pytest.raises(DirectoryUnavailableError):
        await directory.authenticate("ida", "right")
    assert 0.5 < time.monotonic() - began < 2


async def test_a_host_that_was_not_reached_in_time_has_not_failed(
    stub: StubDirectory, second_stub: StubDirectory
) -> None:
    """When the first host takes all the time, the second is not blamed, and the next sign-in goes there at once."""
    stub.on_accept = Fault.HANG
    directory = of_stubs(stub, second_stub, receive_seconds=30.0, login_seconds=1.0)
    with pytest.raises(DirectoryUnavailableError):
        await directory.authenticate("ida", "right")
    await asyncio.sleep(0.2)
    assert [host.state for host in directory.hosts()] == [HostState.COOLING, HostState.UNKNOWN]
    await directory.authenticate("ida", "right")
    assert len(second_stub.password_binds) == 1


async def test_a_hanging_directory_holds_up_nobody_else(stub: StubDirectory) -> None:
    """When all threads hang, the next one is told so at once, and the event loop runs on all the time."""
    stub.on_accept = Fault.HANG
    directory = of_stubs(stub, threads=2, receive_seconds=30.0, login_seconds=4.0, cool_down_seconds=1.0)
    ticks, longest = [time.monotonic()], 0.0
    hanging = [asyncio.create_task(directory.authenticate("ida", "right")) for _ in range(2)]
    late = asyncio.create_task(directory.authenticate("ida", "right"))
    while not late.done():
        await asyncio.sleep(0.005)
        ticks.append(time.monotonic())
        longest = max(longest, ticks[-1] - ticks[-2])
    assert isinstance(late.exception(), DirectoryUnavailableError)
    assert ticks[-1] - ticks[0] < 2
    assert longest < 0.5
    assert all(
        isinstance(each, DirectoryUnavailableError) for each in await asyncio.gather(*hanging, return_exceptions=True)
    )
    stub.on_accept = None
    await asyncio.sleep(1.1)
    await directory.authenticate("ida", "right")  # the threads have come back


async def test_a_visitor_who_leaves_frees_the_thread(stub: StubDirectory) -> None:
    """Cancelling a sign-in ends its conversation, not only the waiting for it."""
    stub.on_accept = Fault.HANG
    directory = of_stubs(stub, threads=1, receive_seconds=30.0, login_seconds=30.0)
    task = asyncio.create_task(directory.authenticate("ida", "right"))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    stub.on_accept = None
    await directory.authenticate("ida", "right")


async def test_slow_drops_are_as_late_as_silence(stub: StubDirectory) -> None:
    """A host that sends a byte now and then does not get more time for its answer."""
    stub.on_accept = b"\x30\x84\x00\x00\x0f"
    began = time.monotonic()
    with pytest.raises(DirectoryUnavailableError):
        await of_stubs(stub).authenticate("ida", "right")
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "rubbish",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x80\x00\x00",
        b"\x30\x88" + b"\xff" * 8,
        b"\x30\x05\x02\x01\x09\x61\x00",
    ],
)
async def test_what_is_not_ldap_is_a_failure(stub: StubDirectory, rubbish: bytes) -> None:
    """Another protocol, absurd lengths and answers to other questions end the conversation."""
    stub.on_accept = rubbish
    with pytest.raises(DirectoryUnavailableError):
        await of_stubs(stub).authenticate("ida", "right")
    assert stub.password_binds == []


@pytest.mark.parametrize("flaw", ["authority", "name", "expired"])
async def test_a_host_that_does_not_prove_its_name_gets_nothing(tmp_path: Path, flaw: str) -> None:
    """A certificate of an unknown authority, for another name, or out of date: not even the service account binds."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "Other Authority")
    signer = other if flaw == "authority" else authority
    host = "elsewhere.example.test" if flaw == "name" else "127.0.0.1"
    async with stub_directory(signer.server(host, days=-1 if flaw == "expired" else 1)) as stub:
        directory = of_stubs(stub, urls=(f"ldaps://127.0.0.1:{stub.port}",), **trusting(authority.file))
        with pytest.raises(DirectoryUnavailableError):
            await directory.authenticate("ida", "right")
        assert stub.binds == []
        probed = await directory.probe(ProbeSection.TLS)
        assert (probed.is_ok, bool(probed.next_step)) == (False, True)


async def test_the_right_certificate_lets_us_in(tmp_path: Path) -> None:
    """The same host with its own certificate works."""
    authority = Authority(tmp_path)
    async with stub_directory(authority.server("127.0.0.1")) as stub:
        directory = of_stubs(stub, urls=(f"ldaps://127.0.0.1:{stub.port}",), **trusting(authority.file))
        await directory.authenticate("ida", "right")
        assert len(stub.password_binds) == 1


async def test_without_start_tls_no_password_crosses_the_network(stub: StubDirectory) -> None:
    """A host that refuses StartTLS gets no bind at all."""
    directory = of_stubs(stub, start_tls=True, allow_unencrypted=False)
    with pytest.raises(DirectoryUnavailableError, match="not here"):
        await directory.authenticate("ida", "right")
    assert stub.binds == []


async def test_an_unencrypted_host_is_shown(stub: StubDirectory) -> None:
    """What allow_unencrypted brings about is seen in the status of the hosts, for health."""
    unsafe = of_stubs(stub, urls=(f"ldap://127.0.0.1:{stub.port}", "ldaps://127.0.0.1"))
    assert [host.is_encrypted for host in unsafe.hosts()] == [False, True]
    assert [host.is_encrypted for host in of_stubs(stub, start_tls=True).hosts()] == [True]


async def test_plain_ldap_needs_to_be_allowed(stub: StubDirectory) -> None:
    """Without start_tls and without allow_unencrypted nothing is sent."""
    with pytest.raises(DirectoryMisconfiguredError, match="not encrypted"):
        await of_stubs(stub, allow_unencrypted=False).authenticate("ida", "right")
    assert stub.binds == []


async def test_a_refused_service_account_is_not_tried_again_at_once(
    stub: StubDirectory, second_stub: StubDirectory
) -> None:
    """Our own wrong password is sent once, to one host, and not again at every sign-in: that would lock the account."""
    stub.passwords[SERVICE] = second_stub.passwords[SERVICE] = "another"
    directory = of_stubs(stub, second_stub)
    for _ in range(3):
        with pytest.raises(DirectoryMisconfiguredError, match="bind_dn"):
            await directory.authenticate("ida", "right")
    assert (len(stub.binds), second_stub.binds) == (1, [])


async def test_only_a_cooling_host_is_still_tried_by_one(stub: StubDirectory) -> None:
    """A single host that failed once is tried again by the next sign-in, so a blip locks nobody out for long."""
    directory = of_stubs(stub)
    stub.on_accept = Fault.RESET
    with pytest.raises(DirectoryUnavailableError):
        await directory.authenticate("ida", "right")
    stub.on_accept = None
    await directory.authenticate("ida", "right")
    (host,) = directory.hosts()
    assert host.state is HostState.UP
    assert host.last_error


async def test_what_a_server_says_is_fit_to_be_shown(stub: StubDirectory) -> None:
    """Line breaks and terminal escapes of a server do not get into logs."""
    stub.on_bind = _for_people(outcome(ber.BIND_RESPONSE, 49, "no\r\n\x1b[31mroot\x9b" + "x" * 9000))
    with pytest.raises(DirectoryRefusedError) as refused:
        await of_stubs(stub).authenticate("ida", "wrong")
    assert refused.value.said.startswith("no [31mroot x")
    assert len(refused.value.said) == 300
