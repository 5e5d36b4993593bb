"""One POST to somebody's server for all channels that speak HTTP: checked addresses, no redirects, little is read."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from appliance.adapters.outbound.fetcher import HttpFetcher, Resolve
from appliance.adapters.outbound.urls import is_listed
from appliance.identity.providers.errors import Fault, ProviderUnavailableError
from appliance.identity.providers.records import Outbound
from appliance.notifications.ports import Failure, SendError

ANSWER_BYTES_MAX: Final = 65_536
_OK: Final = range(200, 300)
_TOO_MANY: Final = 429
Judge = Callable[[int], Failure]


class Poster:
    """Sends, and says in the words of notifications what became of it."""

    def __init__(
        self, *, private_hosts: Collection[str] = (), ca_file: Path | None = None, resolve: Resolve | None = None
    ) -> None:
        """Only `private_hosts` may lie inside; `ca_file` takes the place of the machine's authorities for them."""
        self._private_hosts = private_hosts
        self._outside = HttpFetcher(resolve=resolve)
        self._inside = HttpFetcher(ca_file=ca_file, is_private_allowed=True, resolve=resolve)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], judge: Judge) -> None:
        """Return once it was taken (2xx).

        Args:
            url: checked again here, and resolved once.
            body: as it goes out.
            headers: those of the channel.
            judge: what a status that is not 2xx means for the channel.

        Raises:
            SendError: it was not taken.
        """
        is_inside = is_listed(url, self._private_hosts)
        fetcher = self._inside if is_inside else self._outside
        try:
            reply = await fetcher.fetch(Outbound(url=url, headers=headers, content=body, bytes_max=ANSWER_BYTES_MAX))
        except ProviderUnavailableError as problem:
            failure = Failure.NEVER if problem.fault is Fault.ADDRESS_REFUSED else Failure.LATER
            raise SendError(failure, f"{problem.fault}".replace("_", " ")) from problem
        if reply.status not in _OK:
            raise SendError(judge(reply.status), f"status {reply.status}")
