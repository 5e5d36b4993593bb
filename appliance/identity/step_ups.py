"""Step-up: before dangerous acts a person proves again who they are, and the act waits for it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import codes
from appliance.identity.changes import personal_of, record
from appliance.identity.credentials import Account, find_account, place_of, spend_recovery_code, spend_step
from appliance.identity.errors import KeptActUnknownError, StepUpFailedError, StepUpRequiredError
from appliance.identity.events import SESSION_STEP_UP_REFUSED
from appliance.identity.records import NewSession, Origin, SessionKind, SignedIn
from appliance.identity.sealing import Sealer
from appliance.identity.sessions import Sessions
from appliance.identity.throttle import Throttle

KEPT_MINUTES: Final = 15
_PATH_MAX: Final = 400
# A script's session was made on the machine for this very use, and the owner behind glass has nothing left to prove.
_EXEMPT: Final = frozenset({SessionKind.SCRIPT, SessionKind.BREAK_GLASS})


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was sent and not yet acted upon."""

    path: str
    fields: dict[str, str]


def is_fresh(signed_in: SignedIn, minutes: int, now: datetime) -> bool:
    """Whether the session may do dangerous acts: its last proof is younger than `minutes`, or it needs none."""
    if signed_in.kind in _EXEMPT:
        return True
    proven_at = signed_in.stepped_up_at
    return proven_at is not None and now - proven_at < timedelta(minutes=minutes)


class StepUps:
    """Proofs by what this installation keeps itself; providers and passkeys bring their own."""

    def __init__(self, *, sessions: Sessions, throttle: Throttle, sealer: Sealer, minutes: int) -> None:
        """`minutes`: how long a proof suffices."""
        self._sessions = sessions
        self._throttle = throttle
        self._sealer = sealer
        self._minutes = minutes

    def check(self, signed_in: SignedIn, now: datetime) -> None:
        """Let through whoever has proved a moment ago who they are.

        Raises:
            StepUpRequiredError: they have not.
        """
        if not is_fresh(signed_in, self._minutes, now):
            raise StepUpRequiredError

    def is_proven(self, signed_in: SignedIn, now: datetime) -> bool:
        """Whether a person has proved in this session, a moment ago, who they are; a script has no such moment."""
        return signed_in.kind not in _EXEMPT and is_fresh(signed_in, self._minutes, now)

    def is_new(self, signed_in: SignedIn, now: datetime) -> bool:
        """Whether the session itself began a moment ago: whoever has just signed in, by whatever way, is there."""
        return now - signed_in.created_at < timedelta(minutes=self._minutes)

    def is_present(self, signed_in: SignedIn, now: datetime) -> bool:
        """Whether a person has signed in or proved themselves in this session a moment ago; never that of a script."""
        return signed_in.kind not in _EXEMPT and (self.is_new(signed_in, now) or self.is_proven(signed_in, now))

    async def by_code(self, signed_in: SignedIn, code: object, origin: Origin, now: datetime) -> NewSession:
        """The session under a new token, by a code of the authenticator or one recovery code.

        Raises:
            StepUpFailedError: the code fits not, or was used; the ledger says which.
            SignInThrottledError: too many failures; guessing here counts like guessing at sign-in.
            SessionUnknownError: the session has ended.
        """
        attempt = self._throttle.attempt(signed_in.email or str(signed_in.person_id), origin)
        await self._throttle.take(attempt, now)
        account = await find_account(signed_in.email) if signed_in.email else None
        # The session may be known by an address that is somebody else's by now.
        is_own = account is not None and account.person_id == signed_in.person_id
        how = await self._spent(account, code, now) if account and is_own else ""
        if not how:
            await record_failure(signed_in, "code_wrong", origin, now)
            raise StepUpFailedError
        await self._throttle.give_back(attempt, has_succeeded=True)
        return await self._sessions.steps_up(signed_in.session_id, how, now)

    async def _spent(self, account: Account, code: object, now: datetime) -> str:
        """Which factor the code was, now used up; empty if it is none."""
        if account.totp_sealed is None:
            return ""
        secret = self._sealer.open(account.totp_sealed, place_of(account.person_id))
        step, recovery = codes.totp_step(secret, code, now), codes.recovery_code(code)
        async with transaction():
            if step is not None and await spend_step(account.person_id, step):
                return "totp"
            if recovery is not None and await spend_recovery_code(account.person_id, recovery):
                return "recovery_code"
        return ""


async def record_failure(signed_in: SignedIn, cause: str, origin: Origin, now: datetime) -> None:
    """Put a proof that did not fit into the ledger."""
    subject, facts = f"session:{signed_in.session_id}", {"cause": cause}
    async with transaction():
        await record(signed_in.actor, SESSION_STEP_UP_REFUSED, subject, now, facts=facts, personal=personal_of(origin))


class KeptActs:
    """Forms that wait for their person's proof; only the session that sent one finds it again."""

    def __init__(self, sealer: Sealer) -> None:
        """`sealer` keeps what people typed from whoever reads the database."""
        self._sealer = sealer

    async def keep(self, signed_in: SignedIn, act: Act, now: datetime) -> UUID | None:
        """Where the act waits; None if its address is none of ours."""
        if len(act.path) > _PATH_MAX:
            return None
        act_id = uuid7()
        sealed = self._sealer.seal(msgspec.json.encode(act.fields).decode(), _place(act_id))
        async with transaction():
            connection = current_connection()
            await connection.execute("DELETE FROM kept_act WHERE session = $1", signed_in.session_id)  # one at a time
            await connection.execute(
                "INSERT INTO kept_act (id, session, path, fields_sealed, expires_at) VALUES ($1, $2, $3, $4, $5)",
                act_id, signed_in.session_id, act.path, sealed, now + timedelta(minutes=KEPT_MINUTES),
            )  # fmt: skip
        return act_id

    async def find(self, signed_in: SignedIn, act_id: UUID, now: datetime) -> Act:
        """The act.

        Raises:
            KeptActUnknownError: there is none of this session, or it has waited too long.
        """
        async with read_connection() as connection:
            row = await connection.fetchrow(
                "SELECT path, fields_sealed FROM kept_act WHERE id = $1 AND session = $2 AND expires_at > $3",
                act_id,
                signed_in.session_id,
                now,
            )
        if row is None:
            raise KeptActUnknownError
        fields = self._sealer.open(row["fields_sealed"], _place(act_id))
        return Act(path=row["path"], fields=msgspec.json.decode(fields, type=dict[str, str]))


def _place(act_id: UUID) -> str:
    return f"kept_act:{act_id}"
