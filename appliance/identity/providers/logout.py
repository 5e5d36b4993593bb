"""The ways out: of the provider by our sign-out, and of here by the provider's word (Back-Channel Logout 1.0)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from appliance.database.transaction import transaction
from appliance.identity.changes import record
from appliance.identity.providers import events, rules
from appliance.identity.providers.client import ProviderClient, with_query
from appliance.identity.providers.errors import (
    Cause,
    LogoutTokenRefusedError,
    ProviderUnavailableError,
    RefusedError,
)
from appliance.identity.providers.flows import Flows
from appliance.identity.providers.provider_sessions import ProviderSessions
from appliance.identity.providers.records import Begun, Purpose
from appliance.identity.providers.sign_in import actor_of, source_of
from appliance.identity.sessions import Sessions

HINT_MAX: Final = 4096  # a longer address is cut or refused on its way
REFUSALS_APART: Final = timedelta(minutes=1)


class Logout:
    """Ends sessions on both sides."""

    def __init__(self, flows: Flows, provider_sessions: ProviderSessions, sessions: Sessions) -> None:
        """No refusal was recorded yet."""
        self._flows = flows
        self._provider_sessions = provider_sessions
        self._sessions = sessions
        self._refused_at: dict[str, datetime] = {}

    async def address(
        self, clients: dict[str, ProviderClient], session_id: UUID, browser: str | None, now: datetime
    ) -> Begun | None:
        """Where a browser signs out at the provider too (RP-Initiated Logout 1.0); ask before the session ends here.

        None if the session did not begin at a provider, or that has no such place, or does not answer.
        """
        found = await self._provider_sessions.find(session_id)
        client = clients.get(found[0]) if found else None
        if found is None or client is None:
            return None
        try:
            endpoint = (await client.metadata(now)).end_session_endpoint
        except ProviderUnavailableError:
            return None
        if not endpoint:
            return None
        errand = await self._flows.begin(client.name, Purpose.SIGN_OUT, now, browser=browser)
        query = {"id_token_hint": found[1]} if len(found[1]) <= HINT_MAX else {}
        query |= {
            "client_id": client.settings.client_id,
            "post_logout_redirect_uri": client.signed_out_uri,
            "state": errand.state,
        }
        return Begun(address=with_query(endpoint, query), browser=errand.browser, expires_at=errand.expires_at)

    async def has_come_back(self, provider: str, state: str, browser: str | None, now: datetime) -> bool:
        """Whether a browser comes back from a sign-out that it began."""
        try:
            flow = await self._flows.take(provider, state, browser, now)
        except RefusedError:
            return False
        return flow.purpose is Purpose.SIGN_OUT

    async def receive(self, client: ProviderClient, token: str, now: datetime) -> int:
        """End the sessions that a provider says are over, in every process at once; how many there were.

        Raises:
            LogoutTokenRefusedError: the token is not the provider's, not a logout token, old, or used before.
            ProviderUnavailableError: the provider's keys cannot be had.
        """
        try:
            claims = await client.verified(token, now)
            rules.check_parties(claims, client.settings.issuer, client.settings.client_id)
            rules.check_times(claims, now, client.skew)
            rules.check_logout(claims)
            async with transaction():
                kept = rules.FRESH + 2 * client.skew
                await self._provider_sessions.use_up(client.name, claims["jti"], now, kept)
                people = await self._provider_sessions.end(client.name, claims)
                await self._record(client.name, people, now)
        except RefusedError as refused:
            await self._record_refusal(client.name, refused.cause, now)
            raise LogoutTokenRefusedError from refused
        self._sessions.forget()
        return len(people)

    @staticmethod
    async def _record(provider: str, people: tuple[UUID, ...], now: datetime) -> None:
        source = source_of(provider)
        facts = {"sessions": len(people), "people": sorted({str(person) for person in people})}
        await record(actor_of(source), events.PROVIDER_LOGOUT_RECEIVED, str(source), now, facts=facts)

    async def _record_refusal(self, provider: str, cause: Cause, now: datetime) -> None:
        """Once a minute: nobody can fill the ledger by knocking."""
        last = self._refused_at.get(provider)
        if last is not None and timedelta() <= now - last < REFUSALS_APART:
            return
        self._refused_at[provider] = now
        source = source_of(provider)
        async with transaction():
            facts = {"cause": cause.value}
            await record(actor_of(source), events.PROVIDER_LOGOUT_REFUSED, str(source), now, facts=facts)
