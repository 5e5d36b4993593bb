"""The one way in which we speak TLS with a directory: the certificate and the host name are verified, always."""

import ssl
from pathlib import Path

from appliance.adapters.ldap.failures import Failure, HostFailedError


def context(ca_file: Path | None, certificate_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, with our own certificate if there is one.

    Raises:
        HostFailedError: a file cannot be read.
    """
    try:
        # With a CA of one's own, the system's are not trusted as well.
        made = ssl.create_default_context(cafile=ca_file)
        if certificate_file:
            made.load_cert_chain(certificate_file, key_file)
    except (OSError, ValueError) as problem:
        files = ", ".join(str(each) for each in (ca_file, certificate_file, key_file) if each)
        raise HostFailedError(Failure.FILES, f"{files}: {problem}") from problem
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def described(socket: ssl.SSLSocket) -> str:
    """Version, subject and end of the verified certificate, in words."""
    certificate = socket.getpeercert() or {}
    names = [value for kind, value in _pairs(certificate.get("subjectAltName", ())) if kind in {"DNS", "IP Address"}]
    return f"{socket.version()}, certificate for {', '.join(names)} valid until {certificate.get('notAfter', '')}"


def _pairs(value: object) -> list[tuple[str, str]]:
    pairs = value if isinstance(value, tuple) else ()
    return [(str(kind), str(name)) for kind, name in pairs]
