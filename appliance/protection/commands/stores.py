"""Clients of databases and other data stores."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.hosts import host_of, is_local
from appliance.protection.commands.options import split_options
from appliance.protection.commands.production import is_production
from appliance.protection.commands.sql import bulk_write
from appliance.protection.commands.words import NOTHING, PROGRAM_OUTPUT, Origin, Source, Word

Handler = Callable[[Call], Source | None]

_PSQL: Final = {
    "-c", "--command", "-f", "--file", "-h", "--host", "-p", "--port", "-U", "--username", "-d", "--dbname", "-o",
    "--output", "-v", "--set",
    "-F", "-R", "-L", "-P", "--variable", "--pset", "--log-file",
}  # fmt: skip
_MYSQL: Final = {
    "-e", "--execute", "-h", "--host", "-P", "--port", "-u", "--user", "-D", "--database", "-S", "--socket",
    "--defaults-file",
    "--defaults-extra-file", "--protocol", "--ssl-ca", "--init-command",
}  # fmt: skip
_MONGO_BULK: Final = (
    "drop(",
    "dropdatabase(",
    "deletemany(",
    "remove(",
    "dropindexes(",
    "dropuser(",
    "updatemany({}",
    "bulkwrite(",
    "dropindex(",
)
_REDIS_BULK: Final = frozenset(["FLUSHALL", "FLUSHDB", "SWAPDB", "SHUTDOWN", "DEBUG"])


def reach(call: Call, names: list[Word]) -> None:
    """Record the hosts of a store, and whether a name says production."""
    for name in names:
        host = host_of(name.text) if "://" in name.text or "@" in name.text else name.text
        if "://" in name.text or name.text.count(".") or is_local(host):
            call.host(host if "/" not in host else "")
            if host and not is_local(host):
                call.network(f"{call.program} talks to {shown(host)}.")
        if is_production(name.text):
            call.note(Effect.PRODUCTION_CONTEXT, f"It names production: {shown(host or name.text)}.")


def judge_sql(call: Call, sql: Word) -> None:
    """Judge statements that a store would get."""
    if not sql.is_known:
        call.unclear()
    found = bulk_write(sql.text)
    if found is not None:
        call.note(Effect.DATA_STORE_WRITE, found)
    for line in sql.text.splitlines() or [""]:
        stripped = line.strip()
        if stripped.startswith(("\\!", ".shell ", ".system ", "system ", "!")) and len(stripped) > 2:  # noqa: PLR2004
            call.run_text(
                stripped.removeprefix("\\!")
                .removeprefix("!")
                .removeprefix(".shell")
                .removeprefix(".system")
                .removeprefix("system")
            )
            call.ran = False
    if "to program" in sql.text.lower() or "from program" in sql.text.lower():
        call.note(Effect.RUNS_CODE, "The store's server would run a program.")
        call.unclear()


def judge_input(call: Call) -> None:
    """Judge statements that a store's client reads from its input."""
    source = call.stdin
    if source is None or source is NOTHING:
        return
    if source.text is not None:
        judge_sql(call, Word(source.text, is_known=source.is_exact))
    elif source.origins & {Origin.DOWNLOAD, Origin.DECODED, Origin.PROGRAM} or Origin.FILE not in source.origins:
        call.unclear()
    else:
        call.note(Effect.RUNS_CODE, "It runs statements from a file.")


def judge_files(call: Call, words: list[Word]) -> None:
    """Judge statements that a store's client reads from files."""
    for word in words:
        call.read(word)
        known = next((call.state.files[path] for path in call.resolved(word) if path in call.state.files), None)
        if known is not None and known.text is not None:
            judge_sql(call, Word(known.text))
        else:
            call.note(Effect.RUNS_CODE, f"It runs statements from {shown(word.text)}.")


