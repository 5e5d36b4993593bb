"""A real Active Directory: Samba as a domain controller, in a network namespace of its own."""

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import processes
from tests.support.certificates import Authority

REALM, DOMAIN = "ad.example.test", "ADEX"
BASE = "DC=ad,DC=example,DC=test"
PEOPLE = f"CN=Users,{BASE}"
SERVICE, SERVICE_PASSWORD = f"leash@{REALM}", "Reads-3verything"
PASSWORD = "Right-pass-w0rd"
LOCKOUT_AFTER = 3
_READY_SECONDS = 60
_NUMBERS = itertools.count()  # a run may have more than one


class Samba:
    """The running domain controller; the machine reaches it through a cable of its own."""

    def __init__(self, folder: Path) -> None:
        """Everything lies below the folder."""
        self._folder = folder
        own = next(_NUMBERS)
        self._space = f"leash-ad-{os.getpid()}-{own}"
        self._cable = f"lad{os.getpid()}x{own}"  # a name of 15 characters at most
        network = f"10.{53 + own}.{os.getpid() % 250}"
        self.address, self._here = f"{network}.1", f"{network}.2"
        self.authority = Authority(folder, "domain authority")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ldaps(self) -> str:
        """URL with TLS from the beginning."""
        return f"ldaps://{self.address}"

    @property
    def ldap(self) -> str:
        """URL for StartTLS."""
        return f"ldap://{self.address}"

    def start(self) -> None:
        """Make the domain, about ten seconds, and run it."""
        self._plug_in()
        words = f"domain provision --realm={REALM.upper()} --domain={DOMAIN} --server-role=dc --use-rfc2307".split()
        words += ["--dns-backend=SAMBA_INTERNAL", f"--adminpass={PASSWORD}", f"--targetdir={self._folder}/dc"]
        words += ["--host-name=dc1", "--option=interfaces=lo fad1", "--option=bind interfaces only=yes"]
        self._inside("samba-tool", *words)
        self._configure()
        log = (self._folder / "samba.log").open("wb")
        config = f"{self._folder}/dc/etc/smb.conf"
        run = ["ip", "netns", "exec", self._space, "samba", "-i", "--no-process-group", "-M", "single", "-s", config]
        with log:
            self._process = subprocess.Popen(run, stdout=log, stderr=log, stdin=subprocess.DEVNULL)  # noqa: S603
        self._wait()
        self._tool("domain passwordsettings set --complexity=off --history-length=0 --min-pwd-age=0")
        self._tool(f"domain passwordsettings set --account-lockout-threshold={LOCKOUT_AFTER}")
        self.add_user("leash", password=SERVICE_PASSWORD)

    def stop(self) -> None:
        """End the domain controller and take the cable out."""
        if self._process is not None:
            for pid in reversed(processes.family(self._process.pid)):
                processes.end(pid)
            self._process.wait()
        subprocess.run(["ip", "netns", "del", self._space], check=False, capture_output=True)  # noqa: S603, S607
        subprocess.run(["ip", "link", "del", self._cable], check=False, capture_output=True)  # noqa: S603, S607

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Nobody reaches the domain meanwhile: packets get lost, as when a cable is out."""
        subprocess.run(["ip", "link", "set", self._cable, "down"], check=True, capture_output=True)  # noqa: S603, S607
        try:
            yield
        finally:
            subprocess.run(["ip", "link", "set", self._cable, "up"], check=True, capture_output=True)  # noqa: S603, S607

    def add_user(self, name: str, *options: str, password: str = PASSWORD) -> None:
        """A new account with an address."""
        words = ["user", "create", name, password, f"--mail-address={name}@example.test", *options]
        self._inside("samba-tool", *words, *self._where())

    def add_group(self, name: str, *members: str) -> None:
        """A new group of people and groups."""
        self._tool(f"group add {name}")
        if members:
            self.add_members(name, *members)

    def add_members(self, name: str, *members: str) -> None:
        """More members for a group."""
        self._tool(f"group addmembers {name} {','.join(members)}")

    def remove_members(self, name: str, *members: str) -> None:
        """Fewer members for a group."""
        self._tool(f"group removemembers {name} {','.join(members)}")

    def user(self, words: str) -> None:
        """`samba-tool user ...`."""
        self._tool(f"user {words}")

    def modify(self, ldif: str) -> None:
        """Change entries as the domain's own database."""
        file = self._folder / "change.ldif"
        file.write_text(ldif)
        self._inside("ldbmodify", "-H", f"{self._folder}/dc/private/sam.ldb", str(file), *self._where()[:1])

    def search(self, filter_: str, attribute: str) -> list[str]:
        """Values of an attribute, by Samba's own client."""
        database = f"{self._folder}/dc/private/sam.ldb"
        told = self._inside("ldbsearch", "-H", database, filter_, attribute, *self._where()[:1])
        return [line.partition(": ")[2] for line in told.splitlines() if line.startswith(f"{attribute}: ")]

    def _tool(self, words: str) -> None:
        self._inside("samba-tool", *words.split(), *self._where())

    def _where(self) -> Sequence[str]:
        return (f"--configfile={self._folder}/dc/etc/smb.conf",)

    def _inside(self, *words: str) -> str:
        done = subprocess.run(  # noqa: S603 - words of tests
            ["ip", "netns", "exec", self._space, *words],  # noqa: S607 - found by PATH
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        return done.stdout

    def _plug_in(self) -> None:
        for words in (
            f"netns add {self._space}",
            f"link add {self._cable} type veth peer name fad1 netns {self._space}",
            f"addr add {self._here}/24 dev {self._cable}",
            f"link set {self._cable} up",
        ):
            subprocess.run(["ip", *words.split()], check=True, capture_output=True)  # noqa: S603, S607
        for words in ("link set lo up", f"addr add {self.address}/24 dev fad1", "link set fad1 up"):
            self._inside("ip", *words.split())

    def _configure(self) -> None:
        """Files below our folder only, and a certificate of our own authority."""
        certificate, key = self.authority.server(self.address)
        key.chmod(0o600)
        places = self._folder / "run"
        places.mkdir()
        more = {
            "pid directory": places,
            "ncalrpc dir": places / "ncalrpc",
            "winbindd socket directory": places / "winbindd",
            "ntp signd socket directory": places / "signd",
            "log file": self._folder / "log.%m",
            "tls cafile": self.authority.file,
            "tls certfile": certificate,
            "tls keyfile": key,
            "server services": "-dns -dnsupdate -nbt -kdc -winbindd -ntp_signd -s3fs",
        }
        file = self._folder / "dc/etc/smb.conf"
        kept = [line for line in file.read_text().splitlines() if not line.strip().startswith("log file")]
        lines = "".join([f"\t{name} = {value}\n" for name, value in more.items()])
        file.write_text("\n".join(kept).replace("[global]\n", f"[global]\n{lines}", 1) + "\n")

    def _wait(self) -> None:
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection((self.address, 636), timeout=1):
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError((self._folder / "samba.log").read_text()[-3000:])


@contextmanager
def samba() -> Iterator[Samba]:
    """Run a domain; everything is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="leash-samba-"))
    running = Samba(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
