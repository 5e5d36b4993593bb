"""Ledger events of provisioning."""

from typing import Final

TOKEN_CREATED: Final = "provisioning_token.created"  # noqa: S105 - an event
TOKEN_REVOKED: Final = "provisioning_token.revoked"  # noqa: S105 - an event
USER_CREATED: Final = "provisioned_user.created"
USER_CHANGED: Final = "provisioned_user.changed"
USER_DELETED: Final = "provisioned_user.deleted"
GROUP_CREATED: Final = "provisioned_group.created"
GROUP_CHANGED: Final = "provisioned_group.changed"
GROUP_DELETED: Final = "provisioned_group.deleted"
REFUSED: Final = "provisioning.refused"

EVENTS: Final[dict[str, str]] = {
    TOKEN_CREATED: "A token was made with which an identity provider writes people and groups.",
    TOKEN_REVOKED: "A provider's token was ended.",
    USER_CREATED: "A provider added a user; `returned` says that it is one whom it had deleted before.",
    USER_CHANGED: "A provider changed a user; `attributes` names what differs.",
    USER_DELETED: "A provider deleted a user.",
    GROUP_CREATED: "A provider added a group.",
    GROUP_CHANGED: "A provider changed a group or who is in it.",
    GROUP_DELETED: "A provider deleted a group.",
    REFUSED: "A provider's change was refused; `code` says why.",
}
