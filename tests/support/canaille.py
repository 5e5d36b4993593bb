"""PyPI's `canaille`, an independent provider, in an environment and a process of its own, and a browser there.

Its pins are those of requirements-canaille.txt: none of what it needs gets into our own environment.
"""

import asyncio
import html
import json
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.support.processes import free_port
from tests.support.tokens import Signer, number

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".tools" / "canaille" / "bin" / "python"
SECRET = "a canaille secret"
PASSWORD = "correct horse battery"
START_SECONDS = 60.0
# Runs on canaille's own interpreter, where ours is not.
_PROGRAM = """
import json, sys
from datetime import datetime, timezone
from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from werkzeug.serving import run_simple
told = json.load(open(sys.argv[1]))
app = create_app(told["config"])
with app.app_context():
    def save(model):
        Backend.instance.save(model)
        return model
    ida = save(models.User(
        user_name="ida", formatted_name="Ida Rhodes", family_name="Rhodes", display_name="ida",
        emails=["ida@example.org"], password=told["password"]))
    save(models.Group(display_name="staff", members=[ida], owner=ida))
    client = save(models.Client(
        client_id="leash", client_secret=told["secret"], client_name="OpenLeash", client_uri=told["origin"],
        redirect_uris=[told["origin"] + "/auth/oidc/canaille/callback"],
        post_logout_redirect_uris=[told["origin"] + "/auth/oidc/canaille/signed-out"],
        scope=["openid", "profile", "email", "groups"], grant_types=["authorization_code"], response_types=["code"],
        token_endpoint_auth_method="client_secret_basic", client_id_issued_at=datetime.now(timezone.utc)))
    client.audience = [client]
    save(client)
print("ready", flush=True)
run_simple("127.0.0.1", told["port"], app)
"""


@asynccontextmanager
async def canaille(place: Path, origin: str) -> AsyncIterator[str]:
    """The provider's issuer, for the client of an installation at `origin`; gone afterwards."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    config = {
        "SECRET_KEY": "only a test",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False, "HTMX": False, "ACL": {"DEFAULT": _ACL}},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [_private_jwk()]},
    }
    told = {"config": config, "origin": origin, "port": port, "secret": SECRET, "password": PASSWORD}
    file, output = place / "canaille.json", place / "canaille.log"
    file.write_text(json.dumps(told))
    with output.open("wb") as log:
        words = [str(PYTHON), "-I", "-c", _PROGRAM, str(file)]
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=place)  # noqa: S603, ASYNC220 - our own words
    try:
        await _until_served(process, issuer, output)
        yield issuer
    finally:
        process.kill()
        process.wait()


_ACL = {"PERMISSIONS": ["edit_self", "use_oidc"], "FILTER": None, "READ": ["user_name", "groups"], "WRITE": []}


def _private_jwk() -> dict[str, str]:
    signer = Signer()
    assert isinstance(signer.private, RSAPrivateKey)
    numbers = signer.private.private_numbers()
    parts = {"d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    return {**signer.jwk, **{name: number(value) for name, value in parts.items()}}


async def _until_served(process: subprocess.Popen[bytes], issuer: str, output: Path) -> None:
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            assert process.poll() is None, output.read_text("utf-8")  # noqa: ASYNC240 - a short file
            try:
                reply = await client.get(f"{issuer}/.well-known/openid-configuration")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                assert reply.status_code == 200, reply.text
                return


class CanailleBrowser:
    """A browser at the provider that fills in every form it meets."""

    def __init__(self, origin: str) -> None:
        """`origin` is ours: where its way leads there, it stops."""
        self._origin = origin
        self._client = httpx.AsyncClient(trust_env=False, timeout=20)

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
        form = re.search(r"<form\b(?P<head>[^>]*)>(?P<inside>.*?)</form>", reply.text, re.DOTALL)
        assert form, reply.text
        action = re.search(r'action="([^"]*)"', form["head"])
        fields: dict[str, str] = {}
        for tag in re.findall(r"<(?:input|button)\b[^>]*>", form["inside"]):
            name, value = re.search(r'\bname="([^"]+)"', tag), re.search(r'\bvalue="([^"]*)"', tag)
            if name and name[1] not in fields:
                fields[name[1]] = html.unescape(value[1]) if value else ""
        fields |= {name: word for name, word in (("login", "ida"), ("password", PASSWORD)) if name in fields}
        answers = [word for word in ("accept", "logout") if f'value="{word}"' in form["inside"]]
        fields |= {"answer": answers[0]} if answers else {}
        target = html.unescape(action[1]) if action else ""
        return await self._client.post(str(reply.url.join(target)), data=fields)
