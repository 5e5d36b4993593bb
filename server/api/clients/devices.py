"""A phone that tells of itself at each launch."""

import msgspec
from litestar import post
from litestar.params import JSONBody

from appliance.clients.devices import register_device
from appliance.clients.records import DeviceReport
from server.authentication import signed_in_of
from server.authorization import requires_sign_in
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of


class DeviceBody(msgspec.Struct, frozen=True, rename="camel"):
    """What apps send, null being: it does not say. Their pushToken is new at each launch, and is not read."""

    platform: str | None = None
    device_name: str | None = None
    app_version: str | None = None


class KnownDevice(msgspec.Struct, frozen=True):
    """The device."""

    id: str


class DeviceKnown(msgspec.Struct, frozen=True):
    """The device as it is known here; the same at each launch."""

    device: KnownDevice


@post("/v1/mobile/devices", guards=[speaks("mobileDeviceRegister"), requires_sign_in], status_code=200, tags=["Apps"])
async def tell_of_device(request: AnyRequest, data: JSONBody[DeviceBody]) -> DeviceKnown:
    """Write the phone down; its name stands from now on in the person's list of sessions."""
    report = DeviceReport(platform=data.platform or "", name=data.device_name or "", app_version=data.app_version or "")
    sessions = appliance_of(request).identity.sessions
    device = await register_device(sessions, signed_in_of(request), report, now_of(request))
    return DeviceKnown(KnownDevice(str(device)))


handlers = [tell_of_device]
