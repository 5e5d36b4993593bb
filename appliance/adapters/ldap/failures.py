"""What can go wrong with a host, by what somebody would do about it."""

import re
import socket
import ssl
from enum import StrEnum
from typing import Final

_UNSEEN: Final = re.compile(r"[^ -~\xa1-\U0010ffff]+")
_SAID_MAX: Final = 300


class Failure(StrEnum):
    """Kinds of failure; the probe has a next step for each."""

    NAME = "name"
    REFUSED = "refused"
    SILENT = "silent"
    BROKEN = "broken"
    CERTIFICATE = "certificate"
    HOST_NAME = "host_name"
    EXPIRED = "expired"
    TLS = "tls"
    START_TLS = "start_tls"
    UNENCRYPTED = "unencrypted"
    FILES = "files"
    OVERLOADED = "overloaded"
    NONSENSE = "nonsense"


class HostFailedError(Exception):
    """One host could not be used; the next one may do."""

    def __init__(self, failure: Failure, said: str) -> None:
        """`said` is what the host or the operating system said."""
        self.failure = failure
        self.said = plain(said)
        super().__init__(self.said)


def plain(said: str) -> str:
    """What a server said, fit for a log line and a terminal: visible characters only, and not too many."""
    return _UNSEEN.sub(" ", said).strip()[:_SAID_MAX]


def of(problem: OSError) -> HostFailedError:
    """The failure that an error of a socket means."""
    return HostFailedError(_kind(problem), _words(problem))


def _kind(problem: OSError) -> Failure:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return _certificate(problem)
    kinds: tuple[tuple[type[OSError], Failure], ...] = (
        (ssl.SSLError, Failure.TLS),
        (socket.gaierror, Failure.NAME),
        (TimeoutError, Failure.SILENT),
        (ConnectionRefusedError, Failure.REFUSED),
    )
    return next((failure for kind, failure in kinds if isinstance(problem, kind)), Failure.BROKEN)


def _certificate(problem: ssl.SSLCertVerificationError) -> Failure:
    # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH, X509_V_ERR_CERT_HAS_EXPIRED
    return {62: Failure.HOST_NAME, 64: Failure.HOST_NAME, 10: Failure.EXPIRED}.get(
        problem.verify_code, Failure.CERTIFICATE
    )


def _words(problem: OSError) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return problem.verify_message
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    return problem.strerror or str(problem)
