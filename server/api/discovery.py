"""What anybody may know of this installation before signing in."""

import hashlib
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from appliance.endpoint.organization import Organization
from appliance.endpoint.profile import PublicKey, SignedProfile
from server.api.mobile_auth import SignInWay, ways_of
from server.api.openapi import VERSION
from server.api.organization import organization_of
from server.contract import CONTRACTS
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

PRODUCT: Final = "openleash-private-cloud"
_KEPT: Final = "public, max-age=300"


class FeatureLevel(IntEnum):
    """What a client can count on; each level has everything of those below it."""

    APPROVALS = 1  # asks with their exact payload, answers bound to it, live events, Web Push


class Discovery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `/.well-known/openleash` says (RFC 8615).

    Attributes:
        functions: names of the contract's functions with the versions that are spoken.
        signing_key: verifies `profile`; whoever compares its id with a page of this service knows that it is ours.
    """

    product: str
    version: str
    feature_level: int
    api_url: str
    organization: Organization
    sign_in: list[SignInWay]
    functions: Mapping[str, str]
    signing_key: PublicKey
    profile: SignedProfile


@get("/.well-known/openleash", tags=["Apps"], security=[{}], sync_to_thread=False)
def discover(request: AnyRequest) -> Response[Any]:
    """Names, versions, ways to sign in and the signed profile; the same for everybody, and kept for five minutes."""
    appliance = appliance_of(request)
    signed = appliance.endpoint.signed(now_of(request))
    found = Discovery(
        product=PRODUCT,
        version=VERSION,
        feature_level=max(FeatureLevel),
        api_url=appliance.config.public_origin,
        organization=organization_of(appliance),
        sign_in=ways_of(appliance),
        functions=CONTRACTS,
        signing_key=signed.key,
        profile=signed,
    )
    etag = f'"{hashlib.sha256(msgspec.json.encode(found)).hexdigest()[:32]}"'
    headers = {"Cache-Control": _KEPT, "ETag": etag}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers, media_type="application/json")
    return Response(found, headers=headers)


handlers = [discover]
