"""Claims: from a one-time link over a password and an authenticator to the first session."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import codes, events
from appliance.identity.changes import NOBODY, announce, personal_of, record, take_turn
from appliance.identity.credentials import store_credential
from appliance.identity.errors import ClaimInvalidError, CodeRefusedError, EmailTakenError
from appliance.identity.links import Link, find_link
from appliance.identity.passwords import Passwords
from appliance.identity.people import insert_person, insert_role
from appliance.identity.queries import find_person, person_by_id
from appliance.identity.records import Claimed, Limits, LinkPurpose, NewSession, Origin, PendingClaim, Role, SessionKind
from appliance.identity.rules import prepare_email, prepare_name, prepare_new_password
from appliance.identity.sealing import RandomBytes, Sealer, hashed
from appliance.identity.sessions import Sessions
from appliance.identity.tokens import CLAIM, hash_of, new_token
from appliance.ledger.records import Actor, ActorKind

WRONG_CODES_MAX: Final = 5
_BEGIN: Final = """
INSERT INTO pending_claim
  (id, token_hash, link, display_name, email, password_hash, totp_sealed, wrong_codes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)
ON CONFLICT (link) DO UPDATE SET id = excluded.id, token_hash = excluded.token_hash,
  display_name = excluded.display_name, email = excluded.email, password_hash = excluded.password_hash,
  totp_sealed = excluded.totp_sealed, wrong_codes = 0, expires_at = excluded.expires_at
"""
_FIND: Final = """
SELECT c.*, l.purpose, l.person FROM pending_claim c JOIN sign_up_link l ON l.id = c.link
WHERE c.token_hash = $1 AND c.expires_at > $2 AND c.wrong_codes < $3
"""


class _Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A claim under way, as it is stored."""

    id: UUID
    link: UUID
    display_name: str
    email: str
    password_hash: str
    totp_sealed: bytes
    expires_at: datetime
    purpose: LinkPurpose
    person: UUID | None


class Claims:
    """Setting up accounts by one-time links."""

    def __init__(
        self,
        limits: Limits,
        *,
        passwords: Passwords,
        sessions: Sessions,
        sealer: Sealer,
        issuer: str,
        random_bytes: RandomBytes,
    ) -> None:
        """`issuer` is the installation's name in authenticators."""
        self._life = timedelta(minutes=limits.claim_minutes)
        self._passwords = passwords
        self._sessions = sessions
        self._sealer = sealer
        self._issuer = issuer
        self._random_bytes = random_bytes

    async def set_password(
        self, token: str, *, display_name: object = None, email: object = None, password: object, now: datetime
    ) -> PendingClaim:
        """The first step; repeating it starts over. Name and address count for an owner link only.

        Raises:
            LinkInvalidError: the link does not work.
            NameRefusedError, EmailRefusedError, PasswordRefusedError: texts that cannot be used.
            EmailTakenError: somebody has the address.
            SignInBusyError: too many passwords wait already.
        """
        link = await find_link(token, now)
        name, address = await _who(link, display_name, email)
        password_hash = await self._passwords.hash(prepare_new_password(password, address))
        claim_id, claim_token = uuid7(), new_token(CLAIM, self._random_bytes)
        secret, expires_at = codes.new_totp_secret(self._random_bytes), now + self._life
        sealed = self._sealer.seal(secret, _place(claim_id))
        async with transaction():
            await take_turn()
            link = await find_link(token, now)  # hashing took its time
            await current_connection().execute(
                _BEGIN, claim_id, hashed(claim_token), link.id, name, address, password_hash, sealed, expires_at
            )
        return self._pending(claim_token, secret, address, expires_at)

    async def show(self, pending_token: str, now: datetime) -> PendingClaim:
        """The claim under way, with the authenticator's secret.

        Raises:
            ClaimInvalidError: unknown, expired, or too many wrong codes.
        """
        setup = await _find(pending_token, now)
        secret = self._sealer.open(setup.totp_sealed, _place(setup.id))
        return self._pending(pending_token, secret, setup.email, setup.expires_at)

    async def confirm_totp(self, pending_token: str, code: object, origin: Origin, now: datetime) -> Claimed:
        """The second step: the link is spent, the credential set, the person signed in.

        Raises:
            ClaimInvalidError: unknown, expired, finished by somebody else, or too many wrong codes.
            CodeRefusedError: the code does not fit.
            EmailTakenError: somebody has taken the address meanwhile.
        """
        async with transaction():
            await take_turn()
            setup = await _find(pending_token, now)
            secret = self._sealer.open(setup.totp_sealed, _place(setup.id))
            step = codes.totp_step(secret, code, now)
            if step is None:
                await _count_wrong_code(setup, origin, now)
            claimed = await self._finish(setup, secret, step, origin, now) if step is not None else None
        if claimed is None:
            raise CodeRefusedError
        self._sessions.forget()
        return claimed

    async def _finish(self, setup: _Setup, secret: str, step: int, origin: Origin, now: datetime) -> Claimed:
        person_id = setup.person or await _add_owner(setup, now)
        recovery = codes.new_recovery_codes(self._random_bytes)
        await store_credential(self._sealer, person_id, setup.password_hash, secret, step, recovery, now)
        await current_connection().execute("DELETE FROM sign_up_link WHERE id = $1", setup.link)
        session = await self._sessions.begin(person_id, SessionKind.BROWSER, origin, now, is_proven=True)
        await _record(setup, session, origin, now)
        await announce()
        return Claimed(session=session, recovery_codes=recovery)

    def _pending(self, token: str, secret: str, email: str, expires_at: datetime) -> PendingClaim:
        uri = codes.totp_uri(secret, email=email, issuer=self._issuer)
        picture = codes.qr_svg(uri)
        return PendingClaim(token=token, secret=secret, uri=uri, qr_svg=picture, email=email, expires_at=expires_at)


