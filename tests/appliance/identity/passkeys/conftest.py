"""Passkeys on a real database, and a device of the owner's."""

import os

import pytest

from appliance.identity.passkeys.service import Passkeys, build_passkeys
from appliance.identity.records import NewSession, SignedIn
from appliance.identity.service import Identity
from tests.support.authenticator import Authenticator
from tests.support.people import HERE, NOW, PASSWORD, Someone

ORIGIN = "https://leash.example.org"


@pytest.fixture
def passkeys(identity: Identity) -> Passkeys:
    """Passkeys at ORIGIN."""
    return build_passkeys(identity, public_origin=ORIGIN, name="OpenLeash", is_open=True, random_bytes=os.urandom)


@pytest.fixture
async def signed_in(identity: Identity, owner: Someone) -> SignedIn:
    """The owner at a browser."""
    return await signed_in_as(identity, owner)


@pytest.fixture
async def device(passkeys: Passkeys, signed_in: SignedIn) -> Authenticator:
    """The owner's device, registered."""
    made = Authenticator(ORIGIN)
    await register(passkeys, signed_in, made)
    return made


async def signed_in_as(identity: Identity, someone: Someone) -> SignedIn:
    """A session of somebody at a browser."""
    session: NewSession = await identity.sign_ins.sign_in(
        email=someone.email, password=PASSWORD, code=someone.code(NOW), origin=HERE, now=NOW
    )
    found = await identity.sessions.authenticate(session.token, NOW)
    assert found
    return found


async def register(passkeys: Passkeys, signed_in: SignedIn, device: Authenticator, name: str = "laptop") -> None:
    """Register a device for whoever is signed in."""
    asked = await passkeys.begin_registration(signed_in, NOW)
    answer = device.register(asked.options)
    await passkeys.register(signed_in, name=name, answer=answer, browser=asked.browser, origin=HERE, now=NOW)


async def sign_in(passkeys: Passkeys, device: Authenticator, **forged: object) -> NewSession:
    """Sign in by the passkey alone, or as a forger would."""
    asked = await passkeys.begin_sign_in(NOW, is_person_known=False)
    answer = device.use(asked.options, **forged)  # type: ignore[arg-type] # the forger's own words
    return await passkeys.sign_in(answer=answer, browser=asked.browser, email=None, password=None, origin=HERE, now=NOW)
