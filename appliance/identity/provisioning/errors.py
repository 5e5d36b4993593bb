"""What provisioning refuses; server/api/scim/failures.py tells it in SCIM's words (RFC 7644 section 3.12)."""

from appliance.identity.errors import IdentityError


class ProvisioningError(IdentityError):
    """The one base of this feature's errors."""

    code = "provisioning_error"
    summary = "The identity provider's request was refused"


class ProviderNameRefusedError(ProvisioningError):
    """Not a name that a provider can have here."""

    code = "provider_name_refused"
    summary = "This is not a name for an identity provider"
    next_step = "Give 1 to 32 lower-case letters, digits or hyphens, beginning with a letter, such as entra."


class TokenTermsRefusedError(ProvisioningError):
    """A name or life that a token cannot have."""

    code = "provisioning_token_terms_refused"
    summary = "These terms of a provisioning token cannot be used"
    next_step = "Give a name of at most 100 visible characters, and 1 to 3650 days."


class ProvisioningTokenRefusedError(ProvisioningError):
    """No live token."""

    code = "provisioning_token_refused"
    summary = "The provisioning token is missing, unknown, expired or revoked"
    next_step = "Make a new one with `leashctl provisioning token create`, and give it to the identity provider."


class ProvisioningTokenUnknownError(ProvisioningError):
    """No token has this identifier."""

    code = "provisioning_token_unknown"
    summary = "There is no such provisioning token"
    next_step = "List them with `leashctl provisioning token list`, and check the identifier."


class ResourceUnknownError(ProvisioningError):
    """No such user or group of this provider."""

    code = "scim_resource_unknown"
    summary = "This provider has no such user or group here"
    next_step = "Look it up by userName or displayName; resources of other providers are not visible."


class NotUniqueError(ProvisioningError):
    """The name or address belongs to somebody else."""

    code = "scim_not_unique"
    summary = "Somebody else has this userName or e-mail address"
    next_step = "Look the user up and change that one; people of other sources are never taken over by their address."


class LastOwnerKeptError(ProvisioningError):
    """The change would lock out the last owner who can come in."""

    code = "scim_last_owner"
    summary = "This is the last owner who can come in, and stays"
    next_step = "Make somebody else an owner first."


class VersionMismatchError(ProvisioningError):
    """If-Match names another version than the present one."""

    code = "scim_version_mismatch"
    summary = "The resource has changed since that version"
    next_step = "Read it again, and repeat the change with its present version."


class ValueRefusedError(ProvisioningError):
    """A value that cannot be kept."""

    code = "scim_value_refused"
    summary = "A value in the request cannot be used"
    next_step = "Compare the request with /scim/v2/Schemas."


class PasswordAttributeRefusedError(ValueRefusedError):
    """A password was sent."""

    code = "scim_password_refused"
    summary = "Passwords are not taken here"
    next_step = "Turn off password synchronisation at the identity provider, and send the request without `password`."


class MemberUnknownError(ValueRefusedError):
    """A member that this provider has not."""

    code = "scim_member_unknown"
    summary = "A member of the group is no user or group of this provider"
    next_step = "Create the user first, and name members by the `id` that was answered."


class SyntaxRefusedError(ProvisioningError):
    """The body is not a message of this kind."""

    code = "scim_syntax_refused"
    summary = "The body is not what this address takes"
    next_step = "Send one JSON object as RFC 7643 and RFC 7644 describe it."


class FilterRefusedError(ProvisioningError):
    """A filter that is not understood, or too large."""

    code = "scim_filter_refused"
    summary = "The filter cannot be used"
    next_step = "Use attributes of /scim/v2/Schemas with the operators of RFC 7644 section 3.4.2.2."


class TooManyError(ProvisioningError):
    """More than one request may have."""

    code = "scim_too_many"
    summary = "The request asks for or changes too much at once"
    next_step = "Ask for fewer resources, leave out members, or split the change."


class PathRefusedError(ProvisioningError):
    """A path that leads to no attribute."""

    code = "scim_path_refused"
    summary = "The path does not name an attribute"
    next_step = "Use attributes of /scim/v2/Schemas."


class NoTargetError(ProvisioningError):
    """A path whose filter matches nothing."""

    code = "scim_no_target"
    summary = "The path leads to nothing that is there"
    next_step = "Read the resource, and name a value that it has."


class MutabilityError(ProvisioningError):
    """An attribute that only we write, or that cannot be removed."""

    code = "scim_mutability"
    summary = "This attribute cannot be changed like that"
    next_step = "Leave out what /scim/v2/Schemas calls readOnly, and keep what it requires."


class NotImplementedHereError(ProvisioningError):
    """An optional part of SCIM that this service leaves out."""

    code = "scim_not_implemented"
    summary = "This optional part of SCIM is not implemented"
    next_step = "/scim/v2/ServiceProviderConfig says what is."
