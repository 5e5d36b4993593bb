"""From entries to people and groups: which attributes are asked for, and what they mean."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from appliance.adapters.ldap import names
from appliance.adapters.ldap.session import Entry
from appliance.clock import Clock
from appliance.config.sign_in import Directory as Settings
from appliance.identity.directories.errors import DirectoryMisconfiguredError
from appliance.identity.directories.records import DirectoryGroup, DirectoryUser

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DISABLED_FLAG: Final = 0x2
_NEVER: Final = frozenset({"", "0", "9223372036854775807", "-1"})
_FILE_TIME_ZERO: Final = datetime(1601, 1, 1, tzinfo=UTC)
_UNIX_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What the password policy of OpenLDAP writes when an administrator locks somebody for good; other values are locks
# after wrong passwords, which any stranger can bring about.
_LOCKED_FOR_GOOD: Final = "000001010000Z"


class Shape:
    """What entries of one directory look like."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self.is_active_directory = settings.kind == "active_directory"
        if self.is_active_directory:
            self.key_attribute = "objectGUID"
            identifier = ("objectSid",) if settings.bind == "direct" else ()  # compared with who has bound
            states: tuple[str, ...] = ("userAccountControl", "accountExpires", *identifier)
            self.stamp_attributes: tuple[str, ...] = ("uSNChanged",)
            self.member_attributes: tuple[str, ...] = ("member",)
            self._name_of_group: tuple[str, ...] = ("samaccountname", "cn")
        else:
            self.key_attribute = "entryUUID"
            states = ("pwdAccountLockedTime", "nsAccountLock", "shadowExpire")
            self.stamp_attributes = ("entryCSN", "modifyTimestamp")
            self.member_attributes = ("member", "uniqueMember")
            self._name_of_group = ("cn",)
        uid = () if self.is_active_directory else ("uid",)
        shown = (*settings.login_attributes, settings.name_attribute, settings.email_attribute)
        self.user_attributes = _once(self.key_attribute, *shown, *states, *uid, *self.stamp_attributes)
        self.group_attributes = _once(self.key_attribute, *self._name_of_group)
        self._key = self.key_attribute.lower()
        self._logins = tuple([each.lower() for each in settings.login_attributes])
        self._name, self._email = settings.name_attribute.lower(), settings.email_attribute.lower()
        self.full_group_attributes = _once(*self.group_attributes, *self.all_members, *self.stamp_attributes)

    @property
    def all_members(self) -> tuple[str, ...]:
        """Attributes that name members, by DN or by uid."""
        return self.member_attributes if self.is_active_directory else (*self.member_attributes, "memberUid")

    def key(self, entry: Entry) -> str:
        """The objectGUID or entryUUID as UUID text.

        Raises:
            DirectoryMisconfiguredError: our account may not read it, or the directory has none.
        """
        try:
            (value,) = entry.attributes.get(self._key, [])
            if self.is_active_directory:
                return str(UUID(bytes_le=value))
            text = value.decode().lower()
        except ValueError:
            text = ""
        if not _UUID.fullmatch(text):
            raise DirectoryMisconfiguredError(f"{self.key_attribute} of {entry.dn} cannot be read")
        return text

    def key_filter(self, keys: Iterable[str]) -> str:
        """A filter for these entries."""
        octets = [UUID(key).bytes_le if self.is_active_directory else key.encode() for key in keys]
        return f"(|{''.join([f'({self.key_attribute}={names.octets_in_filter(each)})' for each in octets])})"

    def user(self, entry: Entry, key: str = "") -> DirectoryUser:
        """The person that an entry describes; `key` is theirs if it is known already.

        Raises:
            DirectoryMisconfiguredError: key or state of the account cannot be read.
        """
        user_name = next((text for attribute in self._logins if (text := entry.text(attribute))), "")
        display_name = entry.text(self._name) or user_name
        ends_at = self.ends_at(entry)
        return DirectoryUser(
            key=key or self.key(entry),
            dn=names.normal(entry.dn),
            user_name=user_name or display_name,
            display_name=display_name,
            email=entry.text(self._email),
            is_disabled=self._is_disabled(entry) or (ends_at is not None and ends_at <= self._clock()),
        )

    def group(self, entry: Entry, member_dns: frozenset[str] = frozenset()) -> DirectoryGroup:
        """The group that an entry describes.

        Raises:
            DirectoryMisconfiguredError: its key cannot be read.
        """
        return DirectoryGroup(
            key=self.key(entry),
            dn=names.normal(entry.dn),
            name=next((text for each in self._name_of_group if (text := entry.text(each))), entry.dn),
            member_dns=member_dns,
        )

    def ends_at(self, entry: Entry) -> datetime | None:
        """When the account ends by itself, if it does: nothing in the entry changes then."""
        text = entry.text("accountexpires" if self.is_active_directory else "shadowexpire")
        if text in _NEVER or not text.isdecimal():
            return None
        try:
            if self.is_active_directory:  # tenths of a microsecond
                return _FILE_TIME_ZERO + timedelta(microseconds=int(text) // 10)
            return _UNIX_ZERO + timedelta(days=int(text))
        except OverflowError:
            return None

    def _is_disabled(self, entry: Entry) -> bool:
        if self.is_active_directory:
            flags = entry.text("useraccountcontrol")
            if not flags.lstrip("-").isdecimal():
                raise DirectoryMisconfiguredError(f"userAccountControl of {entry.dn} cannot be read")
            return bool(int(flags) & _DISABLED_FLAG)
        is_locked = entry.text("nsaccountlock").lower() == "true"
        return is_locked or entry.text("pwdaccountlockedtime") == _LOCKED_FOR_GOOD


def _once(*attributes: str) -> tuple[str, ...]:
    return tuple({each.lower(): each for each in attributes if each}.values())
