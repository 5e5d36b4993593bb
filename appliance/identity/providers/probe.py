"""Tries a provider part by part, for whoever sets it up: what it said, and what to do next."""

from datetime import datetime
from typing import Final

from appliance.identity.providers.client import ProviderClient
from appliance.identity.providers.discovery import discovery_address
from appliance.identity.providers.errors import Fault, ProviderUnavailableError
from appliance.identity.providers.records import Step

NEXT: Final = {
    Fault.ADDRESS_REFUSED: "If the provider is on your own network, set allow_private_addresses = true.",
    Fault.UNREACHABLE: "Check the issuer's host name, and that this machine may reach it.",
    Fault.TLS: "Set ca_file to the certificate of the authority that signed the provider's.",
    Fault.SLOW: "Check the network between this machine and the provider; proxies are not used.",
    Fault.TOO_LARGE: "Check that the issuer is the provider's own address and not that of a portal.",
    Fault.REDIRECTED: "Set the issuer to the address to which it redirects.",
    Fault.STATUS: "Check the issuer: its path belongs to it, and is often a realm or a tenant.",
    Fault.MALFORMED: "Check that the issuer is the provider's own address and not that of a portal.",
    Fault.ISSUER_DIFFERS: "Copy the issuer letter by letter from what the provider calls itself; a slash counts.",
    Fault.UNSUPPORTED: "Set algorithm and client_secret to what the provider is set up for.",
}


async def probe(client: ProviderClient, now: datetime) -> tuple[Step, ...]:
    """Discovery, keys and clock; a real sign-in shows the rest."""
    clock = await _clock(client, now)  # the first, because `now` is this moment only now
    try:
        metadata = await client.metadata(now)
    except ProviderUnavailableError as problem:
        return (_failed("discovery", problem),)
    said = f"{discovery_address(metadata.issuer)} names {metadata.authorization_endpoint}"
    found = Step(section="discovery", is_good=True, said=said)
    try:
        count = await client.load_keys(now)
    except ProviderUnavailableError as problem:
        return (found, _failed("keys", problem))
    said = f"{metadata.jwks_uri} holds {count} keys for {client.settings.algorithm}"
    advice = "" if count else "Set algorithm to the one by which the provider signs ID tokens."
    keys = Step(section="keys", is_good=count > 0, said=said, next_step=advice)
    return (found, keys, clock) if clock else (found, keys)


async def _clock(client: ProviderClient, now: datetime) -> Step | None:
    """How far the two clocks are apart: more than the tolerance, and every token is too old or not valid yet."""
    try:
        theirs = await client.clock()
    except ProviderUnavailableError:
        return None  # discovery says why
    if theirs is None:
        return Step(section="clock", is_good=True, said="the provider's server does not tell its time")
    seconds = (theirs - now).total_seconds()
    is_good = abs(seconds) <= client.skew.total_seconds()
    said = f"the provider's clock is about {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} ours"
    advice = "" if is_good else "Let both machines take their time from the network (NTP); compare ours first."
    return Step(section="clock", is_good=is_good, said=said, next_step=advice)


def _failed(section: str, problem: ProviderUnavailableError) -> Step:
    return Step(section=section, is_good=False, said=problem.detail, next_step=NEXT[problem.fault])
