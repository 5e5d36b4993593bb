"""`leashctl try`: see the whole road work, with a pretend agent and a real person."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.agents.records import DeploymentTerms
from appliance.agents.service import create_deployment_token, revoke_deployment_token, revoke_machine
from appliance.approvals.queries import pending_asks
from appliance.ledger.records import Actor, ActorKind
from installer.console import Console, print_json
from installer.context import CommandLine
from installer.errors import INTERRUPTED
from installer.steps.pretend_agent import Played, PretendAgent

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

try_app = typer.Typer(rich_markup_mode=None)

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
ALLOWED, DENIED, ASKED = "git status", "rm -rf /", "psql -c 'drop table pretend'"
_LOOKS, _LOOK_SECONDS = 100, 0.1


@try_app.command("try")
def try_it(ctx: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Enrol a pretend agent and play three real hook calls: one allowed, one denied, one that waits for a person.

    Nothing is run. The pretend machine and its deployment token are revoked at the end; the ledger tells of them.
    """
    line: CommandLine = ctx.obj
    console = Console(sys.stderr if as_json else sys.stdout)
    try:
        calls = asyncio.run(_play(line, console))
    except KeyboardInterrupt:
        console.say("\nNot answered; the ask stays open until it expires, and its agent was told nothing.")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json({"calls": calls})
    else:
        console.say("\nAll of it is in the ledger: leashctl ledger verify")


async def _play(line: CommandLine, console: Console) -> list[Played]:
    async with line.open() as appliance, _enrolled(appliance) as agent:
        console.say("A pretend agent is enrolled and wants to run three commands.")
        calls = [await agent.wants_to_run(command) for command in (ALLOWED, DENIED)]
        for call in calls:
            _tell(console, call)
        waiting = asyncio.create_task(agent.wants_to_run(ASKED))
        try:
            console.say(f"  ask    {ASKED}\n         answer it at {await _where(appliance, agent, waiting)}")
            answered = await waiting
        finally:
            waiting.cancel()
        _tell(console, answered)
        return [*calls, answered]


@asynccontextmanager
async def _enrolled(appliance: "Appliance") -> AsyncIterator[PretendAgent]:
    """A machine that enrolled with a token of its own; both are revoked afterwards."""
    terms = DeploymentTerms(name="leashctl try", days=1, max_uses=1)
    deployment = await create_deployment_token(OPERATOR, terms, now=appliance.clock())
    try:
        agent = await PretendAgent.enrol(appliance.config, deployment.token)
        try:
            yield agent
        finally:
            await revoke_machine(OPERATOR, agent.machine_id, now=appliance.clock())
    finally:
        await revoke_deployment_token(OPERATOR, deployment.record.id, now=appliance.clock())


async def _where(appliance: "Appliance", agent: PretendAgent, waiting: asyncio.Task[Played]) -> str:
    """Address of the page where the agent's ask can be answered."""
    origin = appliance.config.public_origin
    for _ in range(_LOOKS):
        if waiting.done():  # answered at once: policy does not ask about it, or refuses it
            break
        found = [ask for ask in await pending_asks(appliance.clock()) if ask.machine_id == agent.machine_id]
        if found:
            return f"{origin}/approvals/{found[0].id}"
        await asyncio.sleep(_LOOK_SECONDS)
    return f"{origin}/approvals"


def _tell(console: Console, call: Played) -> None:
    console.say(f"  {call.outcome:<6} {call.command}  ({call.seconds:.2f} s)")
    if call.reason:
        console.say(f"         {call.reason}")
