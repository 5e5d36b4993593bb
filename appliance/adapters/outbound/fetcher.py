"""Fetches by HTTP from somebody else's server: the name is resolved first, and only a checked address is connected to.

Between the check and the connection no name is resolved again, so that a name that changes its address changes nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import httpx
import msgspec

from appliance.adapters.outbound.addresses import Address, is_inside, is_odd_notation, refusal_of
from appliance.identity.providers.errors import Fault, ProviderUnavailableError
from appliance.identity.providers.records import Outbound, Reply

CONNECT_SECONDS: Final = 3.0
TOTAL_SECONDS: Final = 10.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MAX: Final = 3
_ADDRESSES_MAX: Final = 4
_URL_MAX: Final = 2048
_PORT_MAX: Final = 65_535
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
Resolve = Callable[[str, int], list[str]]
# Their own threads: a name server that hangs takes none from anybody else.
_RESOLVERS: Final = ThreadPoolExecutor(2, thread_name_prefix="resolver")


class HttpFetcher:
    """The port `Fetcher` over httpx; proxies, cookies and credentials of the environment are never used."""

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        is_private_allowed: bool = False,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        resolve: Resolve | None = None,
    ) -> None:
        """`ca_file` takes the place of the machine's certificate authorities, `resolve` that of its name service."""
        self._is_private_allowed = is_private_allowed
        self._resolve = resolve or resolved
        self._timeout = httpx.Timeout(total_seconds, connect=connect_seconds)
        self._total_seconds = total_seconds
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None

    async def fetch(self, outbound: Outbound) -> Reply:
        """The answer, whatever its status, once all of it has arrived.

        Raises:
            ProviderUnavailableError: refused address, unreachable, wrong certificate, too slow, too large, redirected.
        """
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._followed(outbound)
        except TimeoutError as problem:
            raise ProviderUnavailableError(Fault.SLOW, f"no whole answer in {self._total_seconds:g} s") from problem

    async def _followed(self, outbound: Outbound) -> Reply:
        url = outbound.url
        for _ in range(_REDIRECTS_MAX + 1):
            reply, location = await self._once(url, outbound)
            if reply.status not in _REDIRECTS:
                return reply
            if not outbound.is_redirect_followed or _is_post(outbound):
                raise ProviderUnavailableError(Fault.REDIRECTED, "the answer is a redirect, which is not followed")
            url, outbound = _redirected(url, location, outbound)
        raise ProviderUnavailableError(Fault.REDIRECTED, "the answer is one redirect after the other")

    async def _once(self, text: str, outbound: Outbound) -> tuple[Reply, str]:
        url = _checked_url(text)
        *others, last = await self._addresses_of(url)
        for address in others:
            try:
                return await self._sent(url, address, outbound)
            except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
                if _tls_problem(problem) is not None:
                    raise _translated(problem) from problem
        try:
            return await self._sent(url, last, outbound)
        except httpx.HTTPError as problem:
            raise _translated(problem) from problem

    async def _sent(self, url: httpx.URL, address: Address, outbound: Outbound) -> tuple[Reply, str]:
        headers = {
            **outbound.headers,
            "host": url.netloc.decode("ascii"),
            "accept-encoding": "identity",  # a compressed answer could be larger than its limit
            "user-agent": "OpenLeash",
        }
        request = httpx.Request(
            "POST" if _is_post(outbound) else "GET",
            url.copy_with(host=str(address)),
            headers=headers,
            data=outbound.form,
            content=outbound.content,
            extensions={"sni_hostname": _host_of(url), "timeout": self._timeout.as_dict()},
        )
        # One client for one request: no connection outlives the check of its address.
        transport = httpx.AsyncHTTPTransport(verify=self._trusted(), trust_env=False)
        async with httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as client:
            response = await client.send(request, stream=True)
            body = await _body(response, outbound.bytes_max)
        reply = Reply(
            status=response.status_code, body=body, media_type=_media_type(response), sent_at=_sent_at(response)
        )
        return reply, response.headers.get("location", "")

    def _trusted(self) -> ssl.SSLContext:
        """Whom TLS trusts; read when it is needed, so that a wrong file stops this provider and not the service."""
        if self._tls is None:
            try:
                self._tls = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
            except OSError as problem:
                raise ProviderUnavailableError(Fault.TLS, f"{self._ca_file} cannot be used: {problem}") from problem
        return self._tls

    async def _addresses_of(self, url: httpx.URL) -> list[Address]:
        """The addresses to try; every address of the name must be allowed, or none is taken."""
        host, port = _host_of(url), url.port or _DEFAULT_PORTS[url.scheme]
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(_RESOLVERS, lambda: self._resolve(host, port))
            addresses = list(dict.fromkeys(ip_address(each.partition("%")[0]) for each in found))
        except (OSError, ValueError) as problem:
            raise ProviderUnavailableError(Fault.UNREACHABLE, f"{host} has no address: {problem}") from problem
        for address in addresses:
            refusal = refusal_of(address, is_private_allowed=self._is_private_allowed)
            if refusal:
                raise ProviderUnavailableError(Fault.ADDRESS_REFUSED, f"{host}: {refusal}")
            if url.scheme != "https" and not is_inside(address):
                raise ProviderUnavailableError(Fault.ADDRESS_REFUSED, f"{host}: plain http leaves the network")
        if not addresses:
            raise ProviderUnavailableError(Fault.UNREACHABLE, f"{host} has no address")
        return addresses[:_ADDRESSES_MAX]


