"""Directory sync and sign-in against a real slapd, beside the same paged search by ldapsearch; one that hangs."""

import asyncio
import itertools
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

from appliance.adapters.ldap.directory import LdapDirectory
from appliance.adapters.ldap.shapes import Shape
from appliance.clock import utc_now
from appliance.config.secret import Secret
from appliance.config.sign_in import Directory as Settings
from appliance.database.connection import connect, disconnect
from appliance.database.embedded import EmbeddedPostgres
from appliance.database.setup import prepare
from appliance.identity.bind_allowance import BindAllowance
from appliance.identity.directories.errors import DirectoryUnavailableError
from appliance.identity.directories.plans import Run, RunState
from appliance.identity.directories.service import Directories
from appliance.identity.external import ExternalSignIns
from appliance.identity.pace import Pace
from appliance.identity.records import Limits, Origin
from appliance.identity.sealing import KeyedHash
from appliance.identity.sessions import Sessions
from appliance.identity.throttle import Throttle
from tests.bench import hanging
from tests.bench.figures import Figures, percentile
from tests.support import slapd

PEOPLE: Final = 20_000
GROUPS: Final = 11_000
MEMBERS: Final = range(2, 19)  # of a group: ten on average
NESTED_SHARE: Final = 0.2
CHANGES: Final = 100
SEARCHES: Final = 3
AT_ONCE: Final = (16, 64, 128)
LOGIN_SECONDS: Final = 5.0
_NAME: Final = "corp"
_LDAPSEARCH: Final = shutil.which("ldapsearch") or "ldapsearch"


def measure() -> Figures:
    """Seconds of the first sync, of later ones and of ldapsearch; sign-ins per second; decisions while one hangs."""
    figures = _with_slapd()
    return {**figures, "hanging_directory": hanging.measure()}


def _with_slapd() -> Figures:
    with tempfile.TemporaryDirectory(prefix="leash-bench-") as folder, slapd.slapd(_ldif()) as server:
        return asyncio.run(_measure(Path(folder), server))


async def _measure(folder: Path, server: slapd.Slapd) -> Figures:
    settings = _settings(server)
    searches = [await asyncio.to_thread(_search, server, settings) for _ in range(SEARCHES)]
    by_ldapsearch = statistics.median(searches)
    async with _database(folder):
        port = LdapDirectory(_NAME, settings)
        directories = Directories([port], {_NAME: settings}, utc_now)
        try:
            first, first_run = await _timed(directories)
            await _timed(directories)  # the server's clock of versions has settled after it
            await asyncio.to_thread(server.modify, _changes())
            later, later_run = await _timed(directories)
            await asyncio.to_thread(server.delete, *(slapd.dn_of(f"p{number}") for number in range(10)))
            gone, gone_run = await _timed(directories)
            quiet, _ = await _timed(directories)
            logins = await _logins(port, settings)
        finally:
            await directories.close()
    return {
        "ldapsearch_seconds": round(by_ldapsearch, 2),
        "first_sync": {
            "seconds": round(first, 2),
            "ratio_to_ldapsearch": round(first / by_ldapsearch, 2),
            "people": first_run.counts.get("created", 0),
        },
        f"later_{CHANGES}_changes": {"seconds": round(later, 2), "people": sum(later_run.counts.values())},
        "later_10_gone": {"seconds": round(gone, 2), "people": gone_run.counts.get("disabled", 0)},
        "nothing_new_seconds": round(quiet, 2),
        "logins": logins,
    }


async def _timed(directories: Directories) -> tuple[float, Run]:
    """One run as the scheduler makes it."""
    started = time.perf_counter()
    run = await directories.syncs[_NAME].run()
    if run.state is not RunState.DONE:
        raise SystemExit(f"sync {run.state.value}: {run.problem}")
    return time.perf_counter() - started, run


async def _logins(port: LdapDirectory, settings: Settings) -> Figures:
    """Sign-ins of somebody else each time: directory, session, ledger."""
    sign_ins = ExternalSignIns(
        {_NAME: port},
        {_NAME: settings},
        sessions=Sessions(Limits(), os.urandom),
        throttle=Throttle(1_000_000, KeyedHash(os.urandom(32))),
        binds=BindAllowance(KeyedHash(os.urandom(32))),
        pace=Pace(monotonic=time.monotonic, sleep=asyncio.sleep),
    )
    people = itertools.count(CHANGES)
    return {f"at_once_{browsers}": await _logins_by(browsers, sign_ins, people) for browsers in AT_ONCE}


