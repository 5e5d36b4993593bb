"""What notifications refuse, and what the reader can do about it."""

from appliance.errors import LeashError


class NotificationError(LeashError):
    """The one base of this feature's errors."""

    code = "notification_error"
    summary = "The request about notifications was refused"


class PreferencesRefusedError(NotificationError):
    """Quiet hours, time zone or a muted pair cannot be used."""

    code = "notification_preferences_refused"
    summary = "These preferences cannot be used"
    next_step = "Give times of a day as HH:MM, a time zone such as Europe/Berlin, and pairs such as email:ask.opened."


class AddressRefusedError(NotificationError):
    """An address, subscription or topic is not one that we may send to."""

    code = "notification_address_refused"
    summary = "Nothing can be sent to this address"
    next_step = "Use an https:// address of a host that the settings of [notifications] allow."


class TooManyAddressesError(NotificationError):
    """The person, or the installation, has as many already as anybody needs."""

    code = "notification_addresses_too_many"
    summary = "There are as many addresses already as are kept"
    next_step = "Remove one that is not used any more, then add the new one."


class ChannelOffError(NotificationError):
    """The installation does not use this channel."""

    code = "notification_channel_off"
    summary = "This installation does not use this channel"
    next_step = "Ask an administrator to set it up in [notifications] or [smtp]."


class AddressUnknownError(NotificationError):
    """The person has no such address."""

    code = "notification_address_unknown"
    summary = "You have no such address"
    next_step = "Reload the list of your channels."


class WebhookUnknownError(NotificationError):
    """There is no such webhook."""

    code = "webhook_unknown"
    summary = "There is no such webhook"
    next_step = "Reload the list of webhooks."


class WebhookRefusedError(NotificationError):
    """Name, channel or kinds of a webhook cannot be used."""

    code = "webhook_refused"
    summary = "This webhook cannot be made"
    next_step = "Give it a name, one of the channels webhook, slack and teams, and kinds that exist."


class OnCallRefusedError(NotificationError):
    """An on-call order names nobody, somebody twice, or no role."""

    code = "on_call_refused"
    summary = "This on-call order cannot be used"
    next_step = "Name a role or an approver group such as group:payments, and each person once."


class DeliveryUnknownError(NotificationError):
    """There is no such delivery, or it is not one that can be replayed."""

    code = "delivery_unknown"
    summary = "There is no such dead letter"
    next_step = "Reload the delivery log; only dead letters of webhooks and chats can be replayed."
