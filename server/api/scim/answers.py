"""Users, groups and lists as they are answered, and their versions (RFC 7644 section 3.14)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response

from appliance.identity.provisioning.records import ProvisionedGroup, ProvisionedUser
from server.api.scim.attributes import GROUP_SCHEMA, USER_SCHEMA, Projection
from server.dashboard.dependencies import AnyRequest, appliance_of

SCIM_JSON: Final = "application/scim+json; charset=utf-8"
ROOT: Final = "/scim/v2"
_LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ETAG: Final = re.compile(r'(?:W/)?"([0-9]{1,18})"')


def base_of(request: AnyRequest) -> str:
    """The address of /scim/v2 as providers reach it."""
    return appliance_of(request).config.public_origin + ROOT


def user_answer(user: ProvisionedUser, base: str) -> dict[str, Any]:
    """A user as a whole."""
    groups = [
        {
            "value": str(each.group_id),
            "$ref": f"{base}/Groups/{each.group_id}",
            "display": each.display_name,
            "type": "direct",
        }
        for each in user.groups
    ]
    told: dict[str, Any] = {"schemas": [USER_SCHEMA], "id": str(user.id), **user.document}
    if groups:
        told["groups"] = groups
    return told | {"meta": _meta(user, "User", f"{base}/Users/{user.id}")}


def group_answer(group: ProvisionedGroup, base: str) -> dict[str, Any]:
    """A group with the members that were read."""
    told: dict[str, Any] = {"schemas": [GROUP_SCHEMA], "id": str(group.id), "displayName": group.display_name}
    if group.external_id:
        told["externalId"] = group.external_id
    if group.members:
        told["members"] = [_member(each.id, base, is_group=each.is_group) for each in group.members]
    return told | {"meta": _meta(group, "Group", f"{base}/Groups/{group.id}")}


def list_answer(resources: Sequence[dict[str, Any]], *, total: int, start: int) -> Response[bytes]:
    """A page of resources (RFC 7644 section 3.4.2)."""
    return answer(
        {
            "schemas": [_LIST],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )


def answer(content: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """JSON of SCIM."""
    return Response(msgspec.json.encode(content), status_code=status, headers=headers, media_type=SCIM_JSON)


def resource_answer(
    request: AnyRequest, resource: dict[str, Any], projection: Projection, *, status: int = 200
) -> Response[bytes]:
    """One resource with its version; 304 without it if the caller has that version already."""
    meta = resource["meta"]
    headers = {"ETag": meta["version"]}
    known = request.headers.get("if-none-match", "")
    if request.method == "GET" and known:
        versions = versions_of(known)
        if versions is None or int(meta["version"][3:-1]) in versions:
            return Response(b"", status_code=304, headers=headers, media_type=SCIM_JSON)
    headers["Content-Location" if status == 200 else "Location"] = meta["location"]  # noqa: PLR2004 - or 201
    return answer(projection.of(resource), status=status, headers=headers)


def versions_of(text: str) -> frozenset[int] | None:
    """The versions that If-Match or If-None-Match names, compared weakly; None for none and for any."""
    entries = [each.strip() for each in text.split(",")]
    if not text or "*" in entries:
        return None
    return frozenset(int(found[1]) for each in entries if (found := _ETAG.fullmatch(each)))


def _member(member_id: UUID, base: str, *, is_group: bool) -> dict[str, str]:
    kind = "Group" if is_group else "User"
    return {"value": str(member_id), "$ref": f"{base}/{kind}s/{member_id}", "type": kind}


def _meta(resource: ProvisionedUser | ProvisionedGroup, kind: str, location: str) -> dict[str, str]:
    return {
        "resourceType": kind,
        "created": _moment(resource.created_at),
        "lastModified": _moment(resource.modified_at),
        "location": location,
        "version": f'W/"{resource.version}"',
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
