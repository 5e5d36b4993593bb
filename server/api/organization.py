"""The organisation as clients are told of it: there is one per installation."""

import re
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from appliance.bootstrap import Appliance

_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


class Organization(msgspec.Struct, frozen=True):
    """Whose installation it is."""

    id: str
    name: str
    slug: str


def organization_of(appliance: Appliance) -> Organization:
    """Named by its public host; the identifier stays when that changes, because it hangs on the installation's key."""
    host = urlsplit(appliance.config.public_origin).hostname or ""
    identifier = UUID(bytes=appliance.keys.derive("organization")[:16], version=4)
    return Organization(id=str(identifier), name=host, slug=_NO_SLUG.sub("-", host.lower()).strip("-"))
