"""The published apps and the desktop at work, over HTTP, from their contract alone: an ask is heard of and answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.support.desktop import Desktop
from tests.support.journey import Cloud
from tests.support.machines import Answer, Machine, bash
from tests.support.phone import Phone, form_token_of, led_in
from tests.support.visitor import Visitor

FORCED = "git push --force origin main"
STREAM_SECONDS = 10
OF_BOTH = "person IN (SELECT id FROM person WHERE email = ANY($1::text[]))"


@asynccontextmanager
async def _clients() -> AsyncIterator[httpx.AsyncClient]:
    """No time limit of reading: apps have none, and streams are silent for long."""
    async with httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(20, read=30)) as http:
        yield http


async def _signed_in(cloud: Cloud, phone: Phone, visitor: Visitor) -> None:
    """From the tap on sign-in to the first state, in the order of the apps."""
    await phone.bootstrap()
    reply = await phone.opened(await led_in(cloud.url, phone, visitor))
    assert reply is not None
    assert reply.status_code == 200
    await phone.tell_of_itself()
    await phone.refresh()


async def _hooked(cloud: Cloud, desktop: Desktop, told: dict[str, str]) -> Machine:
    """The hooks that the desktop installs call with its token, at the address that it was told."""
    assert told["apiUrl"] == cloud.url
    return Machine(cloud.http, desktop.token, "", desktop.hostname)


async def test_an_ask_is_heard_of_and_answered_by_each_client(cloud: Cloud) -> None:
    """The 1.1.0 app denies, the July app allows, the desktop's own token may do neither; a dead token signs out."""
    await cloud.owner()
    mia, bob = (
        await cloud.person("member", "mia.desk@example.org"),
        await cloud.person("approver", "bob.phone@example.org"),
    )
    async with _clients() as http:
        phone, july, setup = (Phone(http, cloud.url) for _ in range(3))
        for app, person in ((phone, bob), (july, bob), (setup, mia)):
            await _signed_in(cloud, app, person)
        await phone.tell_of_itself()  # another launch of the same phone
        # Bob's, which calls itself the same in both apps, and Mia's.
        assert await cloud.count("client_device", OF_BOTH, [mia.email, bob.email]) == 2
        # Whoever sets the desktop up is signed in; from then on it has a token of its own.
        desktop = Desktop(cloud.http, "mias-mbp")
        machine = await _hooked(cloud, desktop, await desktop.enroll(setup.token))
        await desktop.tell_of_agents()
        assert desktop.installed == {"claude-code", "codex"}
        async with phone.stream() as lines, desktop.frames() as frames:
            await asyncio.wait_for(anext(lines), STREAM_SECONDS)  # the greeting
            await asyncio.wait_for(anext(frames), STREAM_SECONDS)
            held = asyncio.create_task(machine.curl(bash(FORCED)))
            await asyncio.wait_for(anext(lines), STREAM_SECONDS)
            await asyncio.wait_for(anext(frames), STREAM_SECONDS)
            await _denied_by_phone(phone, desktop, held)
        held = asyncio.create_task(machine.curl(bash(f"{FORCED} --tags")))
        [ask] = await cloud.pending_asks()
        assert [ask] == [each["id"] for each in (await july.refresh(is_july=True))["pendingApprovals"]]
        assert (await july.resolve(ask, "allow")).status_code == 200
        assert (await held).is_allow
        assert [each["resolution"] for each in (await phone.refresh())["recentActivity"][:2]] == ["allow", "deny"]
        await _signed_out(cloud, phone, bob)
    await cloud.verify_ledger()


async def _denied_by_phone(phone: Phone, desktop: Desktop, held: "asyncio.Task[Answer]") -> None:
    """The phone notifies of the ask and denies it; what the machine's token tries before is refused."""
    await phone.refresh()
    [ask] = phone.notices()
    assert [each["id"] for each in (await desktop.poll())["pendingApprovals"]] == [ask]
    tried = await desktop.call(
        "mobileDecisionResolve", "POST", f"/v1/mobile/decisions/{ask}/resolve", {"resolution": "allow"}
    )
    assert (tried.status_code, held.done()) == (403, False)
    assert (await phone.resolve(ask, "deny", "Use the\n staging copy")).status_code == 200
    answer = await held
    assert answer.is_deny
    assert "Use the staging copy" in answer.reason


async def _signed_out(cloud: Cloud, phone: Phone, person: Visitor) -> None:
    """Its person ends the phone's session: the stream ends, and the next state signs the app out."""
    async with phone.stream() as lines:
        await asyncio.wait_for(anext(lines), STREAM_SECONDS)
        token = form_token_of(await person.page("/account"))
        await person.send("POST", "/account/sessions/revoke-others", csrf_token=token)
        await asyncio.wait_for(_ended(lines), STREAM_SECONDS)
    assert await phone.refresh() == {}
    assert phone.token == ""
    assert await phone.bootstrap()  # the relaunch shows the way in again


async def _ended(lines: AsyncIterator[str]) -> None:
    async for _line in lines:
        pass
