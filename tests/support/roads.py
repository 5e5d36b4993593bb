"""A decision road with policies of a test, and what one does with it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from appliance.approvals.queries import ask_by_id, pending_asks
from appliance.approvals.records import Ask, Resolution
from appliance.bootstrap import Road
from appliance.clock import utc_now
from appliance.decisions.queries import find_decisions
from appliance.decisions.records import Call, DecisionFilter, Requester, StoredDecision
from appliance.ledger.records import Actor, ActorKind
from tests.support.asks import approver
from tests.support.decisions import IDA
from tests.support.machines import bash

POLICIES = """
@id("base") permit (principal, action, resource);
@id("no-dd") @why("It overwrites disks.") forbid (principal, action, resource) when { context.program == "dd" };
@id("ask-deploy") @ask("approver") @why("It reaches customers.")
forbid (principal, action, resource) when { context.program == "deploy" };
@id("ask-question") @ask("approver") @why("The agent wants to know something.")
forbid (principal, action == Action::"tool", resource) when { context.tool == "AskUserQuestion" };
"""
OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
Opens = Callable[..., Awaitable[Road]]


def call(command: str, event: str = "PreToolUse", *, of: Requester = IDA, **more: str) -> Call:
    """Claude Code asks whether it may run a command."""
    return Call(requester=of, agent="claude", event=event, body=bash(command, **more))


def said(reply: Any) -> tuple[str, str]:  # noqa: ANN401 - an agent's own JSON
    """(decision, reason) of Claude Code's reply before a tool."""
    specific = reply["hookSpecificOutput"]
    return specific["permissionDecision"], specific.get("permissionDecisionReason", "")


async def waiting(count: int = 1) -> list[Ask]:
    """The asks that wait, once there are so many of them."""
    async with asyncio.timeout(5):
        while len(found := await pending_asks(utc_now())) < count:  # noqa: ASYNC110 - an outsider's view
            await asyncio.sleep(0.01)
    return found


async def answered(
    road: Road, ask: Ask, resolution: Resolution = Resolution.ALLOW, *, response: Mapping[str, Any] | None = None
) -> None:
    approvals = road.decisions._approvals
    await approvals.answer(
        ask.id, approver("Bob"), resolution, binding=ask.binding, guidance="", now=utc_now(), response=response
    )


async def approved(road: Road) -> Ask:
    """An ask that was allowed when its caller was gone."""
    gone = asyncio.Event()

    async def hung_up() -> None:
        await gone.wait()

    task = asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1"), hung_up=hung_up))
    (ask,) = await waiting()
    gone.set()
    await task
    await answered(road, ask)
    return await ask_by_id(ask.id)


async def decisions() -> list[StoredDecision]:
    return await find_decisions(DecisionFilter())
