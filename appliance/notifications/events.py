"""Ledger events of notifications; none holds an address or what was told."""

from typing import Final

ADDRESS_ADDED: Final = "notification_address.added"
ADDRESS_REMOVED: Final = "notification_address.removed"
ADDRESS_GONE: Final = "notification_address.gone"
PREFERENCES_CHANGED: Final = "notification_preferences.changed"
WEBHOOK_ADDED: Final = "webhook.added"
WEBHOOK_REMOVED: Final = "webhook.removed"
WEBHOOK_ROTATED: Final = "webhook.rotated"
ON_CALL_CHANGED: Final = "on_call.changed"
DELIVERY_DEAD: Final = "delivery.dead"
DELIVERY_REPLAYED: Final = "delivery.replayed"
UNREADABLE: Final = "notification.unreadable"
ASKS_TOO_MANY: Final = "asks.too_many"

EVENTS: Final[dict[str, str]] = {
    ADDRESS_ADDED: "A person can be reached at one more address: `channel` says by what.",
    ADDRESS_REMOVED: "A person took one of their addresses away.",
    ADDRESS_GONE: "A push service said that an address does not exist any more; it was forgotten.",
    PREFERENCES_CHANGED: "A person changed their quiet hours, or what they want to hear of.",
    WEBHOOK_ADDED: "A webhook or chat was added; `host` is that of its address.",
    WEBHOOK_REMOVED: "A webhook or chat was removed.",
    WEBHOOK_ROTATED: "A webhook got a new secret; until `until` the old one signs as well.",
    ON_CALL_CHANGED: "The order in which the holders of a role or approver group are told was changed.",
    DELIVERY_DEAD: "A delivery was given up; `reason` says whether it was refused, tried too often or too late.",
    DELIVERY_REPLAYED: "A dead letter was sent on its way again.",
    UNREADABLE: "A notification could not be read by this release, so nobody was told of it.",
    ASKS_TOO_MANY: "A person was told of more asks within an hour than the limit; they hear no more of single ones.",
}
