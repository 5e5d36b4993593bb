"""What a provider tells of itself (OpenID Connect Discovery 1.0): read, checked, and remembered for a while."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.config.sign_in import Provider
from appliance.identity.providers.documents import read_object
from appliance.identity.providers.errors import Fault, ProviderUnavailableError
from appliance.identity.providers.ports import Fetcher
from appliance.identity.providers.records import Metadata, Outbound
from appliance.identity.providers.remembered import Remembered

DOCUMENT_BYTES_MAX: Final = 262_144
_PATH: Final = "/.well-known/openid-configuration"
_OK: Final = 200
_URL_MAX: Final = 2048
_SCHEMES: Final = frozenset({"http", "https"})
_PLAIN: Final = {"accept": "application/json"}


class Discovery:
    """The metadata of one provider."""

    def __init__(self, provider: Provider, fetcher: Fetcher) -> None:
        """Nothing is known yet."""
        self._provider = provider
        self._fetcher = fetcher
        self._known = Remembered(self._read)

    async def metadata(self, now: datetime) -> Metadata:
        """The provider's metadata, an hour old at most; when it does not answer, a day.

        Raises:
            ProviderUnavailableError: it does not answer, or not with what it should.
        """
        return await self._known.get(now)

    async def _read(self) -> Metadata:
        document = await fetch_object(self._fetcher, discovery_address(self._provider.issuer))
        return metadata_of(document, self._provider)


def discovery_address(issuer: str) -> str:
    """Where the metadata lies; a slash at the issuer's end is left out here, and only here (section 4.1)."""
    return issuer.removesuffix("/") + _PATH


async def fetch_object(fetcher: Fetcher, url: str, headers: Mapping[str, str] = _PLAIN) -> dict[str, Any]:
    """The JSON object at an address.

    Raises:
        ProviderUnavailableError: there is none.
    """
    reply = await fetcher.fetch(Outbound(url=url, headers=headers, bytes_max=DOCUMENT_BYTES_MAX))
    if reply.status != _OK:
        raise ProviderUnavailableError(Fault.STATUS, f"{url} answers {reply.status}")
    try:
        return read_object(reply.body)
    except ValueError as problem:
        raise ProviderUnavailableError(Fault.MALFORMED, f"{url} {str(problem)[:100]}") from problem


def metadata_of(document: Mapping[str, Any], provider: Provider) -> Metadata:
    """The part of the metadata that is used.

    Raises:
        ProviderUnavailableError: another issuer, by a slash or by a letter; an endpoint is missing or no address; or
            the provider cannot do what this installation insists on.
    """
    if document.get("issuer") != provider.issuer:
        raise ProviderUnavailableError(Fault.ISSUER_DIFFERS, f"it calls itself {str(document.get('issuer'))[:200]!r}")
    _check_supported(document, "id_token_signing_alg_values_supported", provider.algorithm, is_needed=True)
    _check_supported(document, "code_challenge_methods_supported", "S256")
    _check_supported(document, "response_types_supported", "code")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    methods = methods if isinstance(methods, list) else []
    is_basic, is_post = "client_secret_basic" in methods, "client_secret_post" in methods
    if provider.client_secret is not None and not (is_basic or is_post):
        raise ProviderUnavailableError(Fault.UNSUPPORTED, "it takes no client secret, by Basic or in the form")
    return Metadata(
        issuer=provider.issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", provider),
        token_endpoint=_endpoint(document, "token_endpoint", provider),
        jwks_uri=_endpoint(document, "jwks_uri", provider),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", provider, is_needed=False),
        end_session_endpoint=_endpoint(document, "end_session_endpoint", provider, is_needed=False),
        is_basic_supported=is_basic,
        is_post_supported=is_post,
        is_issuer_returned=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _check_supported(document: Mapping[str, Any], name: str, wanted: str, *, is_needed: bool = False) -> None:
    if name not in document and not is_needed:
        return
    listed = document.get(name)
    if not isinstance(listed, list) or wanted not in listed:
        raise ProviderUnavailableError(Fault.UNSUPPORTED, f"{name} does not list {wanted}")


def _endpoint(document: Mapping[str, Any], name: str, provider: Provider, *, is_needed: bool = True) -> str:
    """An endpoint's address; plain http only where the provider may be inside."""
    if name not in document and not is_needed:
        return ""
    url = document.get(name)
    if not isinstance(url, str) or len(url) > _URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise ProviderUnavailableError(Fault.MALFORMED, f"{name} is no address")
    try:
        parts = urlsplit(url)
    except ValueError as problem:
        raise ProviderUnavailableError(Fault.MALFORMED, f"{name} is no address") from problem
    is_open = parts.scheme == "http" and not provider.allow_private_addresses
    if parts.scheme not in _SCHEMES or is_open or not parts.hostname or parts.fragment or "@" in parts.netloc:
        raise ProviderUnavailableError(Fault.MALFORMED, f"{name} is not an address that is taken")
    return url
