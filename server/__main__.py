"""`python -m server`: the API and the dashboard."""

import server.lean  # noqa: F401 - first of all, as it says

import asyncio
import errno
import gc
import resource
import signal
import socket
import time
from collections.abc import Callable
from typing import Final

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar

from appliance.bootstrap import compile_rules, open_appliance
from appliance.config import Config
from appliance.errors import LeashError
from appliance.memory import give_back
from server.app import EDGE, create_app
from server.command_line import configured, stop
from server.edge import Edge
from server.workers import Workers, worker_count

_PROGRAM: Final = "server"
# With the defaults, a thousand held calls let a fast one wait for seconds: docs/adr/0008-web-server.md.
_BACKLOG: Final = 16_384
_BACKPRESSURE: Final = 20_000
_HEADER_MILLISECONDS: Final = 10_000
_HEADER_BYTES: Final = 65_536
_OPENING_SECONDS: Final = 0.005
# The processes of a service that was killed answer what they hold, and are gone soon after.
_PREDECESSOR_SECONDS: Final = 2.0
# A decision makes hundreds of objects and no cycles: collecting after every 700 costs a tenth of the processor.
_COLLECT_AFTER: Final = (50_000, 20, 20)
log = structlog.get_logger(_PROGRAM)


class PortTakenError(LeashError):
    """Somebody else listens on the address."""

    code = "port_taken"
    summary = "The address cannot be listened on"
    next_step = "Stop what listens there, or choose another server.port."


async def serve(app: Litestar, config: Config, listens: Callable[[], None]) -> None:
    """Run until SIGTERM or SIGINT; then answer what is held, finish what runs, and end. Call `listens` once it does.

    Raises:
        LeashError: the service cannot start.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with open_appliance(config) as appliance:
        app.state.appliance = appliance
        async with app.lifespan():
            await _serve(app, config, stopping, listens)


async def _serve(app: Litestar, config: Config, stopping: asyncio.Event, listens: Callable[[], None]) -> None:
    edge: Edge = app.state[EDGE]
    server = _server(app, config)
    serving = asyncio.create_task(server.serve(), name="granian")
    await _until_it_listens(config, serving)
    give_back()
    gc.freeze()  # what is here now stays: later collections need not look at it
    gc.set_threshold(*_COLLECT_AFTER)
    log.info("server.listening", host=config.server.host, port=config.server.port, public=config.public_origin)
    listens()
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        stopped.cancel()
        raise PortTakenError(f"The server ended by itself: {serving.exception()}")
    log.info("server.stopping", running=edge.running)
    app.state.road.release_held_calls()
    server.stop()  # type: ignore[no-untyped-call] # Granian's own
    if not await edge.drained(config.server.shutdown_grace_seconds):
        log.warning("server.requests_cut_off", running=edge.running)
    await serving


async def _until_it_listens(config: Config, serving: "asyncio.Task[None]") -> None:
    """Granian tells nobody when its socket is open: whoever reads that we listen must be able to connect."""
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(config.server.host, config.server.port)
        except OSError:
            await asyncio.sleep(_OPENING_SECONDS)
        else:
            writer.close()
            await writer.wait_closed()
            return


def _server(app: Litestar, config: Config) -> Server:
    return Server(
        app,
        address=config.server.host,
        port=config.server.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_BACKPRESSURE,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS, max_buffer_size=_HEADER_BYTES),
        log_enabled=False,
    )


def _check_address(config: Config) -> None:
    """Granian shares the port with whoever else shares it, and reports a taken one late and in its own words.

    Raises:
        PortTakenError: it is taken, or not ours to listen on.
    """
    until = time.monotonic() + _PREDECESSOR_SECONDS
    while problem := _address_problem(config.server.host, config.server.port):
        if problem.errno != errno.EADDRINUSE or time.monotonic() > until:
            where = f"{config.server.host}:{config.server.port}"
            raise PortTakenError(f"{where} cannot be listened on: {problem.strerror}") from problem
        time.sleep(_OPENING_SECONDS)


def _address_problem(host: str, port: int) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return problem
    return None


def main() -> None:
    """Serve, or say in one line why not."""
    config = configured(_PROGRAM, "Serve the API and the dashboard.").config
    try:
        _check_address(config)
    except LeashError as problem:
        stop(_PROGRAM, problem)
    _allow_open_files()
    compile_rules()
    app = create_app(config)
    raise SystemExit(Workers(worker_count(config.server.workers), lambda listens: _work(app, config, listens)).run())


def _allow_open_files() -> None:
    """Take as many connections as the system lets us: the usual 1,024 are few for open pages and held calls."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _work(app: Litestar, config: Config, listens: Callable[[], None]) -> None:
    try:
        asyncio.run(serve(app, config, listens))
    except LeashError as problem:
        stop(_PROGRAM, problem)


if __name__ == "__main__":
    main()
