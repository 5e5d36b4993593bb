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
    """Discovery and keys; a real sign-in shows the rest."""
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
    return (found, Step(section="keys", is_good=count > 0, said=said, next_step=advice))


def _failed(section: str, problem: ProviderUnavailableError) -> Step:
    return Step(section=section, is_good=False, said=problem.detail, next_step=NEXT[problem.fault])
