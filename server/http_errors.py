"""What HTTP itself can get wrong, as errors of ours: what failed and what to do next."""

from appliance.errors import LeashError


class HttpError(LeashError):
    """A request that no feature was asked about."""

    code = "http_error"
    summary = "The request could not be served"


class NotFoundError(HttpError):
    """No route, or nothing behind it."""

    code = "not_found"
    summary = "There is nothing at this address"
    next_step = "Check the address; the API reference lists every path."


class MethodNotAllowedError(HttpError):
    """The route does not take this method."""

    code = "method_not_allowed"
    summary = "This address does not take this method"
    next_step = "The API reference lists the methods of every path."


class RequestInvalidError(HttpError):
    """Parameters or body are not what the route takes."""

    code = "request_invalid"
    summary = "The request is not what this address takes"
    next_step = "Compare it with the API reference, which names every field."


class RequestTooLargeError(HttpError):
    """The body is beyond the limit."""

    code = "request_too_large"
    summary = "The request is too large"
    next_step = "Send less at once; the limit is the setting api.request_bytes_max."


class RequestTooSlowError(HttpError):
    """The body did not arrive in time."""

    code = "request_too_slow"
    summary = "The request did not arrive in time"
    next_step = "Send it again over a better connection."


class RateLimitedError(HttpError):
    """More requests than a session or address may send."""

    code = "rate_limited"
    summary = "Too many requests"
    next_step = "Wait as long as the header Retry-After says, then go on more slowly."

    def __init__(self, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__()


class HostUnknownError(HttpError):
    """The Host header names another service."""

    code = "host_unknown"
    summary = "This service does not answer to that host name"
    next_step = "Use the address in the setting server.public_url."


class ContractVersionError(HttpError):
    """The client speaks another version of a function than this release."""

    code = "contract_version_unsupported"
    summary = "contract version not supported"
    next_step = "Update the client, or this service."

    def __init__(self, function: str, expected: str, received: str) -> None:
        self.function = function
        self.expected = expected
        self.received = received
        super().__init__()


class NotReadyError(HttpError):
    """The service runs, but cannot decide now."""

    code = "not_ready"
    summary = "The service is not ready"
    next_step = "Wait a few seconds; if it stays like this, the log of the service tells why."
