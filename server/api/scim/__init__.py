"""SCIM 2.0 at /scim/v2 (RFC 7643, RFC 7644): identity providers write people and groups, each with its own token.

What stands here without `models` and `reading` loads no library: see `loading`.
"""

from typing import Final

from litestar import Router

from server.api.scim import discovery, groups, search, users
from server.api.scim.callers import requires_provisioning_token

router: Final = Router(
    "/scim/v2",
    route_handlers=[*discovery.handlers, *users.handlers, *groups.handlers, *search.handlers],
    guards=[requires_provisioning_token],
    include_in_schema=False,
)
