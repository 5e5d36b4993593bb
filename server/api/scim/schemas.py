"""What the service says of itself (RFC 7643 sections 5 to 7)."""

from typing import Any, Final

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    ETag,
    Filter,
    Pagination,
    Patch,
    ResourceType,
    ServiceProviderConfig,
    Sort,
)

from server.api.scim.models import Group, User

_MODELS: Final = (User, Group)
_ANSWER: Final = Context.RESOURCE_QUERY_RESPONSE


def schemas(base: str) -> list[dict[str, Any]]:
    """The schemas of what is served; `base` is the address of /scim/v2."""
    found = [model.to_schema().model_dump(scim_ctx=_ANSWER) for model in _MODELS]
    return [_placed(each, "Schema", f"{base}/Schemas/{each['id']}") for each in found]


def resource_types(base: str) -> list[dict[str, Any]]:
    """Users and groups."""
    found = [ResourceType.from_resource(model).model_dump(scim_ctx=_ANSWER) for model in _MODELS]
    return [_placed(each, "ResourceType", f"{base}/ResourceTypes/{each['id']}") for each in found]


def service(base: str, page_size_max: int) -> dict[str, Any]:
    """Which optional parts of SCIM there are."""
    config = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=page_size_max),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        pagination=Pagination(cursor=False, index=True, max_page_size=page_size_max),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Provisioning token",
                description="A token from `leashctl provisioning token create`, sent as bearer.",
                primary=True,
            )
        ],
    )
    shown = config.model_dump(scim_ctx=_ANSWER)
    return _placed(shown, "ServiceProviderConfig", f"{base}/ServiceProviderConfig")


def _placed(shown: dict[str, Any], kind: str, location: str) -> dict[str, Any]:
    return {**shown, "meta": {"resourceType": kind, "location": location}}
