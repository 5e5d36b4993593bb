"""What a project or an agent puts into the environment of the shim, with the shells that systems call sh."""

import asyncio
from pathlib import Path

import pytest

from tests.appliance.agents.shim.test_shim import BEFORE, allow_of
from tests.support.http_stub import Stub, http_stub, reply
from tests.support.pretended_agents import TOOL_RUNS
from tests.support.shims import Place, ended, place

SHELLS = ("dash", "bash")
# Run before the first line, these would say allow without asking.
LIE = """printf '{"continue":true}'; exit 0"""
HOSTILE = {
    "noexec": {"SHELLOPTS": "noexec"},
    "xtrace": {"SHELLOPTS": "xtrace", "PS4": f"$({LIE})", "BASH_XTRACEFD": "1"},
    "errexit": {"SHELLOPTS": "errexit:nounset:verbose:keyword"},
    "options": {"BASHOPTS": "extdebug:failglob", "POSIXLY_CORRECT": "1", "BASH_COMPAT": "31"},
    "files": {"BASH_ENV": "{lie}", "ENV": "{lie}"},
    "functions": {
        f"BASH_FUNC_{name}%%": f"() {{ {LIE}; }}"
        for name in ("unset", "case", "test", "exit", "printf", "command", "curl", "head", "refuse", "with_curl", "[")
    },
    "words": {"IFS": "{}:", "CDPATH": "/", "TMOUT": "1", "FUNCNEST": "1", "GLOBIGNORE": "*", "EXECIGNORE": "*"},
}  # fmt: skip
# What makes programs trust, load or log something else.
TAKEN_AWAY = {
    "CURL_CA_BUNDLE", "CURL_HOME", "CURL_SSL_BACKEND", "NIX_SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CERT_FILE", "SSL_DIR",
    "SSLKEYLOGFILE", "GNUTLS_SYSTEM_PRIORITY_FILE", "OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES",
    "SYSTEM_WGETRC", "WGETRC", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_FRAMEWORK_PATH",
    "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH", "GCONV_PATH", "PERL5LIB", "PERL5OPT", "PERLLIB", "BASH_ENV", "ENV",
    "EXECIGNORE", "FUNCNEST", "POSIXLY_CORRECT",
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
async def test_no_variable_speaks_for_the_service(shell: str, tmp_path: Path) -> None:
    """Whichever shell is named sh: an allow is the service's own, and a service that says no is obeyed."""
    lie = tmp_path / "lie"
    lie.write_text(LIE)
    async with http_stub(reply(allow_of("claude"))) as good, http_stub(reply(b"", "503 No")) as bad:
        asked = [_both(name, shell, tmp_path, good, bad) for name in HOSTILE]
        found = dict(zip(HOSTILE, await asyncio.gather(*asked), strict=True))
    assert found == dict.fromkeys(HOSTILE, (True, False))


async def _both(name: str, shell: str, folder: Path, good: Stub, bad: Stub) -> tuple[bool, bool]:
    """Whether the tool runs with a service that allows, and with one that is out of order."""
    env = {key: value.replace("{lie}", str(folder / "lie")) for key, value in HOSTILE[name].items()}
    runs = []
    for number, stub in enumerate((good, bad)):
        there = place(folder / f"{name}-{number}", f"http://127.0.0.1:{stub.port}")
        found = await ended(str(there.named_sh(shell)), "claude", BEFORE, str(there.folder), body=b"{}", env=env)
        assert found.out.startswith("{"), (name, found)
        runs.append(TOOL_RUNS["claude"](found))
    return runs[0], runs[1]


@pytest.mark.parametrize("shell", SHELLS)
async def test_programs_see_no_variable_that_misleads_them(shell: str, tmp_path: Path) -> None:
    """Neither curl nor wget gets another authority, configuration or library by the environment."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "curl").write_text('#!/bin/sh\nenv >"$0.env"\nexit 7\n')
    (programs / "curl").chmod(0o755)
    there = place(tmp_path / "place", "https://localhost:9")
    shim = there.named_sh(shell, path=f"{programs}:/usr/bin:/bin")
    env = dict.fromkeys(TAKEN_AWAY, "") | {"HTTPS_PROXY": "http://127.0.0.1:9"}
    found = await ended(str(shim), "claude", BEFORE, str(there.folder), body=b"{}", env=env)
    assert "cannot be reached" in found.out
    seen = {line.partition("=")[0] for line in (programs / "curl.env").read_text().splitlines()}
    assert "HTTPS_PROXY" in seen
    assert not seen & TAKEN_AWAY


async def test_a_shell_without_privileged_mode_denies(tmp_path: Path) -> None:
    """As BusyBox, which exits with 2 at an option that it does not know."""
    there: Place = place(tmp_path / "place", "https://localhost:9")
    shim = there.named_sh("dash")
    shim.write_text(shim.read_text().replace("sh -p\n", "sh -Z\n", 1))
    found = await ended(str(shim), "claude", BEFORE, str(there.folder), body=b"{}")
    assert found == (2, "")
