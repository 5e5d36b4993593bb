"""Talks to one provider as its client: codes for tokens, tokens for claims (OpenID Connect Core 1.0 section 3.1)."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from appliance.config.secret import Secret
from appliance.config.sign_in import Provider
from appliance.identity.providers import rules
from appliance.identity.providers.discovery import DOCUMENT_BYTES_MAX, Discovery, discovery_address, fetch_object
from appliance.identity.providers.documents import read_object
from appliance.identity.providers.errors import Cause, Fault, ProviderUnavailableError, RefusedError
from appliance.identity.providers.flows import Errand
from appliance.identity.providers.ports import Fetcher, KeySet, TokenReader
from appliance.identity.providers.records import Flow, Metadata, Outbound, Tokens
from appliance.identity.providers.remembered import Remembered

_ANSWER_BYTES_MAX: Final = 262_144
_OK: Final = 200
_TOKEN_MAX: Final = 65_536


class ProviderClient:
    """One configured provider."""

    def __init__(self, name: str, provider: Provider, fetcher: Fetcher, reader: TokenReader, origin: str) -> None:
        """`origin` is this installation's public one."""
        self.name = name
        self.settings = provider
        self.label = provider.label or name
        self.redirect_uri = f"{origin}/auth/oidc/{name}/callback"
        self.signed_out_uri = f"{origin}/auth/oidc/{name}/signed-out"
        self.skew = timedelta(seconds=provider.clock_skew_seconds)
        self._fetcher = fetcher
        self._reader = reader
        self._discovery = Discovery(provider, fetcher)
        self._jwks_uri = ""
        self._keys: Remembered[KeySet] = Remembered(self._read_keys)

    async def metadata(self, now: datetime) -> Metadata:
        """What the provider tells of itself.

        Raises:
            ProviderUnavailableError: it does not answer, or not with what it should.
        """
        return await self._discovery.metadata(now)

    async def clock(self) -> datetime | None:
        """What time it is at the provider, to the second; None if it does not tell.

        Raises:
            ProviderUnavailableError: it does not answer.
        """
        address = discovery_address(self.settings.issuer)
        reply = await self._fetcher.fetch(Outbound(url=address, bytes_max=DOCUMENT_BYTES_MAX))
        return reply.sent_at

    async def authorization_address(self, errand: Errand, now: datetime, *, is_step_up: bool) -> str:
        """Where the browser goes; for a step-up the provider must ask the person again.

        Raises:
            ProviderUnavailableError: it does not tell where that is.
        """
        metadata = await self.metadata(now)
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": errand.state,
            "nonce": errand.nonce,
            "code_challenge": errand.challenge,
            "code_challenge_method": "S256",
        }
        if is_step_up:
            query |= {"prompt": "login", "max_age": "0"}
            query |= {"acr_values": self.settings.step_up_acr} if self.settings.step_up_acr else {}
        return with_query(metadata.authorization_endpoint, query)

    async def redeem(self, code: str, flow: Flow, now: datetime) -> Tokens:
        """The tokens for a code.

        Raises:
            RefusedError: the provider does not take the code, or gives no tokens for it.
            ProviderUnavailableError: it does not answer.
        """
        metadata = await self.metadata(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": flow.verifier.reveal(),
        }
        headers, form = self._authenticated(metadata, form)
        reply = await self._fetcher.fetch(
            Outbound(url=metadata.token_endpoint, headers=headers, form=form, bytes_max=_ANSWER_BYTES_MAX)
        )
        if reply.status != _OK:
            is_theirs = reply.status >= 500  # noqa: PLR2004 - RFC 9110 15.6
            if is_theirs:
                raise ProviderUnavailableError(Fault.STATUS, f"the token endpoint answers {reply.status}")
            raise RefusedError(Cause.CODE_REFUSED)
        return _tokens_of(reply.body)

    async def verified(self, token: str, now: datetime) -> Mapping[str, Any]:
        """The claims of a token that is signed by the provider; a key that is new is fetched.

        Raises:
            RefusedError: it is not in order, or not signed by the provider.
            ProviderUnavailableError: its keys cannot be had.
        """
        key_id = self._reader.key_id(token)
        self._jwks_uri = (await self.metadata(now)).jwks_uri
        keys = await self._keys.get(now, is_enough=lambda known: known.holds(key_id))
        return self._reader.verify(token, keys)

    async def id_claims(self, tokens: Tokens, flow: Flow, now: datetime) -> Mapping[str, Any]:
        """The claims of the ID token, checked in every way that needs no knowledge of people.

        Raises:
            RefusedError: one of the checks fails.
            ProviderUnavailableError: the keys cannot be had.
        """
        claims = await self.verified(tokens.id_token.reveal(), now)
        rules.check_parties(claims, self.settings.issuer, self.settings.client_id)
        rules.check_times(claims, now, self.skew)
        rules.check_nonce(claims, flow.nonce_hash)
        rules.text_of(claims, "sub")
        rules.check_access_token(claims, self._reader.half_hash(tokens.access_token.reveal()))
        return claims

    def check_step_up(self, claims: Mapping[str, Any], flow: Flow) -> None:
        """The person was asked again for this errand, as strictly as the settings say.

        Raises:
            RefusedError: they were not.
        """
        rules.check_step_up(claims, flow.created_at, self.skew, self.settings.step_up_acr)

    async def load_keys(self, now: datetime) -> int:
        """How many of the provider's keys fit its algorithm.

        Raises:
            ProviderUnavailableError: they cannot be had.
        """
        self._jwks_uri = (await self.metadata(now)).jwks_uri
        return (await self._keys.get(now)).count()

    async def userinfo(self, tokens: Tokens, subject: str, now: datetime) -> Mapping[str, Any] | None:
        """What the provider tells of the same person beyond the ID token; None if it tells nothing.

        Raises:
            RefusedError: it tells of somebody else (section 5.3.2).
        """
        metadata = await self.metadata(now)
        if not metadata.userinfo_endpoint:
            return None
        headers = {"authorization": f"Bearer {tokens.access_token.reveal()}", "accept": "application/json"}
        try:
            claims = await fetch_object(self._fetcher, metadata.userinfo_endpoint, headers)
        except ProviderUnavailableError:
            return None
        if claims.get("sub") != subject:
            raise RefusedError(Cause.SUBJECT_WRONG, "userinfo")
        return claims

    async def _read_keys(self) -> KeySet:
        return self._reader.read_keys(await fetch_object(self._fetcher, self._jwks_uri))

    def _authenticated(self, metadata: Metadata, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form with what says who we are (RFC 6749 section 2.3.1)."""
        settings, headers = self.settings, {"accept": "application/json"}
        if settings.client_secret is None:
            return headers, {**form, "client_id": settings.client_id}
        secret = settings.client_secret.reveal()
        if metadata.is_basic_supported:
            # A space as %20, which every provider reads, and not as +, which some do not.
            pair = f"{quote(settings.client_id, safe='')}:{quote(secret, safe='')}"
            return {**headers, "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, form
        return headers, {**form, "client_id": settings.client_id, "client_secret": secret}


def with_query(address: str, query: Mapping[str, str]) -> str:
    """An address with parameters behind those that it has."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def _tokens_of(body: bytes) -> Tokens:
    try:
        told = read_object(body)
    except ValueError as problem:
        raise RefusedError(Cause.TOKEN_MALFORMED, "token endpoint") from problem
    id_token, access_token, kind = told.get("id_token"), told.get("access_token"), told.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise RefusedError(Cause.TOKEN_MALFORMED, "token_type")
    for name, token in (("id_token", id_token), ("access_token", access_token)):
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise RefusedError(Cause.CLAIM_MISSING, name)
        if len(token) > _TOKEN_MAX:
            raise RefusedError(Cause.TOKEN_TOO_LARGE, name)
    return Tokens(id_token=Secret(str(id_token)), access_token=Secret(str(access_token)))