async def _logins_by(browsers: int, sign_ins: ExternalSignIns, people: Iterator[int]) -> Figures:
    """So many browsers at once; whoever is told that the directory has too much to do tries again."""
    taken, end = list[float](), time.perf_counter() + LOGIN_SECONDS
    turned_away = itertools.count()

    async def browser(number: int) -> None:
        origin = Origin(address=f"192.0.2.{number}", user_agent="bench")
        while (started := time.perf_counter()) < end:
            try:
                await sign_ins.by_directory(_NAME, f"p{next(people)}", slapd.PASSWORD, origin, utc_now())
            except DirectoryUnavailableError:
                next(turned_away)
            else:
                taken.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(browser(number) for number in range(browsers)))
    return {
        "per_second": round(len(taken) / (time.perf_counter() - started), 1),
        "p50_ms": round(1000 * statistics.median(taken), 1),
        "p99_ms": round(1000 * percentile(taken, 99), 1),
        "turned_away": next(turned_away),
    }


@asynccontextmanager
async def _database(folder: Path) -> AsyncIterator[None]:
    """A durable PostgreSQL of the run's own, with the process's pool on it as the service."""
    server = EmbeddedPostgres(folder / "state")
    try:
        await asyncio.to_thread(server.start)
        endpoints = await prepare(server.owner_url, state=server.state, now=utc_now())
        await connect(endpoints.service_url)
        try:
            yield
        finally:
            await disconnect()
    finally:
        await asyncio.to_thread(server.remove)


def _search(server: slapd.Slapd, settings: Settings) -> float:
    """Seconds of ldapsearch for the same people and groups, in pages of the same size, over TLS.

    It asks for the machine's own name where the URL says localhost, so it does not check the certificate's.
    """
    shape = Shape(settings, utc_now)
    wanted = (
        (settings.user_base, settings.user_filter, shape.user_attributes),
        (settings.group_base, settings.group_filter, shape.full_group_attributes),
    )
    started, count = time.perf_counter(), 0
    for base, words, attributes in wanted:
        done = subprocess.run(  # noqa: S603 - our own words
            [_LDAPSEARCH, "-x", "-LLL", "-o", "ldif-wrap=no", "-E", f"pr={settings.page_size}/noprompt",
             "-H", server.ldaps, "-D", slapd.SERVICE, "-w", slapd.SERVICE_PASSWORD, "-b", base, words, *attributes],
            env={**os.environ, "LDAPTLS_REQCERT": "never"}, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        count += done.stdout.count(b"\nentryUUID: ")
    if count != PEOPLE + GROUPS:
        raise SystemExit(f"ldapsearch found {count} entries")
    return time.perf_counter() - started


def _settings(server: slapd.Slapd) -> Settings:
    """The defaults, but for the brake: every limit here would be reached."""
    return Settings(
        kind="ldap",
        urls=(server.ldaps,),
        ca_file=server.authority.file,
        bind_dn=slapd.SERVICE,
        bind_password=Secret(slapd.SERVICE_PASSWORD),
        user_base=slapd.PEOPLE,
        group_base=slapd.GROUPS,
        brake_people=PEOPLE,
        brake_percent=100,
    )


def _ldif() -> str:
    """People, and groups of which some hold another group; the same in every run."""
    random = Random(6)  # noqa: S311 - the same company in every run
    entries = [slapd.person(f"p{number}") for number in range(PEOPLE)]
    for number in range(GROUPS):
        members = [slapd.dn_of(f"p{each}") for each in random.sample(range(PEOPLE), random.choice(MEMBERS))]
        if number and random.random() < NESTED_SHARE:
            members.append(f"cn=g{random.randrange(number)},{slapd.GROUPS}")
        entries.append(slapd.group(f"g{number}", *members))
    return "".join(entries)


def _changes() -> str:
    """CHANGES entries: nine tenths of them people with a new name, the rest groups with one more member."""
    parts = [
        f"dn: {slapd.dn_of(f'p{number}')}\nchangetype: modify\nreplace: cn\ncn: New {number}\n"
        for number in range(10, CHANGES)
    ]
    parts += [
        f"dn: cn=g{number},{slapd.GROUPS}\nchangetype: modify\nadd: member\nmember: {slapd.SERVICE}\n"
        f"member: {slapd.dn_of(f'p{PEOPLE - 1 - number}')}\n"
        for number in range(10)
    ]
    return "\n".join(parts)
