"""Registers the feature's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.identity.tables import (
    ExternalAccount,
    GroupGrant,
    IdentityGroup,
    KeptAct,
    LocalCredential,
    PendingClaimRow,
    Person,
    PersonRole,
    RecoveryCode,
    SessionRow,
    SignInThrottle,
    SignUpLink,
)

APP_CONFIG = AppConfig(
    app_name="identity",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        Person,
        PersonRole,
        ExternalAccount,
        IdentityGroup,
        GroupGrant,
        LocalCredential,
        RecoveryCode,
        SignUpLink,
        PendingClaimRow,
        SessionRow,
        KeptAct,
        SignInThrottle,
    ],
    migration_dependencies=[],
)
