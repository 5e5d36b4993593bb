"""Looking people up and letting them prove who they are."""

from typing import Final
from uuid import uuid4

import msgspec

from appliance.adapters.ldap import groups, names, outcomes
from appliance.adapters.ldap.failures import HostFailedError
from appliance.adapters.ldap.hosts import Host
from appliance.adapters.ldap.reach import Reach
from appliance.adapters.ldap.session import Bound, Entry, Query, Session
from appliance.adapters.ldap.shapes import Shape
from appliance.adapters.ldap.talks import Talk
from appliance.identity.directories.errors import (
    DirectoryMisconfiguredError,
    DirectoryRefusedError,
    DirectoryUnavailableError,
)
from appliance.identity.directories.records import DirectoryUser, RefusalCause

# Of the root, as MS-ADTS 3.1.1.3.2 has it: who has bound, and the groups they are in, by their objectSid.
_SELF: Final = "tokenGroups"


class _Whom(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the password is tried for.

    Attributes:
        bind_name: the entry's name, a name by the template, or one that nobody has.
        refusal: why they will not come in, whatever the directory says to the password.
        user: whose name it is, if that is known before the bind.
    """

    bind_name: str
    refusal: RefusalCause | None = None
    user: DirectoryUser | None = None


def find(reach: Reach, shape: Shape, talk: Talk, name: str) -> DirectoryUser | None:
    """The one person with this name, or None.

    Raises:
        DirectoryUnavailableError: no host can say.
    """

    def prepare(session: Session) -> list[Entry]:
        reach.bind_service(session)
        return _candidates(session, shape, name)

    _, _, found = reach.first(talk, prepare)
    return shape.user(found[0]) if len(found) == 1 else None


def sign_in(reach: Reach, shape: Shape, talk: Talk, name: str, password: bytes) -> DirectoryUser:
    """Let somebody in.

    Whoever is unknown, or not the only one of that name, is tried as well, with a name that nobody has: so there is one
    bind in every attempt, and the time it takes tells nothing.

    Raises:
        DirectoryRefusedError: they may not come in.
        DirectoryUnavailableError: no host can say.
    """
    host, session, whom = reach.first(talk, lambda session: _whom(reach, session, shape, name))
    try:
        # The one bind of this attempt: no loop, no second host, no retry encloses it.
        bound = session.bind(whom.bind_name, password)
        cause = outcomes.cause(bound)
        if whom.refusal is None and cause is None:
            return _let_in(session, shape, name, whom)
    except HostFailedError as failure:
        raise _lost(reach, host, failure) from failure
    raise _refusal(whom, bound, cause)


def _whom(reach: Reach, session: Session, shape: Shape, name: str) -> _Whom:
    settings = shape.settings
    if settings.bind == "direct":
        direct = names.bind_name(settings.bind_template, name)
        if direct is None:
            raise DirectoryRefusedError(RefusalCause.UNKNOWN, "the name does not fit bind_template")
        return _Whom(bind_name=direct)
    reach.bind_service(session)
    found = _candidates(session, shape, name)
    if len(found) == 1 and found[0].dn:
        return _Whom(bind_name=found[0].dn, user=shape.user(found[0]))
    refusal = RefusalCause.AMBIGUOUS if found else RefusalCause.UNKNOWN
    return _Whom(bind_name=f"cn={uuid4()},{settings.user_base}", refusal=refusal)


def _candidates(session: Session, shape: Shape, name: str) -> list[Entry]:
    settings = shape.settings
    is_direct = settings.bind == "direct"
    filter_ = _own_filter(shape, name) if is_direct else names.any_of(settings.login_attributes, name)
    return list(
        session.search(
            Query(
                base=settings.user_base,
                filter=f"(&{settings.user_filter}{filter_})",
                attributes=shape.user_attributes,
                limit=2,
            )
        )
    )


def _own_filter(shape: Shape, name: str) -> str:
    """Who has just bound by the template: only what the directory itself takes for that name, no other attribute."""
    settings = shape.settings
    bound = names.bind_name(settings.bind_template, name) or name
    if not shape.is_active_directory:
        return names.any_of(settings.login_attributes, name)
    if "\\" in settings.bind_template:
        return names.any_of(("sAMAccountName",), bound.partition("\\")[2])
    account = names.any_of(("sAMAccountName",), bound.partition("@")[0])
    return f"(|{account}{names.any_of(('userPrincipalName',), bound)})"


def _let_in(session: Session, shape: Shape, name: str, whom: _Whom) -> DirectoryUser:
    user = whom.user or _own(session, shape, name, whom.bind_name)
    if user.is_disabled:
        raise DirectoryRefusedError(RefusalCause.DISABLED, "disabled or expired", key=user.key)
    return user


def _own(session: Session, shape: Shape, name: str, bind_name: str) -> DirectoryUser:
    """The entry of whoever has just bound, read with their own rights, and their groups."""
    settings = shape.settings
    if "=" in settings.bind_template:
        query = Query(
            base=bind_name,
            filter=settings.user_filter,
            attributes=shape.user_attributes,
            is_base=True,
            may_lack=True,
        )
        base = names.normal(settings.user_base)
        is_below = f",{names.normal(bind_name)}".endswith(f",{base}")
        found = list(session.search(query)) if is_below else []
    else:
        found = _candidates(session, shape, name)
    if shape.is_active_directory and found:
        found = _bound(session, found)
    if len(found) != 1:
        raise DirectoryRefusedError(RefusalCause.AMBIGUOUS if found else RefusalCause.UNKNOWN)
    user = shape.user(found[0])
    return msgspec.structs.replace(user, groups=groups.of(session, shape, user))


def _bound(session: Session, found: list[Entry]) -> list[Entry]:
    """Those entries that are whoever has just bound.

    One person's principal name may be another's account name, and Active Directory chooses among the whole forest, not
    among those whom base and filter let in. What is compared is what it says of the connection; not the answer to
    "Who am I?" (RFC 4532), whose domain is in no entry, and which Samba 4.17 does not give.

    Raises:
        DirectoryMisconfiguredError: it does not say.
    """
    root = list(session.search(Query(base="", attributes=(_SELF,), is_base=True)))
    own = {identifier for entry in root for identifier in entry.attributes.get(_SELF.lower(), ())}
    if not own:
        raise DirectoryMisconfiguredError(f"The directory does not say who has signed in ({_SELF} of its root)")
    return [entry for entry in found if own.intersection(entry.attributes.get("objectsid", ()))]


def _refusal(whom: _Whom, bound: Bound, cause: RefusalCause | None) -> DirectoryRefusedError:
    key = whom.user.key if whom.user else ""
    return DirectoryRefusedError(whom.refusal or cause or RefusalCause.WRONG, bound.said, key=key)


def _lost(reach: Reach, host: Host, failure: HostFailedError) -> DirectoryUnavailableError:
    """The host failed when the password was on its way: nobody may try it elsewhere, so this attempt is over."""
    reach.hosts.failed(host, failure.said)
    return DirectoryUnavailableError(f"{host.url}: {failure.said}")


def require_service(shape: Shape) -> None:
    """Only an account of our own can look at others.

    Raises:
        DirectoryMisconfiguredError: there is none.
    """
    if shape.settings.bind != "service":
        raise DirectoryMisconfiguredError("bind is direct, so there is no account of ours that could look people up")
