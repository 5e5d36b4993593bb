"""What more than one route of the API takes or gives."""

from typing import Annotated, Final

import msgspec
from litestar.params import QueryParameter

PAGE: Final = 50
PAGE_MAX: Final = 200
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="How many at most.")]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that somebody sends: a field that is not known is refused, never dropped."""
