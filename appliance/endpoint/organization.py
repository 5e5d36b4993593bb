"""The organisation as clients are told of it: there is one per installation."""

import re
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from appliance.config import Config
from appliance.keys import KeyRing

_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


class Organization(msgspec.Struct, frozen=True):
    """Whose installation it is."""

    id: str
    name: str
    slug: str


def organization_of(config: Config, keys: KeyRing) -> Organization:
    """Named by the configuration, or else by its public host.

    The identifier stays whatever the names are, because it hangs on the installation's key.
    """
    host, told = urlsplit(config.public_origin).hostname or "", config.organization
    identifier = UUID(bytes=keys.derive("organization")[:16], version=4)
    slug = told.slug or _NO_SLUG.sub("-", host.lower()).strip("-")
    return Organization(id=str(identifier), name=told.name or host, slug=slug)
