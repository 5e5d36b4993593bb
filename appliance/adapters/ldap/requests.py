"""What we send, as bytes; ldap3 knows how filters and requests are written (RFC 4511, RFC 4515).

Only its encoders are used. Its connection would alter passwords (SASLprep makes one of zero-width spaces empty), call a
host verified by a comparison of its own, count time per read instead of per answer, and hide referrals.
"""

from collections.abc import Sequence
from typing import Any, Final

from ldap3.core.exceptions import LDAPException
from ldap3.operation.bind import bind_operation
from ldap3.operation.extended import extended_operation
from ldap3.operation.search import search_operation
from ldap3.protocol.controls import build_control
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.protocol.rfc4511 import Controls, LDAPMessage, MessageID, ProtocolOp
from ldap3.utils.asn1 import encode  # pyright: ignore[reportAttributeAccessIssue] - its stub lacks it
from pyasn1.error import PyAsn1Error

BASE: Final = "BASE"
SUBTREE: Final = "SUBTREE"
PAGED: Final = "1.2.840.113556.1.4.319"
# Without it Active Directory ends a search from a domain's top with referrals to its other partitions.
DOMAIN_SCOPE: Final = "1.2.840.113556.1.4.1339"
PASSWORD_POLICY: Final = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 - the name of a control
_START_TLS: Final = "1.3.6.1.4.1.1466.20037"


class UnsendableError(ValueError):
    """A name, filter or base that is none."""


def bind(number: int, name: str, password: bytes, *, with_policy: bool) -> bytes:
    """A simple bind; the password goes as it is.

    Raises:
        UnsendableError: name or password is empty: that would be an anonymous bind, which succeeds (RFC 4513, 5.1.2).
    """
    if not name.strip() or not password.strip(b"\0"):
        raise UnsendableError("a bind needs a name and a password")
    # With `password` in bytes ldap3 leaves it alone.
    operation = bind_operation(3, "SIMPLE", name, password)
    controls = [build_control(PASSWORD_POLICY, False, None)] if with_policy else []  # noqa: FBT003 - ldap3's order
    return _message(number, "bindRequest", operation, controls)


def search(
    number: int, base: str, filter_: str, attributes: Sequence[str], *, scope: str, limit: int, controls: Sequence[Any]
) -> bytes:
    """A search that follows no alias; limit 0 means as many as there are.

    Raises:
        UnsendableError: the base or the filter is none.
    """
    try:
        operation = search_operation(
            base,
            filter_,
            scope,
            "NEVER",
            list(attributes),
            limit,
            0,
            *(False, False, False),
        )
        return _message(number, "searchRequest", operation, controls)
    except (LDAPException, PyAsn1Error) as problem:
        raise UnsendableError(f"{filter_}: {problem}") from problem


def start_tls(number: int) -> bytes:
    """The wish to go on in TLS."""
    return _message(number, "extendedReq", extended_operation(_START_TLS), [])


def paged(size: int, cookie: bytes) -> Any:  # noqa: ANN401 - pyasn1 has no types
    """The control that asks for one page, and for an error from servers that have none."""
    return paged_search_control(True, size, cookie)  # noqa: FBT003 - ldap3's order


def domain_scope() -> Any:  # noqa: ANN401 - pyasn1 has no types
    """The control that keeps Active Directory within its partition."""
    return build_control(DOMAIN_SCOPE, True, None)  # noqa: FBT003 - ldap3's order


def _message(number: int, kind: str, operation: Any, controls: Sequence[Any]) -> bytes:  # noqa: ANN401 - pyasn1
    message = LDAPMessage()
    message["messageID"] = MessageID(number)
    message["protocolOp"] = ProtocolOp().setComponentByName(kind, operation)
    if controls:
        listed = Controls()
        for place, control in enumerate(controls):
            listed.setComponentByPosition(place, control)
        message["controls"] = listed
    encoded: bytes = encode(message)
    return encoded