async def _who(link: Link, display_name: object, email: object) -> tuple[str, str]:
    """Name and address of whoever claims: their own for an owner link, otherwise the invited person's."""
    if link.person is not None:
        return link.person.display_name, link.person.email
    name, address = prepare_name(display_name), prepare_email(email)
    if await find_person(address) is not None:
        raise EmailTakenError
    return name, address


async def _find(token: object, now: datetime) -> _Setup:
    token_hash = hash_of(token, CLAIM)
    if token_hash is None:
        raise ClaimInvalidError
    async with read_connection() as connection:
        row = await connection.fetchrow(_FIND, token_hash, now, WRONG_CODES_MAX)
    if row is None or (row["person"] and (await person_by_id(row["person"])).is_disabled):
        raise ClaimInvalidError
    plain = {name: row[name] for name in _Setup.__struct_fields__ if name != "purpose"}
    return _Setup(**plain, purpose=LinkPurpose(row["purpose"]))


async def _count_wrong_code(setup: _Setup, origin: Origin, now: datetime) -> None:
    wrong = await current_connection().fetchval(
        "UPDATE pending_claim SET wrong_codes = wrong_codes + 1 WHERE id = $1 RETURNING wrong_codes", setup.id
    )
    facts = {"purpose": setup.purpose.value, "wrong_codes": wrong}
    await record(NOBODY, events.CLAIM_REFUSED, f"link:{setup.link}", now, facts=facts, personal=personal_of(origin))


async def _add_owner(setup: _Setup, now: datetime) -> UUID:
    person_id = uuid7()
    await insert_person(person_id, setup.display_name, setup.email, now)
    await insert_role(person_id, Role.OWNER)
    facts = {"role": Role.OWNER.value, "link": str(setup.link)}
    await record(_actor(person_id, setup), events.ROLE_GRANTED, f"person:{person_id}", now, facts=facts)
    return person_id


async def _record(setup: _Setup, session: NewSession, origin: Origin, now: datetime) -> None:
    facts = {"purpose": setup.purpose.value, "link": str(setup.link), "session": str(session.session_id)}
    actor, subject = _actor(session.person_id, setup), f"person:{session.person_id}"
    await record(actor, events.CREDENTIAL_SET, subject, now, facts=facts, personal=personal_of(origin))


def _actor(person_id: UUID, setup: _Setup) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=str(person_id), name=f"{setup.display_name} <{setup.email}>")


def _place(claim_id: UUID) -> str:
    return f"claim:{claim_id}"
