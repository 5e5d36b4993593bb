"""The organisation as clients are told of it: there is one per installation."""

from appliance.bootstrap import Appliance
from appliance.endpoint import organization
from appliance.endpoint.organization import Organization as Organization  # noqa: PLC0414 - part of clients' answers


def organization_of(appliance: Appliance) -> Organization:
    """That of this installation."""
    return organization.organization_of(appliance.config, appliance.keys)
