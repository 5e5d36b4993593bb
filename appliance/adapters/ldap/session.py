"""A conversation with one host in LDAP: binds and searches, whose answers are complete or an error."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from appliance.adapters.ldap import ber, failures, requests
from appliance.adapters.ldap.ber import Attributes, Message, Result
from appliance.adapters.ldap.failures import Failure, HostFailedError
from appliance.adapters.ldap.wire import Wire
from appliance.identity.directories.errors import DirectoryIncompleteError, DirectoryMisconfiguredError

SUCCESS: Final = 0
SIZE_LIMIT: Final = 4
NO_SUCH_OBJECT: Final = 32
_BUSY: Final = frozenset({51, 52, 80, 81})  # busy, unavailable, other, server down
_LIMITS: Final = {3: "its time limit", SIZE_LIMIT: "its size limit", 11: "an administrative limit"}
_REFERRED: Final = frozenset({9, 10})


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What to search.

    Attributes:
        limit: entries wanted at most; 0 means all, in pages. One more than the limit is never read.
        is_base: only the entry `base` itself.
        may_lack: an absent base means no entries instead of a wrong setting.
    """

    base: str
    filter: str = "(objectClass=*)"
    attributes: tuple[str, ...]
    limit: int = 0
    is_base: bool = False
    may_lack: bool = False


