"""Identity as the rest of the product is handed it: one object per process."""

import os
from dataclasses import dataclass

from appliance.identity.claims import Claims
from appliance.identity.group_grants import GroupGrants
from appliance.identity.links import Links
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.records import Limits
from appliance.identity.refusals import Refusals
from appliance.identity.sealing import KeyedHash, RandomBytes, Sealer, derive
from appliance.identity.sessions import Sessions
from appliance.identity.sign_ins import SignIns
from appliance.identity.step_ups import KeptActs, StepUps
from appliance.identity.throttle import Throttle


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """People and how they come in.

    Attributes:
        csrf_key: 32 bytes, the same in every process, for the form tokens of the dashboard.
        refusals: what the server tells when it turns a request away.
    """

    sessions: Sessions
    links: Links
    claims: Claims
    sign_ins: SignIns
    step_ups: StepUps
    kept_acts: KeptActs
    people: People
    group_grants: GroupGrants
    refusals: Refusals
    csrf_key: bytes
    limits: Limits
    passwords: Passwords
    throttle: Throttle

    def close(self) -> None:
        """End the threads that hash passwords."""
        self.passwords.close()


def build_identity(
    key: bytes,
    *,
    limits: Limits,
    sign_in_attempts_per_minute: int,
    owner_link_minutes: int,
    issuer: str,
    passwords: Passwords | None = None,
    random_bytes: RandomBytes = os.urandom,
) -> Identity:
    """Put the parts together; `key` is identity's own, `issuer` the installation's name in authenticators."""
    hashing = passwords or Passwords()
    sealer = Sealer(derive(key, "totp"), random_bytes)
    sessions = Sessions(limits, random_bytes)
    links = Links(limits, owner_link_minutes, random_bytes)
    throttle = Throttle(sign_in_attempts_per_minute, KeyedHash(derive(key, "throttle")))
    return Identity(
        sessions=sessions,
        links=links,
        claims=Claims(
            limits, passwords=hashing, sessions=sessions, sealer=sealer, issuer=issuer, random_bytes=random_bytes
        ),
        sign_ins=SignIns(passwords=hashing, sessions=sessions, throttle=throttle, sealer=sealer),
        step_ups=StepUps(sessions=sessions, throttle=throttle, sealer=sealer, minutes=limits.step_up_minutes),
        kept_acts=KeptActs(Sealer(derive(key, "kept_acts"), random_bytes)),
        people=People(links, sessions),
        group_grants=GroupGrants(sessions),
        refusals=Refusals(),
        csrf_key=derive(key, "csrf"),
        limits=limits,
        passwords=hashing,
        throttle=throttle,
    )
