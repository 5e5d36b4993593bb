"""Trying one part of a connection after the other, and saying what the server said and what to do about it."""

import time
from collections.abc import Callable
from typing import Final

from appliance.adapters.ldap import groups, people, tls
from appliance.adapters.ldap.failures import Failure, HostFailedError
from appliance.adapters.ldap.reach import Reach
from appliance.adapters.ldap.session import Query, Session
from appliance.adapters.ldap.shapes import Shape
from appliance.adapters.ldap.talks import Talk
from appliance.adapters.ldap.wire import place
from appliance.identity.directories.errors import DirectoryError
from appliance.identity.directories.records import DirectoryUser, ProbeResult, ProbeSection

NEXT_STEPS: Final = {
    Failure.NAME: "Correct the host's name in urls, or this machine's DNS.",
    Failure.REFUSED: "Start the directory there, or correct the port in urls.",
    Failure.SILENT: "Let a firewall pass this port, or look why the host does not answer.",
    Failure.BROKEN: "Look into the directory's log: it or something in between ended the connection.",
    Failure.CERTIFICATE: "Put the certificate of the authority that signed the host's into ca_file.",
    Failure.HOST_NAME: "Write in urls the name that its certificate is for, or give the host one for this name.",
    Failure.EXPIRED: "Renew the host's certificate.",
    Failure.TLS: "Let the host offer TLS 1.2 or newer on this port; ldaps:// and StartTLS use different ones.",
    Failure.START_TLS: "Switch TLS on in the directory, or use its ldaps:// port.",
    Failure.UNENCRYPTED: "Use ldaps://, or start_tls = true.",
    Failure.FILES: "Correct the path or the content of the file; it must be PEM and readable by the service.",
    Failure.OVERLOADED: "Look into the directory's log; it says that it cannot work now.",
    Failure.NONSENSE: "Check that an LDAP server listens on this port.",
}
_BIND: Final = "Correct bind_dn and bind_password, and check that the account is neither locked nor expired."
_SEARCH: Final = "Correct the bases and filters, and let the service account read what is below them."
_UNSAFE: Final = "Use ldaps:// or start_tls = true, and set allow_unencrypted = false."
_WHOLE: Final = "See that the sections before this one are well."


class Prober:
    """Tries one section of one directory."""

    def __init__(self, reach: Reach, shape: Shape) -> None:
        self._reach = reach
        self._shape = shape

    def probe(self, talk: Talk, section: ProbeSection, user: str) -> ProbeResult:
        """Never raises for what the directory says: that is the result."""
        tries: dict[ProbeSection, Callable[[], ProbeResult]] = {
            ProbeSection.REACH: lambda: self._each_host(talk, section, self._connect),
            ProbeSection.TLS: lambda: self._each_host(talk, section, self._secure),
            ProbeSection.BIND: lambda: self._bind(talk),
            ProbeSection.FIND_USER: lambda: self._find(talk, user),
            ProbeSection.GROUPS: lambda: self._groups(talk, user),
        }
        began = time.monotonic()
        try:
            result = tries[section]()
        except DirectoryError as problem:
            step = _BIND if section is ProbeSection.BIND else _SEARCH
            is_host = type(problem).code == "directory_unavailable"
            result = ProbeResult(
                section=section, is_ok=False, said=problem.detail, next_step=_WHOLE if is_host else step
            )
        return _timed(result, time.monotonic() - began)

    def _each_host(self, talk: Talk, section: ProbeSection, try_: Callable[[Talk, str], str]) -> ProbeResult:
        said, step = list[str](), ""
        urls = self._reach.settings.urls
        for url in urls:
            try:
                said.append(f"{url}: {try_(talk, url)}")
            except HostFailedError as failure:
                said.append(f"{url}: {failure.said}")
                step = step or NEXT_STEPS[failure.failure]
            except DirectoryError as problem:
                said.append(problem.detail)
                step = step or NEXT_STEPS[Failure.UNENCRYPTED]
        return ProbeResult(section=section, is_ok=not step, said="; ".join(said), next_step=step, host=", ".join(urls))

    def _connect(self, talk: Talk, url: str) -> str:
        settings = self._reach.settings
        talk.wire(settings.receive_seconds).connect(url, settings.connect_seconds)
        host, port = place(url)
        return f"{host} answers on port {port}"

    def _secure(self, talk: Talk, url: str) -> str:
        socket = self._reach.open(talk, url).wire.tls
        return tls.described(socket) if socket else f"NOT encrypted, by allow_unencrypted. {_UNSAFE}"

    def _bind(self, talk: Talk) -> ProbeResult:
        settings = self._reach.settings
        if settings.bind == "direct":
            said = "bind is direct: people bind with their own names, so there is no account to try"
            return ProbeResult(section=ProbeSection.BIND, is_ok=True, said=said)
        host, _, _ = self._reach.first(talk, self._reach.bind_service)
        return ProbeResult(
            section=ProbeSection.BIND, is_ok=True, said=f"signed in as {settings.bind_dn}", host=host.url
        )

    def _find(self, talk: Talk, name: str) -> ProbeResult:
        section = ProbeSection.FIND_USER
        user = self._user(talk, name)
        if user is None:
            said = f"nobody, or not just one, below {self._shape.settings.user_base} has the name {name}"
            return ProbeResult(section=section, is_ok=False, said=said, next_step=_SEARCH)
        state = "disabled" if user.is_disabled else "not disabled"
        said = f"{user.dn}, key {user.key}, name {user.display_name}, e-mail {user.email or '(none)'}, {state}"
        step = "" if user.email else "Set email_attribute to the attribute that holds the address."
        return ProbeResult(section=section, is_ok=True, said=said, next_step=step)

    def _groups(self, talk: Talk, name: str) -> ProbeResult:
        section = ProbeSection.GROUPS
        user = self._user(talk, name)
        if user is None:
            said = f"nobody, or not just one, has the name {name}"
            return ProbeResult(section=section, is_ok=False, said=said, next_step=_SEARCH)

        def prepare(session: Session) -> str:
            self._reach.bind_service(session)
            found = groups.of(session, self._shape, user)
            settings = self._shape.settings
            base = Query(base=settings.group_base, attributes=("1.1",), is_base=True)
            list(session.search(base))  # an absent base is a wrong setting, also for somebody without groups
            return ", ".join(sorted(group.name for group in found)) or "in no group"

        host, _, said = self._reach.first(talk, prepare)
        return ProbeResult(section=section, is_ok=True, said=said, host=host.url)

    def _user(self, talk: Talk, name: str) -> DirectoryUser | None:
        people.require_service(self._shape)
        return people.find(self._reach, self._shape, talk, name)


def _timed(result: ProbeResult, seconds: float) -> ProbeResult:
    return ProbeResult(
        section=result.section,
        is_ok=result.is_ok,
        said=result.said,
        next_step=result.next_step,
        host=result.host,
        seconds=round(seconds, 3),
    )
