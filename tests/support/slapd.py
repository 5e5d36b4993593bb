"""A real OpenLDAP server with password policy, memberof and a size limit, on loopback, below a folder of its own."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.processes import free_port

BASE = "dc=example,dc=test"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "changes everything"
SERVICE, SERVICE_PASSWORD = f"cn=reader,{BASE}", "reads everything"
PASSWORD = "right"
SIZE_LIMIT = 500
LOCKOUT_AFTER = 3
_READY_SECONDS = 20
_PROGRAM = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "slapd"

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient {verify}
sizelimit size.soft={limit} size.hard={limit} size.prtotal=unlimited
database mdb
maxsize 268435456
suffix "{base}"
rootdn "{admin}"
rootpw "{admin_password}"
directory {folder}/data
index objectClass,uid,mail,entryUUID,member,uniqueMember,memberUid eq
dbnosync
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous auth
overlay memberof
overlay refint
refint_attributes member
overlay ppolicy
ppolicy_default "cn=policy,{base}"
ppolicy_use_lockout
"""
_FIRST = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: cn=policy,{BASE}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: {LOCKOUT_AFTER}
pwdMustChange: TRUE
pwdMaxAge: 86400

dn: {SERVICE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {SERVICE_PASSWORD}
"""


def person(uid: str, *lines: str) -> str:
    """LDIF of somebody."""
    more = "".join([f"{line}\n" for line in lines])
    return (
        f"dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid.title()}\nsn: {uid}\n"
        f"mail: {uid}@example.test\nuserPassword: {PASSWORD}\n{more}\n"
    )


def group(cn: str, *members: str) -> str:
    """LDIF of a group; members are distinguished names."""
    listed = "".join([f"member: {member}\n" for member in members])
    return f"dn: cn={cn},{GROUPS}\nobjectClass: groupOfNames\ncn: {cn}\n{listed}\n"


def dn_of(uid: str) -> str:
    """Where somebody is."""
    return f"uid={uid},{PEOPLE}"


class Slapd:
    """One server."""

    def __init__(self, folder: Path, authority: Authority, *, host: str, wants_client_certificate: bool) -> None:
        """`host` is the one name in its certificate."""
        self._folder = folder
        self.authority = authority
        self._host = host
        self._verify = "demand" if wants_client_certificate else "never"
        self._ports = (free_port(), free_port())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ldap(self) -> str:
        """URL without TLS, and for StartTLS."""
        return f"ldap://localhost:{self._ports[0]}"

    @property
    def ldaps(self) -> str:
        """URL with TLS from the beginning."""
        return f"ldaps://localhost:{self._ports[1]}"

    def prepare(self, ldif: str) -> None:
        """Write the configuration and load the first entries."""
        (self._folder / "data").mkdir()
        certificate, key = self.authority.server(self._host)
        (self._folder / "slapd.conf").write_text(
            _CONFIG.format(
                folder=self._folder,
                authority=self.authority.file,
                certificate=certificate,
                key=key,
                base=BASE,
                admin=ADMIN,
                admin_password=ADMIN_PASSWORD,
                limit=SIZE_LIMIT,
                verify=self._verify,
            )
        )
        words = [_PROGRAM, "-T", "add", "-q", "-f", f"{self._folder}/slapd.conf"]
        subprocess.run(words, input=f"{_FIRST}\n{ldif}".encode(), check=True, capture_output=True)  # noqa: S603

    def start(self) -> None:
        """Run it until `stop`."""
        plain, tls = self._ports
        urls = f"ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{tls}/"
        words = [_PROGRAM, "-f", f"{self._folder}/slapd.conf", "-h", urls, "-d", "0"]
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", tls), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"slapd does not start: {' '.join(words)}")

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def reconfigure(self, old: str, new: str) -> None:
        """Replace something in the configuration; it counts from the next start on."""
        file = self._folder / "slapd.conf"
        file.write_text(file.read_text().replace(old, new))

    def modify(self, ldif: str) -> None:
        """Change entries over the wire, as an administrator does."""
        self._client(["ldapmodify"], ldif)

    def add(self, ldif: str) -> None:
        """Add entries over the wire."""
        self._client(["ldapadd"], ldif)

    def delete(self, *dns: str) -> None:
        """Delete entries over the wire."""
        self._client(["ldapdelete", *dns], "")

    def _client(self, words: Sequence[str], given: str) -> None:
        program, *rest = words
        subprocess.run(  # noqa: S603 - words of tests
            [program, "-x", "-H", f"ldap://127.0.0.1:{self._ports[0]}", "-D", ADMIN, "-w", ADMIN_PASSWORD, *rest],
            input=given.encode(),
            check=True,
            capture_output=True,
        )


@contextmanager
def slapd(ldif: str = "", *, host: str = "localhost", wants_client_certificate: bool = False) -> Iterator[Slapd]:
    """Run a server with some entries; everything is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="leash-slapd-"))
    server = Slapd(folder, Authority(folder), host=host, wants_client_certificate=wants_client_certificate)
    try:
        server.prepare(ldif)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
