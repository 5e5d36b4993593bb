"""The page of directories: what it tells, what its buttons do, and who may press them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from appliance.database.identifiers import uuid7
from appliance.identity.directories import queries
from appliance.identity.records import Role
from tests.support.directory_world import directory_world
from tests.support.fake_directory import FakeDirectory, Fault
from tests.support.people import Someone, ledger_events, ledger_facts, make_person
from tests.support.postgres import TestPostgres
from tests.support.syncing import enabled, ended, settings
from tests.support.web_world import World

PART = {"HX-Request": "true"}


@pytest.fixture
def fake() -> FakeDirectory:
    """Four people, one of them in a group."""
    made = FakeDirectory()
    made.group("Leads", made.add("ida", "ben", "eve", "kim")[:1])
    made.passwords = {"ida": "right"}
    return made


@pytest.fixture
async def world(postgres: TestPostgres, tmp_path: Path, fake: FakeDirectory) -> AsyncIterator[World]:
    """The application; its brake holds from the third person on."""
    described = settings(label="Head office", brake_people=2, allow_unencrypted=True, bind_password=None)
    async with directory_world(postgres, tmp_path, fake, described) as running:
        yield running


async def sync(world: World, kind: str = "") -> httpx.Response:
    """Press Run now, and wait for the end of the run."""
    reply = await press(world, world.owner, "/directories/corp/sync", kind=kind)
    await ended()
    return reply


async def press(
    world: World, who: Someone, path: str, headers: dict[str, str] | None = None, **fields: str
) -> httpx.Response:
    """Send a form as one of our own pages does."""
    data = {"csrf_token": await world.csrf(who), **fields}
    return await world.as_browser(who, "POST", path, headers, data=data)


async def page(world: World, path: str = "/directories") -> str:
    """What the owner sees, without tags and with single spaces."""
    shown = await world.as_browser(world.owner, "GET", path, {"accept": "text/html"})
    assert shown.status_code == 200, shown.text
    return " ".join(re.sub(r"<[^>]+>", " ", shown.text).split())


async def test_the_card_tells_how_a_directory_stands(world: World) -> None:
    """Hosts, people, the last and the next run, the time to effect, and the unsafe flag as a warning."""
    before = await page(world)
    assert "Head office" in before
    assert "ldaps://dc1.example.org up" in before
    assert "Last good run none yet" in before
    assert "not measured yet" in before
    assert "Passwords may cross the network in the clear" in before
    await sync(world)
    after = await page(world)
    assert "Known here 4 people , 1 group" in after or "Known here 4 people, 1 group" in after
    assert "every 120 seconds" in after


async def test_a_part_is_tested_in_the_open_page_and_without_scripts(world: World, fake: FakeDirectory) -> None:
    """The part alone for HTMX, else the whole page with the answer in its card."""
    part = await press(world, world.owner, "/directories/corp/test", PART, section="find_user", user="ida")
    assert (part.status_code, "<html" in part.text) == (200, False)
    assert "Find user: works" in part.text
    fake.fault = Fault.ERROR
    whole = await press(world, world.owner, "/directories/corp/test", section="bind")
    assert "<html" in whole.text
    assert "Bind: does not work" in whole.text
    unknown = await press(world, world.owner, "/directories/corp/test", section="everything")
    assert (unknown.status_code, "A directory has no such part" in unknown.text) == (400, True)
    assert (await press(world, world.owner, "/directories/none/test", section="bind")).status_code == 404


async def test_a_sign_in_is_tried_and_the_password_is_nowhere(world: World) -> None:
    """Both outcomes with their reasons; the form comes back without the password; the ledger has the attempts."""
    path = "/directories/corp/sign-in"
    right = await press(world, world.owner, path, PART, user="ida", password="right")
    assert "Would be let in" in right.text
    assert "Leads" in right.text
    assert "would get an account here" in right.text
    wrong = await press(world, world.owner, path, user="ida", password="guess-42")
    assert "Would not be let in" in wrong.text
    assert "guess-42" not in wrong.text
    assert [each["outcome"] for each in await ledger_facts("directory.sign_in_tried")] == ["let_in", "wrong"]
    assert await enabled() == {}
    assert (await ledger_events())["sign_in.succeeded"] == 0


async def test_trying_stops_below_the_lock_out_of_the_directory(world: World) -> None:
    """Of many wrong passwords only as many are passed on as the configuration says."""
    for _ in range(5):
        await press(world, world.owner, "/directories/corp/sign-in", PART, user="ida", password="guess")
    outcomes = [each["outcome"] for each in await ledger_facts("directory.sign_in_tried")]
    assert outcomes == ["wrong"] * 3 + ["attempts_spent"] * 2


async def test_a_trial_says_what_keeps_somebody_out(world: World, fake: FakeDirectory) -> None:
    """An address that somebody else has, a directory that is down, and nobody of that name."""
    fake.add("mia", email="mia@example.org")
    fake.passwords["mia"] = "right"
    path = "/directories/corp/sign-in"
    taken = await press(world, world.owner, path, PART, user="mia", password="right")
    assert "belongs to somebody who is here by another way" in taken.text
    nobody = await press(world, world.owner, path, PART, user="nobody", password="right")
    assert "Would not be let in" in nobody.text
    fake.fault = Fault.ERROR
    down = await press(world, world.owner, path, PART, user="ida", password="right")
    assert "51 busy" in down.text


async def test_a_run_goes_on_after_the_answer(world: World, fake: FakeDirectory) -> None:
    """Its page says that it is under way and is told of its end; a second one is refused; the service's end ends it."""
    fake.fault = Fault.HANG
    where = (await press(world, world.owner, "/directories/corp/sync")).headers["location"]
    running = await world.as_browser(world.owner, "GET", where, {"accept": "text/html"})
    assert "Under way" in running.text
    assert 'hx-trigger="live-directories from:body"' in running.text
    second = await press(world, world.owner, "/directories/corp/sync")
    assert (second.status_code, "under way" in second.text) == (409, True)
    await world.appliance.directories.close()
    assert "interrupted before it changed anything" in await page(world, where)
    assert await enabled() == {}
    gone = await world.as_browser(world.owner, "GET", f"/directories/corp/runs/{uuid7()}", PART)
    assert gone.headers["hx-redirect"] == "/directories/corp/runs"


