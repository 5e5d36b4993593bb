"""Everything that needs scim2-models, as one object; imported by `loading` alone."""

from typing import Any, Final

from appliance.identity.provisioning.conditions import Condition
from appliance.identity.provisioning.records import GroupContent, UserContent
from appliance.identity.provisioning.users import UserChange
from server.api.scim import filters, reading, schemas


class Protocol:
    """The messages of SCIM: what they say, and what the service says of itself.

    Every reading raises ProvisioningError for what cannot be understood or kept.
    """

    def new_user(self, raw: dict[str, Any]) -> UserContent:
        """The body of a POST to Users."""
        return reading.new_user(raw)

    def user_replacement(self, raw: dict[str, Any]) -> UserChange:
        """The body of a PUT to a user."""
        return reading.user_replacement(raw)

    def user_patch(self, raw: dict[str, Any]) -> UserChange:
        """The body of a PATCH to a user."""
        return reading.user_patch(raw)

    def group(self, raw: dict[str, Any]) -> GroupContent:
        """The body of a POST to Groups, or of a PUT to a group."""
        return reading.group(raw)

    def condition(self, text: str, *, is_user: bool) -> Condition:
        """A filter."""
        return filters.condition(text, filters.USER if is_user else filters.GROUP)

    def schemas(self, base: str) -> list[dict[str, Any]]:
        """What /Schemas answers."""
        return schemas.schemas(base)

    def resource_types(self, base: str) -> list[dict[str, Any]]:
        """What /ResourceTypes answers."""
        return schemas.resource_types(base)

    def service(self, base: str, page_size_max: int) -> dict[str, Any]:
        """What /ServiceProviderConfig answers."""
        return schemas.service(base, page_size_max)


PROTOCOL: Final = Protocol()
