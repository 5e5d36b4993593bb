"""A person with a real browser: from the printed link to a released call, by mouse, by keyboard and on a phone."""

import asyncio
import json
from pathlib import Path

from axe_playwright_python.async_playwright import Axe

from appliance.policy.compilation import STARTER_TEXT
from tests.support.browser import PHONE, Window, browser_window
from tests.support.journey import Cloud, printed_link
from tests.support.machines import Machine, bash, held
from tests.support.questions import FIRST, RULE, SECOND, asking, planning

DROP = "psql -c 'drop table t'"
BUILD = Path(__file__).resolve().parents[2] / "build" / "pages"
_PRESSES_MAX = 60
_AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}


async def test_from_a_fresh_start_to_a_released_call(tmp_path: Path) -> None:
    """Open the printed link, `leashctl try`, press Allow on the open page: the call is released, and all is proved."""
    async with Cloud(tmp_path) as cloud, browser_window(cloud.url) as window:
        await window.claim(printed_link(cloud.said()), "Ada Lovelace", "ada@example.org")
        await window.page.goto(f"{cloud.url}/approvals")
        assert "Nothing waits" in await window.page.inner_text("#lists")
        trying = await asyncio.create_subprocess_exec(
            *cloud.words, "try", "--json", env=cloud.environ, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        # Nobody reloads: the page that is open hears of the ask.
        allow = window.page.get_by_role("button", name="Allow")
        await allow.wait_for(timeout=20_000)
        await allow.click()
        await window.page.get_by_text("released", exact=False).first.wait_for(timeout=10_000)
        out, err = await asyncio.wait_for(trying.communicate(), 20)
        assert trying.returncode == 0, err.decode()
        outcomes = [call["outcome"] for call in json.loads(out)["calls"]]
        assert outcomes == ["allow", "deny", "allow"]
        report = await cloud.verify_ledger()
        assert report["leaves"] > 5
        assert window.complaints == []


async def test_an_ask_is_answered_by_keyboard_alone(cloud: Cloud, machine: Machine) -> None:
    """Tab reaches the guidance and both buttons with a focus that can be seen; Enter denies."""
    owner = await cloud.owner()
    async with held(machine, bash(DROP)) as [call], browser_window(cloud.url, person=owner) as window:
        [ask] = await cloud.pending_asks(machine=machine)
        await window.page.goto(f"{cloud.url}/approvals/{ask}")
        await _tab_to(window, "TEXTAREA")
        await window.page.keyboard.type("Use the staging copy")
        await _tab_to(window, "BUTTON", "Deny")
        outline = await window.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        await window.page.keyboard.press("Enter")
        answer = await asyncio.wait_for(call, 10)
        assert answer.reason == "Denied by Ada Lovelace: Use the staging copy"
        assert window.complaints == []


async def test_one_stream_serves_every_open_page(cloud: Cloud, machine: Machine) -> None:
    """Two pages hear by the stream of the first; when that is closed the second goes on, also on the page of an ask."""
    owner = await cloud.owner()
    streams: list[str] = []
    async with browser_window(cloud.url, person=owner) as window:
        window.context.on("request", lambda request: streams.append(request.url))
        first, second = window.page, await window.context.new_page()
        for page in (first, second):
            await page.goto(f"{cloud.url}/approvals")
        async with held(machine, bash("git push --force origin one-stream")) as [_]:
            for page in (first, second):
                await page.get_by_text("one-stream").first.wait_for(timeout=15_000)
            assert len([url for url in streams if url.endswith("/live")]) == 1
            await first.close()
        async with held(machine, bash("git push --force origin other-stream")) as [_]:
            await second.get_by_text("other-stream").first.wait_for(timeout=15_000)
            *_, ask = await cloud.pending_asks(machine=machine, many=2)
            await second.goto(f"{cloud.url}/approvals/{ask}")
            assert await second.get_by_role("button", name="Allow").is_visible()
            await owner.answer(ask, "deny")
            await second.get_by_text("Denied by Ada Lovelace").wait_for(timeout=15_000)
            assert not await second.get_by_role("button", name="Allow").is_visible()
        assert len([url for url in streams if url.endswith("/live")]) == 3  # one more, because the page went elsewhere
        assert window.complaints == []
    await cloud.expire_asks(machine)


async def _tab_to(window: Window, tag: str, text: str = "") -> None:
    for _ in range(_PRESSES_MAX):
        await window.page.keyboard.press("Tab")
        here = await window.page.evaluate("[document.activeElement.tagName, document.activeElement.textContent]")
        if here[0] == tag and text in here[1]:
            return
    message = f"{tag} {text} is not reached by Tab"
    raise AssertionError(message)


async def test_questions_and_a_plan_are_answered_on_a_phone(cloud: Cloud, machine: Machine, tmp_path: Path) -> None:
    """At 320 pixels, by keyboard: an option, a checkbox, words; the agent gets the answers, and axe finds nothing."""
    owner = await cloud.owner()
    text = tmp_path / "policy.cedar"
    text.write_text(STARTER_TEXT + RULE)
    await cloud.leashctl("policy", "publish", str(text), "--note", "Questions", "--yes")
    BUILD.mkdir(parents=True, exist_ok=True)
    async with (
        held(machine, asking()) as [call],
        browser_window(cloud.url, size=PHONE, is_dark=True, person=owner) as window,
    ):
        page = window.page
        [ask] = await cloud.pending_asks(machine=machine)
        await page.goto(f"{cloud.url}/approvals/{ask}")
        await page.get_by_label("PostgreSQL").focus()
        await page.keyboard.press("Space")
        await page.get_by_label("Asia").check()
        await page.get_by_label("In your own words").last.fill("and the moon")
        await page.screenshot(path=BUILD / "questions-dark-320.png", full_page=True)
        assert await window.overflow() <= 0
        assert await _violations(window) == []
        await page.get_by_role("button", name="Answer").press("Enter")
        answer = await asyncio.wait_for(call, 10)
        given = answer.body["hookSpecificOutput"]["updatedInput"]["answers"]
        assert given == {FIRST: "PostgreSQL", SECOND: "Asia, and the moon"}
        async with held(machine, planning()):
            [ask] = await cloud.pending_asks(machine=machine)
            await page.goto(f"{cloud.url}/approvals/{ask}")
            await page.screenshot(path=BUILD / "plan-dark-320.png", full_page=True)
            assert "<script>alert(1)</script>" in await page.locator("pre.plan").inner_text()
            assert await window.overflow() <= 0
            assert await _violations(window) == []
            await cloud.expire_asks(machine)
        assert window.complaints == []


async def _violations(window: Window) -> list[str]:
    """What axe finds wrong: the rule, and the first element that breaks it."""
    results = await Axe().run(window.page, options=_AXE)
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in results.response["violations"]]
