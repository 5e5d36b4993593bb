"""Sign-in through providers as the rest of the product is handed it: one object per process."""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from appliance.config.sign_in import Provider
from appliance.identity.providers.client import ProviderClient
from appliance.identity.providers.errors import (
    Cause,
    ProviderSignInCancelledError,
    ProviderSignInRefusedError,
    ProviderUnavailableError,
    ProviderUnknownError,
    RefusedError,
    SignInFlowInvalidError,
)
from appliance.identity.providers.flows import Flows
from appliance.identity.providers.logout import Logout
from appliance.identity.providers.people import needs_userinfo, read_claims
from appliance.identity.providers.ports import Fetcher, TokenReader
from appliance.identity.providers.probe import probe
from appliance.identity.providers.provider_sessions import ProviderSessions
from appliance.identity.providers.records import Begun, Callback, Claims, Finished, Flow, Purpose, Step
from appliance.identity.providers.sign_in import ProviderSignIns, record_refusal
from appliance.identity.providers.step_up import ProviderStepUps
from appliance.identity.records import Origin, SignedIn
from appliance.identity.sealing import KeyedHash, RandomBytes, Sealer, derive
from appliance.identity.sessions import Sessions


class Providers:
    """Every provider of this installation."""

    def __init__(
        self,
        clients: Mapping[str, ProviderClient],
        *,
        flows: Flows,
        sign_ins: ProviderSignIns,
        step_ups: ProviderStepUps,
        logout: Logout,
    ) -> None:
        """Everything is shared between the providers, but for their clients."""
        self._clients = dict(clients)
        self._flows = flows
        self._step_ups = step_ups
        self._logout = logout
        self.sign_ins = sign_ins

    def choices(self) -> tuple[tuple[str, str], ...]:
        """Name and label of each provider, in the order of the configuration: what the sign-in page offers."""
        return tuple((name, client.label) for name, client in self._clients.items())

    async def begin(
        self,
        provider: str,
        now: datetime,
        *,
        browser: str | None = None,
        back: str = "/",
        step_up_for: SignedIn | None = None,
    ) -> Begun:
        """Where to send a browser that wants to sign in, or to prove again whose session it has.

        Args:
            provider: its name.
            now: this moment.
            browser: the cookie of an errand that is under way.
            back: the local path to go on to afterwards.
            step_up_for: the session for which the person shall prove again who they are.

        Raises:
            ProviderUnknownError, ProviderUnavailableError: there is nowhere to send it.
        """
        client = self._client(provider)
        await client.metadata(now)  # before anything is written for a provider that does not answer
        purpose = Purpose.STEP_UP if step_up_for else Purpose.SIGN_IN
        session_id = step_up_for.session_id if step_up_for else None
        errand = await self._flows.begin(provider, purpose, now, browser=browser, back=back, session_id=session_id)
        address = await client.authorization_address(errand, now, is_step_up=step_up_for is not None)
        return Begun(address=address, browser=errand.browser, expires_at=errand.expires_at)

    async def finish(
        self,
        provider: str,
        callback: Callback,
        *,
        browser: str | None,
        origin: Origin,
        now: datetime,
        signed_in: SignedIn | None = None,
        previous_token: str | None = None,
    ) -> Finished:
        """What comes of a browser that is back from the provider.

        Raises:
            ProviderUnknownError: there is no such provider.
            SignInFlowInvalidError: this browser has no such errand (any more).
            ProviderSignInCancelledError: the provider sent it back without an account.
            ProviderSignInRefusedError: what it brings, or the person behind it, is refused.
            StepUpRefusedError: it is not the person of the session, or the proof is too old or too weak.
            ProviderUnavailableError: the provider does not answer.
        """
        client = self._client(provider)
        try:
            flow = await self._flows.take(provider, callback.state, browser, now)
            if flow.purpose is Purpose.SIGN_OUT:
                raise RefusedError(Cause.FLOW_UNKNOWN)  # noqa: TRY301 - told like any other errand that is none
        except RefusedError as refused:
            if refused.cause is Cause.OTHER_BROWSER:  # a made-up state is nobody's attempt to sign in
                await record_refusal(provider, refused, origin, now)
            raise SignInFlowInvalidError from refused
        claims = await self._claims(client, callback, flow, origin, now)
        if flow.purpose is Purpose.STEP_UP:
            renewed = await self._step_ups.confirm(client, flow, claims, signed_in, now)
            return Finished(back=flow.back, purpose=flow.purpose, session=renewed)
        session = await self.sign_ins.by_provider(provider, claims, origin, now, previous_token)
        return Finished(back=flow.back, purpose=flow.purpose, session=session)

    async def sign_out_address(self, session_id: UUID, browser: str | None, now: datetime) -> Begun | None:
        """Where a browser signs out at the provider too; ask before the session ends here. None if nowhere."""
        return await self._logout.address(self._clients, session_id, browser, now)

    async def has_signed_out(self, provider: str, state: str, browser: str | None, now: datetime) -> bool:
        """Whether a browser comes back from a sign-out at the provider that it began.

        Raises:
            ProviderUnknownError: there is no such provider.
        """
        return await self._logout.has_come_back(self._client(provider).name, state, browser, now)

    async def receive_logout(self, provider: str, token: str, now: datetime) -> int:
        """End the sessions that a provider's logout token says are over; how many there were.

        Raises:
            ProviderUnknownError: there is no such provider.
            LogoutTokenRefusedError, ProviderUnavailableError: the token cannot be believed.
        """
        return await self._logout.receive(self._client(provider), token, now)

    async def probe(self, provider: str, now: datetime) -> tuple[Step, ...]:
        """Try each part of a provider: what it said, and what to do next.

        Raises:
            ProviderUnknownError: there is no such provider.
        """
        return await probe(self._client(provider), now)

    def _client(self, provider: str) -> ProviderClient:
        client = self._clients.get(provider)
        if client is None:
            raise ProviderUnknownError
        return client

    async def _claims(
        self, client: ProviderClient, callback: Callback, flow: Flow, origin: Origin, now: datetime
    ) -> Claims:
        """The person whom the provider names to the browser; every failure is in the ledger."""
        try:
            await _check_answer(client, callback, now)
            tokens = await client.redeem(callback.code, flow, now)
            claims = await client.id_claims(tokens, flow, now)
            if flow.purpose is Purpose.STEP_UP:
                client.check_step_up(claims, flow)
            wants_more = needs_userinfo(claims, client.settings)
            more = await client.userinfo(tokens, claims["sub"], now) if wants_more else None
            return read_claims(claims, more, client.settings, tokens.id_token)
        except ProviderUnavailableError as problem:
            refused = RefusedError(Cause.PROVIDER_FAILED, problem.fault.value)
            await self._record(client, flow, refused, origin, now)
            raise
        except RefusedError as refused:
            await self._record(client, flow, refused, origin, now)
            if refused.cause is Cause.PROVIDER_REFUSED:
                raise ProviderSignInCancelledError from refused
            raise self._refusal_of(flow) from refused

    async def _record(
        self, client: ProviderClient, flow: Flow, refused: RefusedError, origin: Origin, now: datetime
    ) -> None:
        if flow.purpose is Purpose.STEP_UP:
            await self._step_ups.record_refusal(client.name, flow, refused, now)
        else:
            await record_refusal(client.name, refused, origin, now)

    def _refusal_of(self, flow: Flow) -> Exception:
        return self._step_ups.refusal() if flow.purpose is Purpose.STEP_UP else ProviderSignInRefusedError()


