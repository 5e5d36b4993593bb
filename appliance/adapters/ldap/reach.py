"""From a configured directory to a session with one of its hosts."""

import ssl
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from appliance.adapters.ldap import outcomes, tls
from appliance.adapters.ldap.failures import HostFailedError
from appliance.adapters.ldap.hosts import Host, Hosts
from appliance.adapters.ldap.session import Session
from appliance.adapters.ldap.talks import Talk
from appliance.adapters.ldap.wire import place
from appliance.config.sign_in import Directory as Settings
from appliance.identity.directories.errors import (
    DirectoryError,
    DirectoryMisconfiguredError,
    DirectoryUnavailableError,
)

_T = TypeVar("_T")
ACTIVE_DIRECTORY: Final = "active_directory"


class Reach:
    """Opens sessions; fails over from host to host until something has been prepared, and never afterwards."""

    def __init__(self, settings: Settings, hosts: Hosts) -> None:
        self.settings = settings
        self.hosts = hosts
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._refused_until = 0.0
        self._refused = ""

    def open(self, talk: Talk, url: str) -> Session:
        """Connect, and encrypt unless the configuration says not to.

        Raises:
            HostFailedError: no connection, or not to the host that we mean.
        """
        settings = self.settings
        wire = talk.wire(settings.receive_seconds)
        wire.connect(url, settings.connect_seconds)
        session = Session(
            wire, url, is_active_directory=settings.kind == ACTIVE_DIRECTORY, page_size=settings.page_size
        )
        is_tls = url.startswith("ldaps://")
        if is_tls or settings.start_tls:
            if not is_tls:
                session.start_tls()
            wire.secure(self._tls(), place(url)[0], settings.connect_seconds)
        elif not settings.allow_unencrypted:
            raise DirectoryMisconfiguredError(f"{url} is not encrypted, and allow_unencrypted is off")
        return session

    def first(self, talk: Talk, prepare: Callable[[Session], _T]) -> tuple[Host, Session, _T]:
        """Prepare something on the first host that works; no password of a person may be sent in it.

        Raises:
            DirectoryUnavailableError: none works.
        """
        said = []
        for host in self.hosts.in_order():
            if not talk.has_time:
                break  # nothing is known of the hosts that are left
            if not self.hosts.enter(host):
                said.append(f"{host.url}: {host.last_error}")
                continue
            try:
                session = self.open(talk, host.url)
                prepared = prepare(session)
            except HostFailedError as failure:
                self.hosts.failed(host, failure.said)
                said.append(f"{host.url}: {failure.said}")
            except DirectoryError:
                self.hosts.succeeded(host)  # it answered; what it said does not change by asking another one
                raise
            except BaseException:
                self.hosts.failed(host, "no answer in time")  # the conversation was ended from outside
                raise
            else:
                self.hosts.succeeded(host)
                return host, session, prepared
        raise DirectoryUnavailableError(f"No host of the directory can be used: {'; '.join(said)}")

    def bind_service(self, session: Session) -> None:
        """Bind as the account that looks people up.

        A refusal is remembered for a while, and no other host is asked: a wrong password, repeated at every sign-in,
        would lock that account.

        Raises:
            DirectoryMisconfiguredError: it was refused.
            HostFailedError: no answer.
        """
        settings = self.settings
        if time.monotonic() < self._refused_until:
            raise DirectoryMisconfiguredError(self._refused)
        word = settings.bind_password.reveal().encode() if settings.bind_password else b""
        if not settings.bind_dn or not word.strip(b"\0"):
            raise DirectoryMisconfiguredError("bind_dn and bind_password are not set, so nobody can be looked up")
        bound = session.bind(settings.bind_dn, word)
        if (cause := outcomes.cause(bound)) is not None:
            self._refused = f"The directory refuses bind_dn ({cause}): {bound.said} (code {bound.code})"
            self._refused_until = time.monotonic() + settings.cool_down_seconds
            raise DirectoryMisconfiguredError(self._refused)

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                settings = self.settings
                self._context = tls.context(
                    settings.ca_file, settings.client_certificate_file, settings.client_key_file
                )
            return self._context
