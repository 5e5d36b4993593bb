"""The signed profile of the endpoint, and the files that device management takes it in."""

from typing import Final

from litestar import Response, get
from litestar.params import FromPath

from appliance.endpoint.profile import SignedProfile
from appliance.identity.rules import Permission
from server.authorization import requires
from server.dashboard.assets import asset
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

HOME_SCREEN_ICON: Final = "icon-180.png"


@get("/v1/clients/profile", tags=["Apps"], guards=[requires(Permission.SETTINGS_READ)], sync_to_thread=False)
def show_profile(request: AnyRequest) -> SignedProfile:
    """The signed profile of the endpoint."""
    return appliance_of(request).endpoint.signed(now_of(request))


@get(
    "/v1/clients/profile/{target:str}",
    tags=["Apps"],
    guards=[requires(Permission.SETTINGS_READ)],
    sync_to_thread=False,
)
def show_payload(request: AnyRequest, target: FromPath[str]) -> Response[bytes]:
    """The profile as `android`, `ios`, `webclip` or `qr` takes it: a file for device management, or a picture."""
    from appliance.endpoint.payloads import payload  # noqa: PLC0415 - with XML parsers, which nothing else here needs

    found = payload(appliance_of(request).endpoint.signed(now_of(request)), target, asset(HOME_SCREEN_ICON).content)
    headers = {"Content-Disposition": f'attachment; filename="{found.file_name}"'}
    return Response(found.content, headers=headers, media_type=found.media_type)


handlers = [show_profile, show_payload]
