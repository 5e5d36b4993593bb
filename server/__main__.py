"""`python -m server`: the API and the dashboard, in this one process."""

import asyncio
import gc
import signal
import socket
from typing import Final

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar

from appliance.bootstrap import open_appliance
from appliance.config import Config
from appliance.errors import LeashError
from server.app import EDGE, create_app
from server.command_line import configured, stop
from server.edge import Edge

_PROGRAM: Final = "server"
# With the defaults, a thousand held calls let a fast one wait for seconds: docs/adr/0008-web-server.md.
_BACKLOG: Final = 16_384
_BACKPRESSURE: Final = 20_000
_HEADER_MILLISECONDS: Final = 10_000
_HEADER_BYTES: Final = 65_536
_OPENING_SECONDS: Final = 0.005
# A decision makes hundreds of objects and no cycles: collecting after every 700 costs a tenth of the processor.
_COLLECT_AFTER: Final = (50_000, 20, 20)
log = structlog.get_logger(_PROGRAM)


class PortTakenError(LeashError):
    """Somebody else listens on the address."""

    code = "port_taken"
    summary = "The address cannot be listened on"
    next_step = "Stop what listens there, or choose another server.port."


async def serve(config: Config) -> None:
    """Run until SIGTERM or SIGINT; then answer what is held, finish what runs, and end.

    Raises:
        LeashError: the service cannot start.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    _check_address(config)
    async with open_appliance(config) as appliance:
        app = create_app(appliance)
        async with app.lifespan():
            await _serve(app, config, stopping)


async def _serve(app: Litestar, config: Config, stopping: asyncio.Event) -> None:
    edge: Edge = app.state[EDGE]
    server = _server(app, config)
    serving = asyncio.create_task(server.serve(), name="granian")
    await _until_it_listens(config, serving)
    gc.collect()
    gc.freeze()  # what is here now stays: later collections need not look at it
    gc.set_threshold(*_COLLECT_AFTER)
    log.info("server.listening", host=config.server.host, port=config.server.port, public=config.public_origin)
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
    """Granian reports a taken port late and in its own words.

    Raises:
        PortTakenError: it is taken, or not ours to listen on.
    """
    host, port = config.server.host, config.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise PortTakenError(f"{host}:{port} cannot be listened on: {problem.strerror}") from problem


def main() -> None:
    """Serve, or say in one line why not."""
    config = configured(_PROGRAM, "Serve the API and the dashboard.")
    try:
        asyncio.run(serve(config))
    except LeashError as problem:
        stop(_PROGRAM, problem)


if __name__ == "__main__":
    main()