async def test_a_run_can_be_looked_at_before_it_happens(world: World) -> None:
    """Comparing shows everybody who would come and writes nothing."""
    part = await press(world, world.owner, "/directories/corp/compare", PART)
    assert all(name in part.text for name in ("ida", "ben", "eve", "kim"))
    assert await queries.runs(directory="corp") == ()
    assert await enabled() == {}


async def test_a_held_run_is_confirmed_and_undone(world: World, fake: FakeDirectory) -> None:
    """The card leads to it, its page shows who would go; after undo everybody is back."""
    await sync(world)
    for key in list(fake.users)[:3]:
        fake.change(key, is_disabled=True)
    held = await sync(world, kind="full")
    where = held.headers["location"]
    assert "A run waits for you" in await page(world)
    shown = await page(world, where)
    assert "Nobody has been changed. What shall happen?" in shown
    assert shown.count("disabled") >= 3
    done = await press(world, world.owner, f"{where}/confirm")
    assert done.headers["location"] == f"{where}?done=confirm", done.text
    assert sorted((await enabled()).values()) == [False, False, False, True]
    assert "Whom the directory disabled was out here within" in await page(world, "/directories/corp/runs")
    again = await press(world, world.owner, f"{where}/confirm")
    assert again.status_code == 409
    await press(world, world.owner, f"{where}/undo")
    assert all((await enabled()).values())
    assert "undone" in await page(world, where)


async def test_a_held_run_is_refused(world: World, fake: FakeDirectory) -> None:
    """Nobody is changed, and its state says so; a word that is no decision is refused."""
    await sync(world)
    for key in list(fake.users)[:3]:
        fake.change(key, is_disabled=True)
    where = (await sync(world, kind="full")).headers["location"]
    assert (await press(world, world.owner, f"{where}/perhaps")).status_code == 400
    assert (await press(world, world.owner, f"{where}/reject")).status_code == 303
    assert all((await enabled()).values())
    assert "The run is refused" in await page(world, f"{where}?done=reject")


async def test_a_failed_run_says_why(world: World, fake: FakeDirectory) -> None:
    """In the run's page and, as long as it lasts, at the top of the directories."""
    fake.fault = Fault.ERROR
    where = (await sync(world)).headers["location"]
    assert "51 busy" in await page(world, where)
    assert "sync fails (never good): dc1 said: 51 busy" in await page(world)


async def test_auditors_read_and_press_nothing(world: World) -> None:
    """They see the page without forms; members see neither, and nothing works without the form token."""
    auditor = await make_person(world.appliance.identity, Role.AUDITOR, "aud@example.org", world.appliance.clock())
    seen = await world.as_browser(auditor, "GET", "/directories", {"accept": "text/html"})
    assert (seen.status_code, "/directories/corp/" in seen.text) == (200, True)
    assert 'action="/directories' not in seen.text
    assert (await press(world, auditor, "/directories/corp/sync")).status_code == 403
    assert (await world.as_browser(world.member, "GET", "/directories")).status_code == 403
    forged = await world.as_browser(world.owner, "POST", "/directories/corp/sync", data={})
    assert forged.status_code == 403


async def test_a_run_has_its_directory_in_its_address(world: World) -> None:
    """Another directory's address, or an identifier that is none, is not found."""
    where = (await sync(world)).headers["location"]
    for path in (where.replace("corp", "lab"), f"/directories/corp/runs/{uuid7()}"):
        assert (await world.as_browser(world.owner, "GET", path)).status_code == 404
