"""ntfy: what a real server makes of what it is sent."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.adapters.notifications.ntfy import Ntfy
from appliance.adapters.notifications.post import Poster
from appliance.notifications.ports import Failure
from appliance.notifications.records import Severity
from tests.support.messages import MESSAGE, failure_of, target
from tests.support.ntfy import Ntfy as Server
from tests.support.ntfy import ntfy_server

NTFY = Ntfy(Poster(private_hosts=("127.0.0.1",)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of them."""
    folder: Path = tmp_path_factory.mktemp("ntfy")
    with ntfy_server(folder) as running:
        yield running


async def test_a_message_arrives_with_its_link(server: Server) -> None:
    """With title, link and urgency as phones show them."""
    await NTFY.send(target(url=f"{server.url}/asks", token=server.token), MESSAGE)
    urgent = msgspec.structs.replace(MESSAGE, severity=Severity.HIGH, body="claude: rm -rf b\u00fcild \u2026")
    await NTFY.send(target(url=f"{server.url}/asks", token=server.token), urgent)
    first, second = server.messages("asks")
    assert (first["title"], first["message"], first["click"]) == (MESSAGE.title, MESSAGE.body, MESSAGE.url)
    assert (first["priority"], second["priority"]) == (3, 4)
    assert second["message"] == urgent.body


async def test_a_topic_that_lets_nobody_in_is_tried_again(server: Server) -> None:
    """Its owner may be changing the token."""
    assert await failure_of(NTFY, target(url=f"{server.url}/asks", token="wrong")) is Failure.LATER
    assert await failure_of(NTFY, target(url=f"{server.url}/asks")) is Failure.LATER
