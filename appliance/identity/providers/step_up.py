"""A signed-in person proves again who they are, at the provider, before a dangerous act."""

from datetime import datetime
from uuid import UUID

from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.changes import record
from appliance.identity.providers import events
from appliance.identity.providers.client import ProviderClient
from appliance.identity.providers.errors import Cause, RefusedError, StepUpRefusedError
from appliance.identity.providers.records import Claims, Flow
from appliance.identity.providers.sign_in import actor_of, source_of
from appliance.identity.records import NewSession, SignedIn
from appliance.identity.sessions import Sessions


class ProviderStepUps:
    """Step-up of sessions by a provider."""

    def __init__(self, sessions: Sessions) -> None:
        """The sessions are shared with the rest of identity."""
        self._sessions = sessions

    async def confirm(
        self, client: ProviderClient, flow: Flow, claims: Claims, signed_in: SignedIn | None, now: datetime
    ) -> NewSession:
        """The session that the errand was begun for under its new token, if the claims name its person.

        Raises:
            StepUpRefusedError: the browser has another session now, or the provider names somebody else.
        """
        try:
            session_id = await _confirmed(client.name, flow, claims, signed_in)
        except RefusedError as refused:
            await self.record_refusal(client.name, flow, refused, now)
            raise self.refusal() from refused
        return await self._sessions.steps_up(session_id, "provider", now)

    @staticmethod
    def refusal() -> StepUpRefusedError:
        """The same for every cause."""
        return StepUpRefusedError()

    @staticmethod
    async def record_refusal(provider: str, flow: Flow, refused: RefusedError, now: datetime) -> None:
        """Put it into the ledger."""
        facts = {"cause": refused.cause.value, "provider": provider}
        async with transaction():
            subject = f"session:{flow.session_id}"
            await record(actor_of(source_of(provider)), events.STEP_UP_REFUSED, subject, now, facts=facts)


async def _confirmed(provider: str, flow: Flow, claims: Claims, signed_in: SignedIn | None) -> UUID:
    """The session that the errand was begun for.

    Raises:
        RefusedError: the browser has another one now, or the provider names somebody else.
    """
    if signed_in is None or signed_in.session_id != flow.session_id:
        raise RefusedError(Cause.SESSION_OVER)
    account = await accounts.find_account(source_of(provider), claims.key)
    if account is None or account.is_disabled or account.person_id != signed_in.person_id:
        raise RefusedError(Cause.OTHER_PERSON)
    return signed_in.session_id
