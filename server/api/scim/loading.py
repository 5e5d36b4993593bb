"""Loads scim2-models with the first request of a provider: 13 MB and a second that installations without SCIM save.

In a thread, so that held and new hook calls are answered meanwhile.
"""

import asyncio
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from server.api.scim.protocol import Protocol

_MODULE: Final = "server.api.scim.protocol"


async def protocol() -> "Protocol":
    """What understands the messages of SCIM."""
    module = sys.modules.get(_MODULE)
    if module is None or not hasattr(module, "PROTOCOL"):
        module = await asyncio.to_thread(import_module, _MODULE)
    found: Protocol = module.PROTOCOL
    return found
