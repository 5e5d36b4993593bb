"""Answers asks that it reads from standard input, through the approvals service on its own database connections."""

import asyncio
import json
import os
import sys
import time
from typing import Any
from uuid import UUID

from appliance.approvals.records import Answerer, Resolution
from appliance.bootstrap import Appliance, open_appliance
from appliance.config import load
from appliance.database.identifiers import uuid7
from appliance.ledger.records import Actor, ActorKind
from appliance.logging import configure


async def main() -> None:
    """One JSON line in (`id`, `binding`), one out (`began`, `committed`: monotonic seconds)."""
    person = uuid7()
    who = Answerer(
        person_id=person,
        email="bench@example.org",
        display_name="Bench",
        roles=frozenset({"approver"}),
        actor=Actor(kind=ActorKind.PERSON, id=str(person), name="Bench"),
    )
    configure(level="warning", format_="console", stream=sys.stderr)  # standard output belongs to the answers
    async with open_appliance(load(None, os.environ).config) as appliance:
        _say("ready")
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            _say(json.dumps(await _answer(appliance, who, json.loads(line))))


async def _answer(appliance: Appliance, who: Answerer, asked: dict[str, Any]) -> dict[str, float]:
    began = time.monotonic()
    await appliance.approvals.answer(
        UUID(asked["id"]), who, Resolution.ALLOW, binding=asked["binding"], guidance="", now=appliance.clock()
    )
    # The service returns as soon as its commit is acknowledged.
    return {"began": began, "committed": time.monotonic()}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
