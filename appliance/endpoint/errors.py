"""Why a profile is not believed, or not made."""

from appliance.errors import LeashError


class EndpointError(LeashError):
    """Any refusal about the endpoint's profile."""

    code = "endpoint_error"
    summary = "The endpoint's profile cannot be used"


class ProfileInvalidError(EndpointError):
    """The signature does not fit, or the profile does not hold."""

    code = "endpoint_profile_invalid"
    summary = "The profile is not one that this key vouches for now"
    next_step = "Fetch profile and signature anew, and compare the key's identifier with that on the page."


class PayloadUnknownError(EndpointError):
    """There is no payload of this name."""

    code = "endpoint_payload_unknown"
    summary = "There is no such payload"
    next_step = "Choose android, ios, webclip or qr."