def _client(valued: Collection[str], codes: tuple[str, ...], files: tuple[str, ...], hosts: tuple[str, ...]) -> Handler:
    """Make a handler for a client that takes statements by options, files and its input."""

    def handler(call: Call) -> Source:
        options = call.options(valued)
        reach(call, [*options.values(*hosts), *options.rest])
        statements = options.values(*codes)
        for statement in statements:
            judge_sql(call, statement)
        judge_files(call, options.values(*files))
        if not statements:
            judge_input(call)
        for value in options.values("-o", "--output"):
            call.write(value)
        return PROGRAM_OUTPUT

    return handler


def _sqlite(call: Call) -> Source:
    options = call.options({"-cmd", "-separator", "-nullvalue", "-newline", "-init", "-c"})
    call.read_all(options.rest[:1], reveals=False)
    statements = [*options.rest[1:], *options.values("-cmd", "-c")]
    for statement in statements:
        judge_sql(call, statement)
    judge_files(call, options.values("-init"))
    if not statements:
        judge_input(call)
    return PROGRAM_OUTPUT


def _mongo(call: Call) -> Source:
    options = call.options(
        {
            "--eval",
            "--host",
            "--port",
            "-u",
            "-p",
            "--username",
            "--password",
            "--authenticationDatabase",
            "-f",
            "--file",
        }
    )
    reach(call, [*options.values("--host"), *options.rest[:1]])
    texts = options.values("--eval")
    if not texts and call.stdin is not None and call.stdin.text is not None:
        texts = [Word(call.stdin.text, is_known=call.stdin.is_exact)]
    elif not texts and call.stdin is not None:
        call.unclear()
    for text in texts:
        if not text.is_known:
            call.unclear()
        plain = "".join(text.text.lower().split())
        found = next((each for each in _MONGO_BULK if each in plain), None)
        if found is not None:
            call.note(Effect.DATA_STORE_WRITE, f"{found.rstrip('({}')} would remove or change many documents.")
    for word in [*options.values("-f", "--file"), *[each for each in options.rest if each.text.endswith(".js")]]:
        call.read(word)
        call.note(Effect.RUNS_CODE, f"It runs the file {shown(word.text)}.")
    return PROGRAM_OUTPUT


def _redis(call: Call) -> Source:
    options = call.options(
        {"-h", "-p", "-s", "-a", "-u", "-n", "-r", "-i", "--user", "--pass", "--eval"}, is_posix=True
    )
    reach(call, options.values("-h", "-u"))
    lines = [[word.text for word in options.rest]]
    if not options.rest and call.stdin is not None:
        if call.stdin.text is None:
            call.unclear()
        lines = [line.split() for line in (call.stdin.text or "").splitlines()]
    for words in lines:
        upper = [word.upper() for word in words[:3]]
        if upper and (
            upper[0] in _REDIS_BULK
            or (upper[0] in {"DEL", "UNLINK"} and any(character in " ".join(words) for character in "*?"))
        ):
            call.note(Effect.DATA_STORE_WRITE, f"{upper[0]} would remove many keys or stop the store.")
        if upper[:2] == ["CONFIG", "SET"] and upper[2:] and upper[2] in {"DIR", "DBFILENAME"}:
            call.note(Effect.PERSISTENCE, "It would let the store write files of its own choice.")
        if upper and upper[0] in {"EVAL", "MODULE"}:
            call.unclear()
    if any(not word.is_known for word in options.rest[:1]):
        call.unclear()
    return PROGRAM_OUTPUT


def _dropper(call: Call) -> Source:
    options = call.options({"-h", "--host", "-p", "-U", "--maintenance-db"})
    reach(call, [*options.values("-h", "--host"), *options.rest])
    call.note(
        Effect.DATA_STORE_WRITE, f"{call.program} would remove {shown(options.rest[0].text) if options.rest else 'it'}."
    )
    return NOTHING


