"""Who calls in the tests of the clients' contract."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.contract import MACHINE, VERSIONS, Row
from tests.support.journey import Cloud
from tests.support.machines import Machine, bash
from tests.support.phone import Phone, form_token_of, led_in
from tests.support.visitor import Visitor


@dataclass
class Cast:
    """Who calls: a member whose machines ask, an approver who answers, and tokens that are worth nothing any more."""

    cloud: Cloud
    member: Visitor
    approver: Visitor
    own: str
    answering: str
    desktop: str
    cli: Machine
    dead: tuple[str, ...]

    async def send(self, row: Row, token: str | None = None, version: str | None = None) -> httpx.Response:
        """One row's call, as it is published; with another version than that, or without one if it is empty."""
        version = VERSIONS.get(row.function, "") if version is None else version
        headers = {"x-openleash-api-function": row.function, "x-openleash-api-version": version} if version else {}
        headers |= {"authorization": f"Bearer {token}".strip()} if token is not None else {}
        headers |= {"content-type": "application/json; charset=utf-8"} if row.body is not None else {}
        content = None if row.body is None else json.dumps(row.body)
        return await self.cloud.http.request(row.method, row.path, headers=headers, content=content)

    async def post(self, function: str, path: str, body: Any, token: str | None = None) -> httpx.Response:  # noqa: ANN401
        """A call of no row."""
        return await self.send(Row(function, "POST", path, body, 0, 0), token)


async def _signed_in(cloud: Cloud, visitor: Visitor) -> str:
    phone = Phone(cloud.http)
    assert await phone.opened(await led_in(cloud.url, phone, visitor))
    return phone.token


async def gathered(cloud: Cloud, deployment_token: str) -> Cast:
    """Everybody signed in and enrolled, with a history of more than one page."""
    await cloud.owner()
    member = await cloud.person("member", "nora.rows@example.org")
    approver = await cloud.person("approver", "otto.rows@example.org")
    lost = await cloud.machine("rows-lost", token=deployment_token)
    ended = await _signed_in(cloud, member)
    form = form_token_of(await member.page("/account"))
    await member.send("POST", "/account/sessions/revoke-others", csrf_token=form)
    await cloud.leashctl("agents", "machine", "revoke", lost.id)
    own = await _signed_in(cloud, member)
    cli = await cloud.machine("rows-cli", email=member.email, token=deployment_token)
    made = Cast(cloud, member, approver, own, await _signed_in(cloud, approver), "", cli, (ended, lost.token))
    told = await made.post("desktopEnroll", "/v1/desktop/enroll", MACHINE, own)
    made.desktop = told.json()["token"]
    machine = Machine(cloud.http, made.desktop, "", "rows-mbp")
    calls = [machine.call(bash(f"rm -rf / # {number}")) for number in range(13)]  # what is plainly allowed is not told
    assert all(answer.is_deny for answer in await asyncio.gather(*calls))
    return made
