"""A person at a browser, or a script, by plain HTTP: cookies, form tokens and Origin as a browser sends them."""

import html
import re
import time
from typing import Any

import httpx
from pyotp.totp import TOTP

PASSWORD = "correct horse battery"
_FORM = re.compile(r'action="/approvals/(?P<id>[0-9a-f-]{36})/answer"(?P<inside>.*?)</form>', re.DOTALL)


class Visitor:
    """Somebody who opens pages and sends forms.

    httpx keeps `Secure` cookies from plain http even on loopback, where browsers send them: so they are kept here.
    """

    def __init__(self, url: str, email: str, bearer: str = "") -> None:
        """`bearer` makes it a script, which sends no cookies and no form token."""
        self.email = email
        self.url = url
        self.secret = ""
        self.cookies: dict[str, str] = {}
        self.recovery_codes: list[str] = []
        self._bearer = bearer

    async def send(self, method: str, path: str, **form: str) -> httpx.Response:
        """One request; redirects are not followed."""
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if self._bearer:
            headers = {"authorization": f"Bearer {self._bearer}"}
        if method == "POST":
            headers |= {"origin": self.url, "sec-fetch-site": "same-origin"}
        async with httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False) as client:
            reply = await client.request(method, path, headers=headers, data=form or None)
        for line in reply.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return reply

    async def page(self, path: str) -> str:
        """The HTML of a page that must open."""
        reply = await self.send("GET", path)
        assert reply.status_code == 200, (path, reply.status_code, reply.text[:400])
        return reply.text

    async def claim(self, link: str, display_name: str = "") -> None:
        """Go through a one-time link: password, then the authenticator's first code."""
        path = link.removeprefix(self.url)
        names = {"display_name": display_name, "email": self.email} if display_name else {}
        done = await self.send("POST", path, password=PASSWORD, repeated=PASSWORD, **names)
        assert done.status_code == 303, done.text
        shown = re.search(r"\b[A-Z2-7]{32}\b", await self.page("/claim-code"))
        assert shown, "the authenticator's secret is not shown"
        self.secret = shown[0]
        confirmed = await self.send("POST", "/claim-code", code=TOTP(self.secret).at(int(time.time())))
        assert confirmed.status_code in {200, 201}, confirmed.text
        self.recovery_codes = re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", confirmed.text)
        self.cookies = {name: value for name, value in self.cookies.items() if value}

    async def answer(self, ask_id: str, resolution: str, guidance: str = "") -> httpx.Response:
        """Open the ask, read it, and press a button."""
        form = _form(await self.page(f"/approvals/{ask_id}"))
        return await self.send("POST", f"/approvals/{ask_id}/answer", **form, resolution=resolution, guidance=guidance)

    async def open_forms(self, path: str = "/approvals") -> dict[str, dict[str, str]]:
        """Every ask on one page of the list that can be answered there: its id and its form's fields."""
        return {match["id"]: _fields(match["inside"]) for match in _FORM.finditer(await self.page(path))}

    async def list_approvals(self) -> list[str]:
        """Ids of all asks that the list shows, from page to page as its link to the next one says."""
        found: list[str] = []
        path = "/approvals"
        while path:
            page = await self.page(path)
            found += re.findall(r'id="ask-([0-9a-f-]{36})"', page)
            following = re.search(r'href="(/approvals\?after=[0-9a-f-]{36})"', page)
            path = following[1] if following else ""
        return found


def _form(page: str) -> dict[str, str]:
    found = _FORM.search(page)
    assert found, page
    return _fields(found["inside"])


def _fields(inside: str) -> dict[str, Any]:
    pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', inside)
    return {name: html.unescape(value) for name, value in pairs}
