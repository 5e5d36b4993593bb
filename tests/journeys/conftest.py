"""One private cloud for all stories that leave it running; stories that break things start their own."""

from collections.abc import AsyncIterator

import pytest

from tests.support.journey import Cloud
from tests.support.machines import Machine
from tests.support.releases import Shelf, described


@pytest.fixture(scope="package")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    """A running private cloud, made from nothing; IT has released one version of the desktop."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    shelf.release(described("0.36.58", shelf.file("OpenLeash-0.36.58.dmg"), notesUrl="https://intranet.example.org/"))
    feed = f'[updates]\ndirectory = "{shelf.directory}"\nkeys = ["{shelf.key}"]\n'
    pace = "[api]\nrequests_per_second = 500\nburst = 1000\n"  # one address asks for all stories
    proofs = "[sign_in]\nstep_up_minutes = 60\n"  # its owner signs in once, and stories take longer than the usual ten
    async with Cloud(tmp_path_factory.mktemp("cloud"), toml=feed + pace + proofs) as running:
        yield running


@pytest.fixture(scope="package")
async def deployment_token(cloud: Cloud) -> str:
    """A token that enrols machines of `cloud`."""
    return await cloud.deployment_token()


@pytest.fixture
async def machine(cloud: Cloud, deployment_token: str, request: pytest.FixtureRequest) -> Machine:
    """A machine of the test's own, enrolled at `cloud`."""
    return await cloud.machine(request.node.name[:60], token=deployment_token)
