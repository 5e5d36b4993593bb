"""A service that answers well or badly, and hooks that ask it: our shim, and curl as published installers write it."""

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.agents.shim.release import shim_text
from tests.support.certificates import Authority
from tests.support.http_stub import Answer, Stub, Writer, http_stub, reply
from tests.support.pretended_agents import Ended

TOKEN = "ol_" + "t" * 43
LOGIN = b"<html><body>Please sign in to the guest network</body></html>"
# Long enough for a loaded machine, where an answer comes; and short, where none does.
SECONDS, SHORT_SECONDS = 20, 2


async def _slow(_head: str, _body: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(60)


async def _hung_up(_head: str, _body: bytes, writer: Writer) -> None:
    writer.transport.abort()


def _cut(allow: bytes) -> Answer:
    """The head promises more than comes."""
    return reply(allow, content_length=str(len(allow) + 10))


def answers(allow: bytes) -> dict[str, Answer]:
    """What can come in place of an allow, by name; each would be one if somebody did not look closely."""
    return {
        "500": reply(allow, "500 Internal Server Error"),
        "503": reply(LOGIN, "503 Service Unavailable", content_type="text/html"),
        "401": reply(allow, "401 Unauthorized"),
        "redirect": reply(b"", "302 Found", location="https://elsewhere.example/"),
        "redirect with words": reply(allow, "307 Temporary Redirect", location="/elsewhere"),
        "empty": reply(b""),
        "no content": reply(b"", "204 No Content"),
        "portal": reply(LOGIN, content_type="text/html"),
        "portal in disguise": reply(LOGIN),
        "other type": reply(allow, content_type="text/html"),
        "list": reply(b"[" + allow + b"]"),
        "cut": _cut(allow),
        "cut in the middle": reply(allow[:-1] or b"{"),
        "hung up": _hung_up,
        "slow": _slow,
    }


@dataclass(frozen=True)
class Place:
    """A directory of a shim that asks one service, with time limits of `seconds`."""

    folder: Path
    url: str
    authority: Path | None
    seconds: int = SECONDS

    def shim(self, shell: str = "dash", *, path: str = "") -> Path:
        """The shim for this place; `path` is where it looks for programs."""
        text = re.sub(r"seconds=\d+", f"seconds={self.seconds}", shim_text("openleash-hook.sh").decode())
        if path:
            text = re.sub(r"^PATH=.*$", f"PATH={path}", text, flags=re.MULTILINE)
        file = self.folder / f"openleash-hook-{shell}"
        file.write_text(text)
        return file

    def named_sh(self, shell: str, *, path: str = "") -> Path:
        """The shim as the kernel starts it, where `shell` is what the system calls sh."""
        named = self.folder / shell / "sh"
        named.parent.mkdir()
        named.symlink_to(shutil.which(shell) or "")
        file, text = self.folder / shell / "openleash-hook", self.shim(shell, path=path).read_text()
        assert text.startswith("#!/bin/sh")
        file.write_text(text.replace("#!/bin/sh", f"#!{named}", 1))
        file.chmod(0o755)
        return file

    async def ask(
        self, agent: str, event: str, body: bytes = b"{}", *, shell: str = "dash", path: str = "",
        patience: str = "",
    ) -> Ended:  # fmt: skip
        """What our shim says."""
        last = (str(self.folder), *((patience,) if patience else ()))
        return await ended(shell, str(self.shim(shell, path=path)), agent, event, *last, body=body)

    async def ask_as_published(self, agent: str, event: str, body: bytes = b"{}") -> Ended:
        """What the hook of the published installers says; they know no authority but the system's."""
        url = f"{self.url}/v1/hooks/{agent}/{event}?user_token={TOKEN}&hostname=h&platform=linux&client_version=0.36.58"
        trusted = ("--cacert", str(self.authority)) if self.authority else ()
        return await ended(
            "curl", "-sS", "--fail-with-body", "-X", "POST", url, "-H", "content-type: application/json", *trusted,
            "--data-binary", "@-", body=body, seconds=self.seconds,
        )  # fmt: skip


def place(folder: Path, url: str, authority: Path | None = None, *, seconds: int = SECONDS) -> Place:
    """A new directory of a shim."""
    folder.mkdir()
    (folder / "endpoint").write_text(url + "\n")
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "token").chmod(0o600)
    if authority is not None:
        (folder / "ca.pem").write_bytes(authority.read_bytes())
    return Place(folder, url, authority, seconds)


async def ended(*command: str, body: bytes, seconds: float = 60, env: dict[str, str] | None = None) -> Ended:
    """Run a hook as an agent does: the call on its standard input; None as code after `seconds`."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    )
    try:
        async with asyncio.timeout(seconds):
            out, _err = await process.communicate(body)
    except TimeoutError:
        process.kill()
        await process.wait()
        return Ended(None, "")
    return Ended(process.returncode, out.decode())


@asynccontextmanager
async def secured(folder: Path, answer: Answer, *hosts: str, days: int = 1) -> AsyncIterator[tuple[Stub, Path]]:
    """A service with TLS and a certificate for `hosts`, and the authority that signed it."""
    authority = Authority(folder)
    certificate, key = authority.server(*hosts, days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with http_stub(answer, context) as stub:
        yield stub, authority.file
