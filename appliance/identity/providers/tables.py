"""The tables of sign-in through a provider; private to the feature.

States, nonces, browsers and sessions of the provider are stored as SHA-256; what must be read again is sealed.
"""

from piccolo.columns import UUID, Bytea, Timestamptz, Varchar
from piccolo.table import Table


class OidcFlow(Table, tablename="oidc_flow"):
    """A browser's errand at a provider; deleted when it is taken back, ten minutes old, or its session ends."""

    id = UUID(primary_key=True, default=None)
    state_hash = Bytea(unique=True)
    browser_hash = Bytea()
    provider = Varchar(length=32)
    purpose = Varchar(length=16)
    nonce_hash = Bytea()
    verifier_sealed = Bytea()
    back = Varchar(length=2000)
    session = UUID(default=None, null=True)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, index=True)


class OidcSession(Table, tablename="oidc_session"):
    """What a session here has to do with one at the provider; deleted with the session."""

    session = UUID(primary_key=True, default=None)
    provider = Varchar(length=32)
    subject_hash = Bytea()
    provider_session_hash = Bytea(null=True, default=None)
    id_token_sealed = Bytea()


class OidcLogoutToken(Table, tablename="oidc_logout_token"):
    """A logout token that was used; kept until it would be refused for its age."""

    token_hash = Bytea(primary_key=True)
    expires_at = Timestamptz(default=None, index=True)