class Entry(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What a search found; attribute names in lower case."""

    dn: str
    attributes: Attributes

    def text(self, attribute: str) -> str:
        """First value as text, or empty; the attribute's name in lower case."""
        values = self.attributes.get(attribute)
        return values[0].decode(errors="replace") if values else ""

    def texts(self, attribute: str) -> tuple[str, ...]:
        """All values as text."""
        return tuple([value.decode(errors="replace") for value in self.attributes.get(attribute, ())])


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a bind.

    Attributes:
        policy: what the password policy control said, undecoded; None if there was none.
    """

    code: int
    said: str
    policy: bytes | None


class Session:
    """Requests and answers, one after the other, over one wire."""

    def __init__(self, wire: Wire, url: str, *, is_active_directory: bool, page_size: int) -> None:
        self.wire = wire
        self.url = url
        self._is_active_directory = is_active_directory
        self._page_size = page_size
        self._number = 0

    def start_tls(self) -> None:
        """Ask to go on in TLS; the wire is secured afterwards.

        Raises:
            HostFailedError: the host does not want to.
        """
        self.wire.send(requests.start_tls(self._next()))
        answer = ber.result(self._answer(ber.EXTENDED_RESPONSE).body)
        if answer.code != SUCCESS:
            raise HostFailedError(Failure.START_TLS, f"{answer.said or 'StartTLS refused'} (code {answer.code})")

    def bind(self, name: str, password: bytes) -> Bound:
        """One attempt; whatever happens, nothing is sent a second time.

        Raises:
            HostFailedError: no answer that could be understood.
        """
        self.wire.send(requests.bind(self._next(), name, password, with_policy=not self._is_active_directory))
        answer = self._answer(ber.BIND_RESPONSE)
        outcome = _result(answer)
        return Bound(
            code=outcome.code, said=failures.plain(outcome.said), policy=answer.controls.get(requests.PASSWORD_POLICY)
        )

    def search(self, query: Query) -> Iterator[Entry]:
        """The entries, page by page as they are read; all of them must be taken before the next request.

        Raises:
            DirectoryIncompleteError: the answer is not all of it: a limit, a referral, a contradiction.
            DirectoryMisconfiguredError: base, filter or rights are wrong.
            HostFailedError: the host does not answer.
        """
        self._ask(query, b"")
        has_more = True
        while has_more:
            page, done = self._page(query)
            outcome = _result(done)
            if outcome.code != SUCCESS and not _is_expected(query, outcome):
                raise _problem(query, outcome)
            cookie = b"" if query.limit or query.is_base or outcome.code else _cookie(done)
            if has_more := bool(cookie):
                self._ask(query, cookie)  # the host looks for the next page while this one is understood
            yield from map(_entry, page)

    def _ask(self, query: Query, cookie: bytes) -> None:
        controls: list[Any] = []
        if not query.limit and not query.is_base:
            controls.append(requests.paged(self._page_size, cookie))
        if self._is_active_directory and not query.is_base:
            controls.append(requests.domain_scope())
        try:
            asked = requests.search(
                self._next(),
                query.base,
                query.filter,
                query.attributes,
                scope=requests.BASE if query.is_base else requests.SUBTREE,
                limit=query.limit,
                controls=controls,
            )
        except requests.UnsendableError as problem:
            raise DirectoryMisconfiguredError(f"This is no filter: {problem}") from problem
        self.wire.send(asked)

    def _page(self, query: Query) -> tuple[list[Message], Message]:
        """Entries that are not looked into yet, and the end of one answer."""
        most, page = query.limit or (1 if query.is_base else self._page_size), list[Message]()
        for count in range(most + 2):
            message = self._message()
            if message.operation == ber.DONE:
                return page, message
            if message.operation == ber.REFERENCE:
                where = ", ".join(ber.strings(message.body))
                raise DirectoryIncompleteError(failures.plain(f"The directory refers us elsewhere: {where}"))
            if message.operation != ber.ENTRY or count >= most:
                raise HostFailedError(
                    Failure.NONSENSE, f"answer {message.operation:#x}, or more entries than asked for"
                )
            page.append(message)
        raise HostFailedError(Failure.NONSENSE, "more entries than asked for")

    def _answer(self, operation: int) -> Message:
        message = self._message()
        if message.operation != operation:
            raise HostFailedError(Failure.NONSENSE, f"answer {message.operation:#x} to something else")
        return message

    def _message(self) -> Message:
        message = self.wire.receive()
        if message.number == 0 and message.operation == ber.EXTENDED_RESPONSE:
            raise HostFailedError(Failure.BROKEN, f"the host ends the conversation: {_result(message).said}")
        if message.number != self._number:
            raise HostFailedError(Failure.NONSENSE, "an answer to a question that was not asked")
        return message

    def _next(self) -> int:
        self._number += 1
        return self._number


def _entry(message: Message) -> Entry:
    try:
        dn, attributes = ber.entry(message.body)
    except ber.MalformedError as problem:
        raise HostFailedError(Failure.NONSENSE, f"not LDAP: {problem}") from problem
    return Entry(dn=dn, attributes=attributes)


def _result(message: Message) -> Result:
    try:
        return ber.result(message.body)
    except ber.MalformedError as problem:
        raise HostFailedError(Failure.NONSENSE, f"not LDAP: {problem}") from problem


def _cookie(done: Message) -> bytes:
    """Where the next page begins; empty after the last."""
    try:
        ((_, value),) = ber.children(done.controls[requests.PAGED])
        (_, _), (_, cookie) = ber.children(value)
    except (KeyError, ValueError):
        raise DirectoryIncompleteError("The directory does not say whether there is another page") from None
    return cookie


def _is_expected(query: Query, outcome: Result) -> bool:
    if outcome.code == SIZE_LIMIT:
        return bool(query.limit)
    return outcome.code == NO_SUCH_OBJECT and query.may_lack


def _problem(query: Query, outcome: Result) -> Exception:
    said = failures.plain(f"{outcome.said} (code {outcome.code})".strip())
    if outcome.code in _LIMITS:
        return DirectoryIncompleteError(f"The directory reached {_LIMITS[outcome.code]}: {said}")
    if outcome.code in _REFERRED:
        return DirectoryIncompleteError(failures.plain(f"The directory refers us elsewhere: {outcome.referrals}"))
    if outcome.code in _BUSY:
        return HostFailedError(Failure.OVERLOADED, said)
    return DirectoryMisconfiguredError(f"The directory refuses a search below {query.base}: {said}")
