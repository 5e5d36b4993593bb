"""Lets a person in whom a provider vouches for: the account is found, made or linked, and a session begins."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog

from appliance.config.sign_in import Provider
from appliance.database.transaction import transaction
from appliance.identity import accounts, events, groups, refreshing
from appliance.identity.accounts import Profile
from appliance.identity.admission import Queue, unchanged
from appliance.identity.changes import NOBODY, locked_person, personal_of, record, take_turn
from appliance.identity.errors import AccountKeyRefusedError, EmailRefusedError, EmailTakenError, NameRefusedError
from appliance.identity.providers.errors import Cause, ProviderSignInRefusedError, RefusedError
from appliance.identity.providers.people import check_domain
from appliance.identity.providers.provider_sessions import ProviderSessions
from appliance.identity.providers.records import Claims
from appliance.identity.queries import find_person
from appliance.identity.records import NewSession, Origin, Person, SessionKind, Source, SourceKind
from appliance.identity.rules import prepare_email, shown
from appliance.identity.sessions import Sessions
from appliance.ledger.records import Actor, ActorKind

log = structlog.get_logger(__name__)


class ProviderSignIns:
    """Sign-in with the account that a provider keeps."""

    def __init__(
        self, providers: Mapping[str, Provider], sessions: Sessions, provider_sessions: ProviderSessions
    ) -> None:
        """Everything is shared with the rest of identity."""
        self._providers = providers
        self._sessions = sessions
        self._provider_sessions = provider_sessions
        self._queue = Queue()

    async def by_provider(
        self, provider: str, claims: Claims, origin: Origin, now: datetime, previous_token: str | None = None
    ) -> NewSession:
        """A new session of the person whom the checked claims name; that of `previous_token`, if any, ends.

        Raises:
            ProviderSignInRefusedError: the person may not come in; the caller does not learn why.
            SignInBusyError: too many people of whom there is news come in at once.
        """
        try:
            session = await self._admit(provider, claims, origin, now, previous_token)
        except RefusedError as refused:
            await record_refusal(provider, refused, origin, now, claims)
            raise ProviderSignInRefusedError from refused
        self._sessions.forget()
        return session

    async def _admit(
        self, provider: str, claims: Claims, origin: Origin, now: datetime, previous_token: str | None
    ) -> NewSession:
        """At once if the provider tells what is known, and else in turn."""
        source, profile = source_of(provider), profile_of(claims)
        check_domain(claims, self._providers[provider])
        named = None if claims.groups is None else {each: each for each in claims.groups}
        async with transaction():
            person = await unchanged(source, profile, named, now)
            if person is not None:
                return await self._begin(provider, claims, person, origin, now, previous_token)
        async with self._queue.turn(), transaction():
            person = await locked_person(await self._account(source, claims, now))
            if named is not None and not person.is_disabled:
                await groups.set_members(actor_of(source), source, named, {claims.key: frozenset(named)}, now)
            return await self._begin(provider, claims, person, origin, now, previous_token)

    async def _begin(
        self, provider: str, claims: Claims, person: Person, origin: Origin, now: datetime, previous_token: str | None
    ) -> NewSession:
        """Begin the session, inside the running transaction."""
        if person.is_disabled:
            raise RefusedError(Cause.PERSON_DISABLED)
        replaced = await self._sessions.end_previous(previous_token)
        session = await self._sessions.begin(person.id, SessionKind.BROWSER, origin, now)
        await self._provider_sessions.keep(session.session_id, provider, claims)
        facts = {"session": str(session.session_id), "factor": "provider", "provider": provider}
        facts |= {"replaced": str(replaced)} if replaced is not None else {}
        facts |= {"groups": "unknown"} if claims.groups is None else {}
        subject, personal = f"person:{person.id}", personal_of(origin)
        await record(_as_person(person), events.SIGN_IN_SUCCEEDED, subject, now, facts=facts, personal=personal)
        return session

    async def _account(self, source: Source, claims: Claims, now: datetime) -> UUID:
        """The person behind the claims, by the provider's own identifier alone, unless nobody has that yet."""
        account = await accounts.find_account(source, claims.key)
        if account is None:  # of two first sign-ins at once, the second one finds what the first one made
            await take_turn()
            account = await accounts.find_account(source, claims.key)
        try:
            if account is None:
                return await self._new_account(source, claims, now)
            if account.is_disabled:
                raise RefusedError(Cause.ACCOUNT_DISABLED)
            await refreshing.refresh(actor_of(source), source, profile_of(claims), now)
        except EmailTakenError as problem:
            raise RefusedError(Cause.EMAIL_TAKEN) from problem
        except (AccountKeyRefusedError, EmailRefusedError, NameRefusedError) as problem:
            raise RefusedError(Cause.PROFILE_REFUSED, problem.code) from problem
        return account.person_id

    async def _new_account(self, source: Source, claims: Claims, now: datetime) -> UUID:
        settings = self._providers[source.name]
        if settings.link_verified_email and claims.is_email_verified and claims.email:
            known = await find_person(prepare_email(claims.email))
            if known is not None and not known.is_sealed:  # whoever waits behind glass comes in by the sheet alone
                await accounts.link(actor_of(source), source, profile_of(claims), known.id, now)
                return known.id
        if not settings.create_people:
            raise RefusedError(Cause.ACCOUNT_UNKNOWN)
        return await accounts.provision(actor_of(source), source, profile_of(claims), now)


def source_of(provider: str) -> Source:
    """The provider as a source of accounts."""
    return Source(kind=SourceKind.PROVIDER, name=provider)


def actor_of(source: Source) -> Actor:
    """The provider as the one who makes and changes accounts."""
    return Actor(kind=ActorKind.SYSTEM, id=str(source))


def profile_of(claims: Claims) -> Profile:
    """What an account keeps of the claims; an address that may be somebody else's is nobody's."""
    email = claims.email if claims.is_email_trusted else ""
    return Profile(key=claims.key, user_name=claims.user_name, display_name=claims.display_name, email=email)


async def record_refusal(
    provider: str, refused: RefusedError, origin: Origin, now: datetime, claims: Claims | None = None
) -> None:
    """Put a failed sign-in into the ledger, with the cause that its caller is not told."""
    facts = {"cause": refused.cause.value, "provider": provider}
    facts |= {"detail": refused.detail} if refused.detail else {}
    personal = personal_of(origin)
    personal |= {"subject": shown(claims.key), "email": shown(claims.email)} if claims is not None else {}
    log.info("provider.sign_in_refused", **facts)
    async with transaction():
        await record(NOBODY, events.SIGN_IN_REFUSED, "service:sign_in", now, facts=facts, personal=personal)


def _as_person(person: Person) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=str(person.id), name=f"{person.display_name} <{person.email}>")
