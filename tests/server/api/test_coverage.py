"""Coverage and shims over HTTP."""

import base64
import hashlib
import subprocess
from pathlib import Path

from appliance.agents.queries import machines
from tests.support.machines import bash
from tests.support.web_world import World


async def test_a_hook_shows_up_in_coverage(world: World) -> None:
    """With what its client calls itself, on the page and in the API, as soon as the worker has written it down."""
    await world.hook(bash("ls"), query="&client_version=0.36.58")
    await world.road.sightings.flush()
    found = (await world.as_script(world.owner, "GET", "/v1/agents/coverage?agent=claude")).json()
    [one] = found["agents"]
    assert (one["state"], one["runtime"]["client_version"]) == ("live", "0.36.58")
    assert one["runtime"]["hostname"] == "laptop-1"
    assert (await world.as_script(world.owner, "GET", "/v1/agents/coverage?hostname=other")).json()["agents"] == []
    assert (await world.as_script(world.owner, "GET", "/v1/agents/coverage?state=odd")).status_code == 400
    shown = await world.as_browser(world.owner, "GET", "/agents/coverage")
    assert shown.status_code == 200
    assert "laptop-1" in shown.text


async def test_a_silent_agent_is_told_on_the_overview(world: World) -> None:
    """And a change of settings can be accepted by whoever manages agents; an unknown one cannot."""
    [machine] = await machines()
    by_machine = {"authorization": f"Bearer {world.machine_token}"}
    told = await world.client.post("/v1/agents/gemini/activity", headers=by_machine)
    assert told.status_code == 204
    assert (await world.client.post("/v1/agents/clippy/activity", headers=by_machine)).status_code == 400
    assert (await world.client.post("/v1/agents/gemini/activity")).status_code == 401
    for hostname, expected in (("laptop-1", 204), ("laptop-9", 404), ("", 404)):
        path = f"/v1/agents/codex/activity?hostname={hostname}"
        assert (await world.as_script(world.member, "POST", path)).status_code == expected
        assert (await world.as_script(world.owner, "POST", path)).status_code == 404
    overview = await world.as_browser(world.owner, "GET", "/")
    assert "Gemini CLI on laptop-1" in overview.text
    silent = (await world.as_script(world.owner, "GET", "/v1/agents/coverage?state=silent")).json()["agents"]
    [one] = [each for each in silent if each["runtime"]["agent"] == "gemini"]
    assert {each["runtime"]["hostname"] for each in silent} == {"laptop-1"}
    path = f"/agents/coverage/{one['runtime']['id']}/accept"
    done = await world.as_browser(world.owner, "POST", path, data={"csrf_token": await world.csrf(world.owner)})
    assert (done.status_code, done.headers["location"]) == (303, "/agents/coverage?done=accepted")
    accepted = await world.as_script(world.owner, "POST", f"/v1{path}")
    assert accepted.json()["state"] == "silent"
    gone = await world.as_script(world.owner, "POST", f"/v1/agents/coverage/{machine.id}/accept")
    assert (gone.status_code, gone.json()["code"]) == (404, "agent_runtime_unknown")


async def test_shims_are_served_to_everybody_by_their_checksums(world: World) -> None:
    """The manifest, the files, a strong entity tag, and nothing else."""
    manifest = (await world.client.get("/shim/manifest.json")).json()
    assert [file["name"] for file in manifest["files"]] == ["openleash-hook.sh", "openleash-hook.ps1"]
    for file in manifest["files"]:
        reply = await world.client.get(f"/shim/{file['name']}")
        assert hashlib.sha256(reply.content).hexdigest() == file["sha256"]
        assert (len(reply.content), reply.headers["etag"]) == (file["bytes"], f'"{file["sha256"]}"')
        again = await world.client.get(f"/shim/{file['name']}", headers={"if-none-match": reply.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for name in ("build.py", "..%2frelease.py", "openleash-hook.template.sh"):
        assert (await world.client.get(f"/shim/{name}")).status_code == 404


async def test_the_manifest_of_the_shims_is_signed(world: World, tmp_path: Path) -> None:
    """By the key that vouches for the address; openssl says so, as the guide has it, and finds a changed byte."""
    told = (await world.client.get("/.well-known/openleash")).json()
    manifest = (await world.client.get("/shim/manifest.json")).content
    signature = (await world.client.get("/shim/manifest.json.sig")).content
    key = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(told["signingKey"]["publicKey"])
    assert b'"kind":"openleash-shim/1"' in manifest
    for content, expected in ((manifest, 0), (manifest.replace(b"0", b"1", 1), 1)):
        for name, part in (("manifest.json", content), ("manifest.sig", signature), ("key.der", key)):
            (tmp_path / name).write_bytes(part)
        options = "-pubin -keyform DER -inkey key.der -rawin -in manifest.json -sigfile manifest.sig"
        command = ["openssl", "pkeyutl", "-verify", *options.split()]
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)  # noqa: ASYNC221, S603 - a moment
        assert done.returncode == expected
