"""Sections about people who come from outside: directories, OpenID Connect providers, SCIM."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from appliance.config.secret import Secret

_TEXT: Final = {"expected": "text"}
_FILE: Final = {"expected": "the path of a PEM file; a relative one in the file starts at that file's directory"}
_SECONDS: Final = {"unit": "seconds"}
_ATTRIBUTE: Final = r"^([A-Za-z][A-Za-z0-9-]{0,63})?\Z"
_CLAIM: Final = r"^[!-~]{1,255}\Z"

_Defaults = Mapping[str, str | tuple[str, ...]]
# What holds where nothing is written. People in AD are users, not computers; a group of LDAP has one of three classes.
BY_KIND: Final[Mapping[str, _Defaults]] = {
    "active_directory": {
        "user_filter": "(&(objectCategory=person)(objectClass=user))",
        "group_filter": "(objectClass=group)",
        "login_attributes": ("sAMAccountName", "userPrincipalName", "mail"),
        "name_attribute": "displayName",
        "email_attribute": "mail",
    },
    "ldap": {
        "user_filter": "(|(objectClass=person)(objectClass=posixAccount))",
        "group_filter": "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
        "login_attributes": ("uid", "mail"),
        "name_attribute": "cn",
        "email_attribute": "mail",
    },
}


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """An Active Directory or LDAP directory whose people sign in here; NAME stays the same for ever."""

    label: Annotated[
        str, Meta(description="What the sign-in page calls it; empty means NAME.", max_length=100, extra=_TEXT)
    ] = ""
    kind: Annotated[
        Literal["active_directory", "ldap"],
        Meta(description="Which defaults and attributes fit.", extra={"example": "active_directory"}),
    ]
    urls: Annotated[
        tuple[str, ...],
        Meta(
            description="Its hosts, tried in this order; one that fails is left alone for cool_down_seconds.",
            extra={
                "expected": "a list of ldaps://host[:port] or ldap://host[:port]",
                "example": ["ldaps://dc1.corp.example.org", "ldaps://dc2.corp.example.org"],
            },
        ),
    ]
    start_tls: Annotated[
        bool, Meta(description="Encrypt ldap:// connections by StartTLS.", extra={"expected": "true or false"})
    ] = True
    allow_unencrypted: Annotated[
        bool,
        Meta(
            description="UNSAFE: send passwords in the clear over ldap:// without StartTLS. Health shows it.",
            extra={"expected": "true or false"},
        ),
    ] = False
    ca_file: Annotated[
        Path | None,
        Meta(description="Certificates of the authority that signs its hosts; empty means the system's.", extra=_FILE),
    ] = None
    client_certificate_file: Annotated[
        Path | None, Meta(description="Our own certificate, where its hosts ask for one.", extra=_FILE)
    ] = None
    client_key_file: Annotated[
        Path | None, Meta(description="Key of client_certificate_file, without a passphrase.", extra=_FILE)
    ] = None
    bind: Annotated[
        Literal["service", "direct"],
        Meta(
            description="service: bind_dn looks people up, and sync reads everybody. direct: whoever signs in binds"
            " by bind_template, and there is no sync, because there is no account to read with."
        ),
    ] = "service"
    bind_dn: Annotated[
        str,
        Meta(
            description="Account that looks people up; it needs to read people and groups, nothing else."
            " In Active Directory also user@domain.",
            max_length=1000,
            extra={
                "expected": "a distinguished name",
                "example": "CN=leash,OU=Services,DC=corp,DC=example,DC=org",
            },
        ),
    ] = ""
    bind_password: Annotated[
        Secret | None, Meta(description="Password of bind_dn.", extra={"expected": "the password"})
    ] = None
    bind_template: Annotated[
        str,
        Meta(
            description="Name that whoever signs in binds as, with bind = direct: {user}@corp.example.org,"
            " CORP\\{user} or uid={user},ou=people,dc=example,dc=org.",
            max_length=1000,
            extra={"expected": "text that holds {user} once"},
        ),
    ] = ""
    user_base: Annotated[
        str,
        Meta(
            description="Where people are.",
            min_length=1,
            max_length=1000,
            extra={"expected": "a distinguished name", "example": "OU=People,DC=corp,DC=example,DC=org"},
        ),
    ]
    user_filter: Annotated[
        str,
        Meta(
            description="Who of them may come in; empty means everybody of the kind's own class.",
            max_length=2000,
            extra={"expected": "an LDAP filter in parentheses"},
        ),
    ] = ""
    group_base: Annotated[
        str,
        Meta(
            description="Where groups are; empty means user_base.",
            max_length=1000,
            extra={"expected": "a distinguished name"},
        ),
    ] = ""
    group_filter: Annotated[
        str,
        Meta(
            description="Which groups count; empty means all of the kind's own classes.",
            max_length=2000,
            extra={"expected": "an LDAP filter in parentheses"},
        ),
    ] = ""
    login_attributes: Annotated[
        tuple[str, ...],
        Meta(
            description="Attributes that somebody may type as their name; empty means sAMAccountName,"
            " userPrincipalName and mail, or with kind = ldap, uid and mail.",
            max_length=10,
            extra={"expected": "a list of attribute names"},
        ),
    ] = ()
    name_attribute: Annotated[
        str,
        Meta(
            description="Attribute of the name that is shown; empty means displayName, or with kind = ldap, cn.",
            pattern=_ATTRIBUTE,
            extra={"expected": "an attribute name"},
        ),
    ] = ""
    email_attribute: Annotated[
        str,
        Meta(
            description="Attribute of the e-mail address; empty means mail.",
            pattern=_ATTRIBUTE,
            extra={"expected": "an attribute name"},
        ),
    ] = ""
    connect_seconds: Annotated[
        float, Meta(description="Longest wait for a connection to one host.", ge=0.1, le=60, extra=_SECONDS)
    ] = 3.0
    receive_seconds: Annotated[
        float, Meta(description="Longest wait for one answer of a host.", ge=0.1, le=300, extra=_SECONDS)
    ] = 5.0
    login_seconds: Annotated[
        float, Meta(description="Longest time of a whole sign-in, all hosts together.", ge=1, le=300, extra=_SECONDS)
    ] = 10.0
    cool_down_seconds: Annotated[
        float, Meta(description="How long a host that failed is left alone.", ge=1, le=3600, extra=_SECONDS)
    ] = 30.0
    threads: Annotated[
        int,
        Meta(description="Conversations at once with this directory, per process; further ones wait.", ge=1, le=32),
    ] = 4
    page_size: Annotated[int, Meta(description="Entries per page of a search.", ge=10, le=1000)] = 500
    attempts_before_lockout: Annotated[
        int,
        Meta(
            description="Wrong passwords in a row that we pass on for one person; set it below the number at which the"
            " directory locks the account, so that no stranger can lock people out from here. Below half of it where"
            " bind_template has an @: a person may have two names then, and each is counted.",
            ge=1,
            le=100,
        ),
    ] = 3
    create_people: Annotated[
        bool,
        Meta(
            description="Let in whoever the directory lets in; false: only people whom somebody linked to it.",
            extra={"expected": "true or false"},
        ),
    ] = True
    sync_seconds: Annotated[
        int, Meta(description="Time between two looks for changes; 0 means no sync.", ge=0, le=86_400, extra=_SECONDS)
    ] = 120
    full_sync_hours: Annotated[
        int, Meta(description="Time between two readings of everybody.", ge=1, le=720, extra={"unit": "hours"})
    ] = 24
    brake_percent: Annotated[
        int,
        Meta(
            description="A sync that would disable more of the directory's people than this stops and asks a person;"
            " of less than ten people 10% is nobody, so each leaver is confirmed.",
            ge=0,
            le=100,
            extra={"unit": "%"},
        ),
    ] = 10
    brake_people: Annotated[
        int,
        Meta(description="The same as a number; whichever is reached first holds.", ge=0, le=1_000_000),
    ] = 25
    group_depth: Annotated[
        int, Meta(description="How deep groups in groups are followed; cycles do no harm.", ge=1, le=50)
    ] = 10

    def __post_init__(self) -> None:
        """Fill in what the kind says of what is left empty."""
        for name, value in {**BY_KIND[self.kind], "group_base": self.user_base}.items():
            if not getattr(self, name):
                msgspec.structs.force_setattr(self, name, value)


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenID Connect provider whose people sign in here; NAME stays the same for ever."""

    label: Annotated[
        str, Meta(description="What the sign-in page calls it; empty means NAME.", max_length=100, extra=_TEXT)
    ] = ""
    issuer: Annotated[
        str,
        Meta(
            description="Its issuer, letter by letter as its tokens say it;"
            " ISSUER/.well-known/openid-configuration must exist.",
            extra={"expected": "an https:// URL", "example": "https://login.example.org/realms/staff"},
        ),
    ]
    client_id: Annotated[
        str,
        Meta(
            description="Our name there.",
            pattern=r"^[ -~]{1,255}\Z",
            extra={"expected": "the client's identifier", "example": "openleash"},
        ),
    ]
    client_secret: Annotated[
        Secret | None,
        Meta(
            description="Our secret there; not set means a public client, which PKCE alone protects.",
            extra={"expected": "the client's secret"},
        ),
    ] = None
    scopes: Annotated[
        tuple[str, ...], Meta(description="What is asked for.", extra={"expected": "a list of scopes with openid"})
    ] = ("openid", "profile", "email")
    algorithm: Annotated[
        Literal["RS256", "PS256", "ES256", "EdDSA"],
        Meta(description="The one algorithm by which its tokens are signed; all others are refused."),
    ] = "RS256"
    groups_claim: Annotated[
        str,
        Meta(description="Claim that lists a person's groups.", pattern=_CLAIM, extra={"expected": "a claim's name"}),
    ] = "groups"
    subject_claim: Annotated[
        str,
        Meta(
            description="Claim that identifies a person for ever; oid at Entra ID, where sub differs by client.",
            pattern=_CLAIM,
            extra={"expected": "a claim's name"},
        ),
    ] = "sub"
    create_people: Annotated[
        bool,
        Meta(
            description="Let in whoever the provider lets in; false: only people whom somebody linked to it.",
            extra={"expected": "true or false"},
        ),
    ] = True
    allowed_domains: Annotated[
        tuple[str, ...],
        Meta(
            description="Domains of verified e-mail addresses that may come in; empty means any, and also none.",
            extra={"expected": "a list of domains such as example.org"},
        ),
    ] = ()
    link_verified_email: Annotated[
        bool,
        Meta(
            description="Take whoever has the address of a person here for that person, if the provider says that it"
            " verified it. Only for a provider that nobody but you controls.",
            extra={"expected": "true or false"},
        ),
    ] = False
    trust_email: Annotated[
        bool,
        Meta(
            description="Take its addresses for people's own where it does not say whether it verified them, as Entra"
            " ID does not. Whoever can set an address there passes for its owner here, in approvals and on machines"
            " that nobody is linked to. false: people have no address here unless it says that it verified it.",
            extra={"expected": "true or false"},
        ),
    ] = False
    clock_skew_seconds: Annotated[
        int, Meta(description="How far its clock may differ from ours.", ge=0, le=300, extra=_SECONDS)
    ] = 60
    step_up_acr: Annotated[
        str,
        Meta(
            description="acr value to ask for, and to insist on, before dangerous acts; empty means a fresh sign-in.",
            max_length=255,
            extra=_TEXT,
        ),
    ] = ""
    ca_file: Annotated[
        Path | None,
        Meta(description="Certificates of the authority that signs its hosts; empty means the system's.", extra=_FILE),
    ] = None
    allow_private_addresses: Annotated[
        bool,
        Meta(
            description="Let its host be on a private network; addresses of cloud metadata stay refused.",
            extra={"expected": "true or false"},
        ),
    ] = False


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """How people come in, whoever vouches for them."""

    local_accounts: Annotated[
        bool,
        Meta(
            description="Let people sign in with a password kept here; false leaves that to break-glass owners.",
            extra={"expected": "true or false"},
        ),
    ] = True
    step_up_minutes: Annotated[
        int,
        Meta(
            description="Time after a proof of the second factor in which dangerous acts ask for none.",
            ge=1,
            le=720,
            extra={"unit": "minutes"},
        ),
    ] = 10
    device_days: Annotated[
        int,
        Meta(description="Life of a phone's or desktop's sign-in.", ge=1, le=366, extra={"unit": "days"}),
    ] = 90
    break_glass_minutes: Annotated[
        int,
        Meta(
            description="Life of the session of a break-glass owner.",
            ge=5,
            le=1440,
            extra={"unit": "minutes"},
        ),
    ] = 60
    break_glass_people: Annotated[
        int,
        Meta(description="Owners who must take part to unseal a break-glass owner.", ge=1, le=2),
    ] = 1


class Provisioning(msgspec.Struct, frozen=True, kw_only=True):
    """The SCIM 2.0 server, by which an identity provider writes people and groups."""

    deactivate_instead_of_delete: Annotated[
        bool,
        Meta(
            description="Keep the account of somebody whom the provider deletes, disabled.",
            extra={"expected": "true or false"},
        ),
    ] = True
    tokens_days: Annotated[
        int,
        Meta(
            description="Life of a provider's token, where its maker names none.", ge=1, le=3650, extra={"unit": "days"}
        ),
    ] = 365
    page_size_max: Annotated[int, Meta(description="Most resources in one answer.", ge=1, le=1000)] = 200
