"""From a person's committed answer to the reply of the held hook call."""

import asyncio

from tests.bench.figures import Figures, spread_ms
from tests.bench.held import Answering, HeldCalls, answering, held
from tests.bench.installation import Installation

CALLS = 200
OTHERS = 1000


def measure(installation: Installation) -> Figures:
    """Latencies alone, and while OTHERS more calls are held."""
    return asyncio.run(_measure(installation))


async def _measure(installation: Installation) -> Figures:
    async with answering(installation) as people:
        async with held(installation, "warm", 8) as calls:
            await _release(calls, people)
        async with held(installation, "alone", CALLS) as calls:
            alone = await _release(calls, people)
        async with held(installation, "others", OTHERS), held(installation, "among", CALLS) as calls:
            among = await _release(calls, people)
    return {"alone": alone, f"among_{OTHERS}_held": among}


async def _release(calls: HeldCalls, people: Answering) -> Figures:
    """Answer one call after the other, each after the reply to the one before: no answer waits for another."""
    from_commit, from_answer, not_allowed = [], [], 0
    for call in calls.calls:
        began, committed = await people.allow(call)
        async with asyncio.timeout(10):
            reply = await call.reply
        # The notification leaves with the commit, its acknowledgement reaches the other process a little later: a
        # reply can be there first, and counts as zero. The time from the answer's beginning has no such edge.
        from_commit.append(max(0.0, reply.at - committed))
        from_answer.append(reply.at - began)
        not_allowed += "allow" not in str(reply.body)
        await asyncio.sleep(0.002)
    whole = spread_ms(from_answer)
    return {
        **spread_ms(from_commit),
        "with_the_answer_itself_p50_ms": whole["p50_ms"],
        "with_the_answer_itself_p99_ms": whole["p99_ms"],
        "not_allowed": not_allowed,
    }
