"""Fetching from servers that behave, and from those that do not."""

import asyncio
import gzip
import ssl
import time
from pathlib import Path

import pytest

from appliance.adapters.outbound.fetcher import HttpFetcher
from appliance.identity.providers.errors import Fault, ProviderUnavailableError
from appliance.identity.providers.records import Outbound
from tests.support.certificates import Authority
from tests.support.http_stub import Stub, Writer, http_stub, reply

INSIDE = HttpFetcher(is_private_allowed=True, connect_seconds=1, total_seconds=2)


def outbound(url: str, *, bytes_max: int = 1000, is_redirect_followed: bool = False) -> Outbound:
    return Outbound(url=url, bytes_max=bytes_max, is_redirect_followed=is_redirect_followed)


async def fault_of(fetcher: HttpFetcher, request: Outbound) -> Fault:
    """Why it fails."""
    with pytest.raises(ProviderUnavailableError) as refused:
        await fetcher.fetch(request)
    return refused.value.fault


def at(stub: Stub, host: str = "127.0.0.1", path: str = "/") -> str:
    return f"http://{host}:{stub.port}{path}"


async def test_a_document_is_fetched_whole() -> None:
    """With its status and media type; nothing of ours goes along that was not asked for."""
    async with http_stub(reply(b'{"a":1}', content_type="Application/JSON; charset=utf-8")) as stub:
        got = await INSIDE.fetch(outbound(at(stub, "localhost", "/x?y=1")))
        head = stub.requests[0].lower()
    assert (got.status, got.body, got.media_type) == (200, b'{"a":1}', "application/json")
    assert head.startswith("get /x?y=1 http/1.1")
    assert f"host: localhost:{stub.port}" in head
    assert "cookie" not in head
    assert "authorization" not in head


async def test_a_form_is_posted_with_its_headers() -> None:
    """As the token endpoint wants it."""
    async with http_stub(reply(status="400 Bad Request")) as stub:
        form = Outbound(url=at(stub), headers={"authorization": "Basic eDp5"}, form={"a": "b c"}, bytes_max=100)
        got = await INSIDE.fetch(form)
    assert got.status == 400
    assert "authorization: Basic eDp5" in stub.requests[0]
    assert "application/x-www-form-urlencoded" in stub.requests[0]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://", "https:///x", "not an address", "",
        "http://user:secret@127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://127.1/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://2852039166/",
        "http://\u2460\u2461\u2466.1/", "http://[::]/", "http://0/", "https://x/" + "a" * 3000, "http://127.0.0.1/#x",
    ],
)  # fmt: skip
async def test_addresses_that_nobody_should_fetch_are_refused(url: str) -> None:
    """Even where private ones are allowed."""
    assert await fault_of(INSIDE, outbound(url)) is Fault.ADDRESS_REFUSED


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"]
)
async def test_inside_is_closed_unless_it_is_opened(host: str) -> None:
    """By name or number, over https too; nothing is sent."""
    async with http_stub(reply()) as stub:
        for scheme in ("http", "https"):
            request = outbound(f"{scheme}://{host}:{stub.port}/")
            assert await fault_of(HttpFetcher(), request) is Fault.ADDRESS_REFUSED
    assert stub.requests == []


async def test_plain_http_never_leaves_the_network() -> None:
    """A public address is fetched by https or not at all."""
    fetcher = HttpFetcher(is_private_allowed=True, resolve=lambda *_: ["93.184.216.34"])
    assert await fault_of(fetcher, outbound("http://login.example.org/")) is Fault.ADDRESS_REFUSED


async def test_one_wrong_address_of_a_name_refuses_all() -> None:
    """A name that is public and private at once is somebody's trick."""
    fetcher = HttpFetcher(resolve=lambda *_: ["93.184.216.34", "127.0.0.1"])
    assert await fault_of(fetcher, outbound("https://login.example.org/")) is Fault.ADDRESS_REFUSED


async def test_a_name_that_changes_its_address_is_asked_once() -> None:
    """The connection goes to the address that was checked."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    fetcher = HttpFetcher(is_private_allowed=True, resolve=lambda *_: next(answers))
    async with http_stub(reply()) as stub:
        assert (await fetcher.fetch(outbound(at(stub, "login.example.org")))).status == 200
        assert await fault_of(fetcher, outbound(at(stub, "login.example.org"))) is Fault.ADDRESS_REFUSED


async def test_the_next_address_is_tried_when_nobody_answers_at_the_first() -> None:
    """A name may have an IPv6 address at which nobody listens."""
    fetcher = HttpFetcher(is_private_allowed=True, resolve=lambda *_: ["::1", "127.0.0.1"])
    async with http_stub(reply()) as stub:
        assert (await fetcher.fetch(outbound(at(stub, "login.example.org")))).status == 200


async def test_unknown_names_and_closed_ports_are_told() -> None:
    """Nobody is there."""
    assert await fault_of(INSIDE, outbound("https://nobody.invalid/")) is Fault.UNREACHABLE
    assert await fault_of(INSIDE, outbound("http://127.0.0.1:1/")) is Fault.UNREACHABLE


@pytest.mark.parametrize("is_announced", [True, False])
async def test_ten_megabytes_are_not_read(is_announced: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Reading stops at the limit, whether the size was announced or not."""
    sent = 0

    async def answer(_head: str, _body: bytes, writer: Writer) -> None:
        nonlocal sent
        length = f"content-length: {10_000_000}\r\n" if is_announced else ""
        writer.write(f"HTTP/1.1 200 OK\r\n{length}connection: close\r\n\r\n".encode())
        for _ in range(1000):
            writer.write(b"x" * 10_000)
            await writer.drain()
            sent += 10_000

    async with http_stub(answer) as stub:
        assert await fault_of(INSIDE, outbound(at(stub), bytes_max=262_144)) is Fault.TOO_LARGE
    assert sent < 9_000_000


