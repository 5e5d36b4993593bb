"""`leashctl try` as somebody sees it who has just installed the product."""

import asyncio
import json
import re
import signal
import subprocess
from asyncio.subprocess import Process

from tests.support import processes
from tests.support.journey import Cloud

_WHERE = re.compile(r"answer it at http://\S+/approvals/([0-9a-f-]{36})")


async def _start(cloud: Cloud, *words: str, **environ: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *cloud.words, "try", *words, env={**cloud.environ, **environ}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


async def _asked(stream: asyncio.StreamReader | None) -> tuple[str, str]:
    """What was said until the address of the ask, and its id."""
    assert stream is not None
    said = ""
    while not (found := _WHERE.search(said)):
        line = await asyncio.wait_for(stream.readline(), 30)
        assert line, said
        said += line.decode()
    return said, found[1]


async def _nothing_stays(cloud: Cloud) -> None:
    """The pretend machine and its deployment token have been revoked."""
    for table, condition in (("machine", "hostname = 'pretend-agent'"), ("deployment_token", "name = 'leashctl try'")):
        assert await cloud.count(table, condition) > 0
        assert await cloud.count(table, f"{condition} AND revoked_at IS NULL") == 0


async def test_three_calls_and_the_words_of_the_person(cloud: Cloud) -> None:
    """One is allowed, one denied, one waits at an address; the answer and its guidance are shown; nothing stays."""
    owner = await cloud.owner()
    trying = await _start(cloud)
    said, ask = await _asked(trying.stdout)
    assert re.search(r"^  allow  git status  ", said, re.MULTILINE)
    assert re.search(r"^  deny   rm -rf /  ", said, re.MULTILINE)
    assert (await owner.answer(ask, "deny", guidance="Use the staging copy")).status_code == 303
    out, err = await asyncio.wait_for(trying.communicate(), 30)
    assert (trying.returncode, err) == (0, b"")
    assert "Denied by Ada Lovelace: Use the staging copy" in out.decode()
    await _nothing_stays(cloud)


async def test_a_script_gets_one_object_and_still_hears_where_to_answer(cloud: Cloud) -> None:
    """The address is on standard error, the answer alone on standard output."""
    owner = await cloud.owner()
    trying = await _start(cloud, "--json")
    _, ask = await _asked(trying.stderr)
    assert (await owner.answer(ask, "allow")).status_code == 303
    out, _ = await asyncio.wait_for(trying.communicate(), 30)
    assert trying.returncode == 0
    assert [call["outcome"] for call in json.loads(out)["calls"]] == ["allow", "deny", "allow"]


async def test_whoever_does_not_want_to_wait_presses_ctrl_c(cloud: Cloud) -> None:
    """It ends at once, with 130 and a sentence; the ask stays until it expires, and the machine is revoked."""
    trying = await _start(cloud)
    _, ask = await _asked(trying.stdout)
    trying.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(trying.communicate(), 20)
    assert trying.returncode == 130
    assert "Not answered" in out.decode()
    assert b"Traceback" not in err
    assert await cloud.count("ask", "id = $1::uuid AND state = 'pending'", ask) == 1
    await _nothing_stays(cloud)
    await cloud.sql("UPDATE ask SET expires_at = now() WHERE id = $1::uuid", ask)


async def test_without_the_service_it_says_what_to_start(cloud: Cloud) -> None:
    """Exit code 69 and the next step; the deployment token that was made is revoked."""
    trying = await _start(cloud, LEASH_SERVER__PORT=str(processes.free_port()))
    _, err = await asyncio.wait_for(trying.communicate(), 30)
    assert trying.returncode == 69
    assert "does not answer" in err.decode()
    assert "make up" in err.decode()
    assert b"Traceback" not in err
    await _nothing_stays(cloud)