async def _check_answer(client: ProviderClient, callback: Callback, now: datetime) -> None:
    """The provider answers with a code, and is the one that was asked (RFC 9207 section 2.4).

    Raises:
        RefusedError: it answers with an error, or it is another provider.
    """
    is_told = (await client.metadata(now)).is_issuer_returned
    is_same = hmac.compare_digest(callback.issuer.encode(), client.settings.issuer.encode())
    if (is_told or callback.issuer) and not is_same:
        raise RefusedError(Cause.ISSUER_WRONG, "callback")
    if callback.error or not callback.code:
        raise RefusedError(Cause.PROVIDER_REFUSED, callback.error if callback.error in _ERRORS else "")


# What RFC 6749 4.1.2.1 and OpenID Connect Core 3.1.2.6 name; anything else is the visitor's own text.
_ERRORS = frozenset(
    {"access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope"}
    | {"server_error", "temporarily_unavailable", "interaction_required", "login_required", "consent_required"}
    | {"account_selection_required", "unmet_authentication_requirements"}
)


def build_providers(
    providers: Mapping[str, Provider],
    key: bytes,
    *,
    origin: str,
    sessions: Sessions,
    random_bytes: RandomBytes,
    fetcher_of: Callable[[Provider], Fetcher],
    reader_of: Callable[[Provider], TokenReader],
) -> Providers:
    """Put the parts together; `key` is this feature's own, `origin` the public one.

    `fetcher_of` and `reader_of` choose the adapters.
    """
    clients = {
        name: ProviderClient(name, provider, fetcher_of(provider), reader_of(provider), origin)
        for name, provider in providers.items()
    }
    flows = Flows(Sealer(derive(key, "oidc_flow"), random_bytes), random_bytes)
    sealer, hashing = Sealer(derive(key, "oidc_session"), random_bytes), KeyedHash(derive(key, "oidc_names"))
    provider_sessions = ProviderSessions(sealer, hashing)
    return Providers(
        clients,
        flows=flows,
        sign_ins=ProviderSignIns(providers, sessions, provider_sessions),
        step_ups=ProviderStepUps(sessions),
        logout=Logout(flows, provider_sessions, sessions),
    )