def _is_post(outbound: Outbound) -> bool:
    return outbound.form is not None or outbound.content is not None


def _redirected(url: str, location: str, outbound: Outbound) -> tuple[str, Outbound]:
    """The next address and what goes there: credentials stay with the host that they were meant for."""
    try:
        before, after = httpx.URL(url), httpx.URL(url).join(location)
    except (httpx.InvalidURL, ValueError) as problem:
        raise ProviderUnavailableError(Fault.REDIRECTED, "the answer is a redirect to no address") from problem
    is_same = (before.scheme, before.netloc) == (after.scheme, after.netloc)
    return str(after), outbound if is_same else msgspec.structs.replace(outbound, headers={})


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, as the machine resolves it."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _is_port(port: int | None) -> bool:
    return port is None or 0 < port <= _PORT_MAX


def _host_of(url: httpx.URL) -> str:
    """The host as it is asked for: ASCII, IPv6 without brackets."""
    return url.raw_host.decode("ascii")


def _checked_url(text: str) -> httpx.URL:
    """The URL, if it is one that may be fetched at all.

    Raises:
        ProviderUnavailableError: another scheme, a user in it, or an address in an odd notation.
    """
    try:
        url = httpx.URL(text) if len(text) <= _URL_MAX else httpx.URL("")
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    is_plain = url.scheme in _DEFAULT_PORTS and url.host and not url.userinfo and not url.fragment
    if not is_plain or is_odd_notation(_host_of(url)) or not _is_port(url.port):
        raise ProviderUnavailableError(Fault.ADDRESS_REFUSED, "the address is not one that can be fetched")
    return url


async def _body(response: httpx.Response, bytes_max: int) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProviderUnavailableError(Fault.TOO_LARGE, "the answer is compressed, though nobody asked for that")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > bytes_max:
            raise ProviderUnavailableError(Fault.TOO_LARGE, f"the answer is larger than {bytes_max} bytes")
    return bytes(body)


def _media_type(response: httpx.Response) -> str:
    told: str = response.headers.get("content-type", "")
    return told.partition(";")[0].strip().lower()


def _sent_at(response: httpx.Response) -> datetime | None:
    try:
        told = parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _tls_problem(problem: BaseException) -> ssl.SSLError | None:
    """The failure of TLS that lies below; httpx wraps it twice."""
    cause: BaseException | None = problem
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    return cause


def _translated(problem: httpx.HTTPError) -> ProviderUnavailableError:
    tls = _tls_problem(problem)
    if tls is not None:
        return ProviderUnavailableError(Fault.TLS, f"the certificate or TLS was refused: {tls}")
    if isinstance(problem, httpx.TimeoutException):
        return ProviderUnavailableError(Fault.SLOW, "no answer in time")
    return ProviderUnavailableError(Fault.UNREACHABLE, f"{type(problem).__name__}: {problem}")
