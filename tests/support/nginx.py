"""A real nginx with the configuration that the guide gives, word for word but for names, ports and files."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.processes import free_port

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "reverse-proxy.md"
_PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "nginx"
_READY_SECONDS = 20
_AROUND = """
daemon off;
master_process on;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {inside}
}}
"""


class Nginx:
    """One that runs, with `url`, the file of its authority, and the folder that holds its logs."""

    def __init__(self, folder: Path, port: int, authority: Path) -> None:
        """Where it listens and writes."""
        self.folder = folder
        self.url = f"https://127.0.0.1:{port}"
        self.authority = authority

    @property
    def said(self) -> str:
        """Everything that its logs hold."""
        return "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.log")))


def block(language: str = "nginx") -> str:
    """The guide's first block of settings in this language."""
    return str(re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[0])


def seconds(directive: str) -> float:
    """What the guide's block gives a time-out."""
    (found,) = re.findall(rf"^\s*{directive}\s+(\d+)s;", block(), re.MULTILINE)
    return float(found)


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[Nginx]:
    """In front of `upstream` (`host:port`), with its files in `folder`."""
    port, authority = free_port(), Authority(folder)
    certificate, key = authority.server("localhost", "127.0.0.1")
    inside = block()
    for told, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "leash.example.org;": "localhost;",
        "/etc/ssl/leash.example.org.pem": str(certificate),
        "/etc/ssl/leash.example.org.key": str(key),
        "/var/log/nginx": str(folder),
        "127.0.0.1:9318": upstream,
    }.items():
        assert told in inside, told
        inside = inside.replace(told, here)
    file = folder / "nginx.conf"
    file.write_text(_AROUND.format(folder=folder, inside=inside), "utf-8")
    with (folder / "stderr.log").open("wb") as output:
        process = subprocess.Popen([_PROGRAM, "-c", str(file)], stdout=output, stderr=output)  # noqa: S603 - our file
    running = Nginx(folder, port, authority.file)
    try:
        _wait(process, port, running)
        yield running
    finally:
        process.terminate()
        process.wait(_READY_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", port: int, running: Nginx) -> None:
    end = time.monotonic() + _READY_SECONDS
    while True:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, running.said
        assert time.monotonic() < end, running.said
        time.sleep(0.02)