def _mysqladmin(call: Call) -> Source:
    options = call.options(_MYSQL)
    reach(call, options.values("-h", "--host"))
    if any(word.text in {"drop", "flush-hosts", "shutdown"} for word in options.rest):
        call.note(Effect.DATA_STORE_WRITE, "mysqladmin would drop a database or stop the server.")
    return NOTHING


def _pg_restore(call: Call) -> Source:
    options = call.options(_PSQL)
    reach(call, [*options.values("-h", "--host", "-d", "--dbname")])
    call.read_all(options.rest)
    if options.has("-c", "--clean"):
        call.note(Effect.DATA_STORE_WRITE, "pg_restore --clean would drop what is there first.")
    return PROGRAM_OUTPUT


def _dump(call: Call) -> Source:
    options = call.options({*_PSQL, *_MYSQL, "-t", "-n", "-T", "-N"})
    reach(call, [*options.values("-h", "--host", "-d", "--dbname"), *options.rest])
    for value in options.values("-f", "--file", "--result-file"):
        call.write(value)
    return Source(origins=frozenset([Origin.FILE]))


def _influx(call: Call) -> Source:
    words = [word.text for word in split_options(call.args).rest]
    if "delete" in words[:2]:
        call.note(Effect.DATA_STORE_WRITE, f"{call.program} would delete records in bulk.")
    for word in call.args:
        judge_sql(call, word)
    return PROGRAM_OUTPUT


_POSTGRES: Final = _client(
    _PSQL, ("-c", "--command", "-e", "--execute"), ("-f", "--file"), ("-h", "--host", "-d", "--dbname")
)
_MARIA: Final = _client(_MYSQL, ("-e", "--execute", "--init-command"), (), ("-h", "--host"))
_CLICKHOUSE: Final = _client(
    {"-q", "--query", "-h", "--host", "-u", "--user", "--password", "--queries-file", "--port", "-d"},
    ("-q", "--query"), ("--queries-file",), ("-h", "--host"),
)  # fmt: skip
_MICROSOFT: Final = _client({"-Q", "-q", "-S", "-U", "-P", "-d", "-i", "-o"}, ("-Q", "-q"), ("-i",), ("-S",))
_CASSANDRA: Final = _client(
    {"-e", "--execute", "-f", "--file", "-u", "-p", "-k"}, ("-e", "--execute"), ("-f", "--file"), ()
)
_OTHER: Final = _client(
    {"-q", "-f", "-e", "-u", "-n", "-p", "-o", "-a", "--query", "--execute"},
    ("-q", "-e", "--query", "--execute"), ("-f",), ("-u", "-a"),
)  # fmt: skip
PROGRAMS: Final[Mapping[str, Handler]] = {
    **dict.fromkeys(["psql", "pgcli", "cockroach", "ysqlsh"], _POSTGRES),
    **dict.fromkeys(["mysql", "mariadb", "mycli"], _MARIA),
    **dict.fromkeys(["sqlite3", "sqlite", "duckdb", "litecli"], _sqlite), "cqlsh": _CASSANDRA,
    **dict.fromkeys(["clickhouse-client", "clickhouse", "clickhouse-local"], _CLICKHOUSE),
    **dict.fromkeys(["sqlcmd", "isql", "osql"], _MICROSOFT), **dict.fromkeys(["mongo", "mongosh"], _mongo),
    **dict.fromkeys(["snowsql", "spark-sql", "beeline", "trino", "presto", "hive", "usql", "sqlplus"], _OTHER),
    **dict.fromkeys(["redis-cli", "valkey-cli", "keydb-cli"], _redis),
    **dict.fromkeys(["dropdb", "dropuser"], _dropper),
    "mysqladmin": _mysqladmin, "mariadb-admin": _mysqladmin,
    "pg_restore": _pg_restore, "influx": _influx, "etcdctl": _influx,
    **dict.fromkeys(["pg_dump", "pg_dumpall", "mysqldump", "mariadb-dump", "mongodump"], _dump),
}  # fmt: skip