async def test_a_compressed_answer_is_refused() -> None:
    """A kilobyte could become a gigabyte."""
    async with http_stub(reply(gzip.compress(b"0" * 1_000_000), content_encoding="gzip")) as stub:
        assert await fault_of(INSIDE, outbound(at(stub), bytes_max=100_000)) is Fault.TOO_LARGE


async def test_a_dripping_answer_ends_with_the_time_for_all_of_it() -> None:
    """A byte now and then keeps no connection open."""

    async def answer(_head: str, _body: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    fetcher = HttpFetcher(is_private_allowed=True, total_seconds=0.5)
    async with http_stub(answer) as stub:
        began = time.monotonic()
        assert await fault_of(fetcher, outbound(at(stub))) is Fault.SLOW
    assert time.monotonic() - began < 2


async def test_a_silent_server_ends_with_the_time() -> None:
    """It accepts and says nothing."""

    async def answer(_head: str, _body: bytes, _writer: Writer) -> None:
        await asyncio.sleep(30)

    fetcher = HttpFetcher(is_private_allowed=True, total_seconds=0.3)
    async with http_stub(answer) as stub:
        assert await fault_of(fetcher, outbound(at(stub))) is Fault.SLOW


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
async def test_redirects_are_not_followed_unless_asked(status: str) -> None:
    """A key set that lies elsewhere is none."""
    async with http_stub(reply(status=status, location="http://127.0.0.1/")) as stub:
        assert await fault_of(INSIDE, outbound(at(stub))) is Fault.REDIRECTED
        assert len(stub.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:a9fe:a9fe]/", "file:///etc/passwd", "//0/"]
)
async def test_a_redirect_is_checked_like_the_first_address(location: str) -> None:
    """To metadata it leads nowhere, also where redirects are followed."""
    async with http_stub(reply(status="302 Found", location=location)) as stub:
        request = outbound(at(stub), is_redirect_followed=True)
        assert await fault_of(INSIDE, request) is Fault.ADDRESS_REFUSED


async def test_credentials_do_not_follow_a_redirect_to_another_host() -> None:
    """They go along to the same one; a form is never sent again."""
    async with http_stub(reply()) as other, http_stub(reply(status="302 x", location=at(other))) as stub:
        asked = Outbound(url=at(stub), headers={"authorization": "Bearer x"}, bytes_max=100, is_redirect_followed=True)
        await INSIDE.fetch(asked)
        posted = Outbound(url=at(stub), form={"code": "x"}, bytes_max=100, is_redirect_followed=True)
        assert await fault_of(INSIDE, posted) is Fault.REDIRECTED
    assert "authorization" in stub.requests[0].lower()
    assert "authorization" not in other.requests[0].lower()
    assert len(other.requests) == 1


async def test_a_redirect_in_a_circle_ends() -> None:
    """After three."""
    async with http_stub(reply(status="302 Found", location="/again")) as stub:
        assert await fault_of(INSIDE, outbound(at(stub), is_redirect_followed=True)) is Fault.REDIRECTED
        assert len(stub.requests) == 4


async def test_nonsense_instead_of_http_is_told() -> None:
    """As unreachable."""

    async def answer(_head: str, _body: bytes, writer: Writer) -> None:
        writer.write(b"SSH-2.0-nonsense\r\n\r\n")
        await writer.drain()

    async with http_stub(answer) as stub:
        assert await fault_of(INSIDE, outbound(at(stub))) is Fault.UNREACHABLE


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name itself, and see what is sent."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with http_stub(reply()) as stub:
        assert (await INSIDE.fetch(outbound(at(stub)))).status == 200


def _tls(files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


async def _by_tls(folder: Path, files: tuple[Path, Path], ca_file: Path | None) -> Fault | None:
    fetcher = HttpFetcher(is_private_allowed=True, ca_file=ca_file, total_seconds=5, resolve=lambda *_: ["127.0.0.1"])
    async with http_stub(reply(), _tls(files)) as stub:
        try:
            await fetcher.fetch(outbound(f"https://login.example.org:{stub.port}/"))
        except ProviderUnavailableError as problem:
            return problem.fault
    return None


async def test_the_certificate_must_be_of_the_name_that_was_asked_for(tmp_path: Path) -> None:
    """Though the connection goes to a number; a certificate of the number, or of another name, is refused."""
    authority = Authority(tmp_path)
    assert await _by_tls(tmp_path, authority.server("login.example.org"), authority.file) is None
    assert await _by_tls(tmp_path, authority.server("127.0.0.1"), authority.file) is Fault.TLS
    assert await _by_tls(tmp_path, authority.server("evil.example.org"), authority.file) is Fault.TLS


async def test_an_unknown_authority_and_a_certificate_that_is_over_are_refused(tmp_path: Path) -> None:
    """The machine's own authorities do not count where another one is set, nor the other way round."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "Other Authority")
    assert await _by_tls(tmp_path, authority.server("login.example.org"), None) is Fault.TLS
    assert await _by_tls(tmp_path, authority.server("login.example.org"), other.file) is Fault.TLS
    assert await _by_tls(tmp_path, authority.server("login.example.org", days=-1), authority.file) is Fault.TLS


async def test_a_file_without_certificates_stops_this_provider_alone(tmp_path: Path) -> None:
    """The service starts all the same, and lets people in by other ways."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path in (empty, tmp_path / "missing.pem"):
        fetcher = HttpFetcher(ca_file=path, is_private_allowed=True)
        assert await fault_of(fetcher, outbound("https://127.0.0.1/")) is Fault.TLS
