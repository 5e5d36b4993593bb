"""The client of scim2-client over real HTTP, on the library that all our tests use."""

from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient


class ScimClient(BaseSyncSCIMClient):
    """Sends requests to the service at `origin` with a provider's token."""

    def __init__(self, origin: str, token: str) -> None:
        """Nothing is sent yet; close `client` in the end."""
        super().__init__()
        headers = {"authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=f"{origin}/scim/v2", headers=headers, timeout=30)

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:  # noqa: ANN401 - the library's
        """One request."""
        return self.client.request(method, url, **kwargs)

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return str(self.client.build_request("GET", endpoint).url).startswith(str(self.client.base_url))

    def _parse_json(self, response: Any) -> Any:  # noqa: ANN401 - the library's
        return response.json()
