"""`leashctl notifications` against a real database, each call a process of its own."""

import json

from appliance.actions.records import AskTerms
from appliance.identity.records import Role
from appliance.notifications.ports import Failure, SendError
from tests.installer.conftest import Leashctl
from tests.support.asks import opened
from tests.support.notifying import Telling, somebody
from tests.support.postgres import TestDatabase


async def test_a_dead_letter_is_found_and_replayed(committed_database: TestDatabase, leashctl: Leashctl) -> None:
    """By command line alone; what is no dead letter is refused with exit code 1."""

    def run(*words: str) -> tuple[int, str]:
        done = leashctl("notifications", *words, LEASH_DATABASE__SERVICE_URL=committed_database.service_url)
        return done.returncode, done.stdout

    telling = Telling(attempts_max=1)
    await somebody(Role.APPROVER)
    webhook = await telling.webhook("ask.opened")
    telling.outside.broken[webhook] = SendError(Failure.LATER, "status 500")
    await opened(telling.approvals, AskTerms(roles=("approver",)))
    await telling.after()
    code, told = run("dead-letter", "list", "--json")
    (letter,) = json.loads(told)
    assert (code, letter["outcome"], letter["channel"]) == (0, "status 500", "webhook")
    assert json.loads(run("dead-letter", "replay", letter["id"], "--json")[1])["queued"]
    assert run("dead-letter", "replay", letter["id"])[0] == 1
    assert f"{letter['id']}" in run("list", "--state", "waiting")[1]
