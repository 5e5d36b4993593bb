"""The tree of settings: one frozen struct per section of the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from appliance.config.backups import Backups
from appliance.config.notifications import Notifications, Smtp
from appliance.config.origin import normalised_origin, origin_of
from appliance.config.secret import Secret
from appliance.config.sign_in import Directory, Provider, Provisioning, SignIn
from appliance.config.updates import Updates

_BYTES_MAX: Final = 256 * 1024 * 1024
_PRODUCT: Final = "OpenLeash"
_URL: Final = {"unit": "", "expected": "a postgresql:// URL"}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API and the dashboard listen, and the address that people and machines use."""

    host: Annotated[str, Meta(description="Address to listen on.", extra={"expected": "a host name or IP address"})] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(description="TCP port to listen on.", ge=1, le=65535)] = 9318
    public_url: Annotated[
        str,
        Meta(
            description="Origin that browsers and machines use, without a path; empty means http://host:port."
            " Browsers keep the sign-in cookie only on https or on a loopback address.",
            extra={"expected": "an origin such as https://leash.example.org, without path, query or user"},
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks (CIDR) of reverse proxies whose X-Forwarded-For is believed.",
            extra={"expected": "a list of networks such as 10.1.0.0/16, none of them the whole address space"},
        ),
    ] = ()
    instance: Annotated[
        str,
        Meta(
            description="Name that keeps the cookies of several installations on one host apart; empty means the port.",
            pattern=r"^[a-z0-9-]{0,32}\Z",
            extra={"expected": "at most 32 lower-case letters, digits and hyphens"},
        ),
    ] = ""
    workers: Annotated[
        int,
        Meta(
            description="Processes that serve, each on one core; 0 means one per core, 4 at most."
            " Each has its own database connections and counts its own request rates.",
            ge=0,
            le=64,
        ),
    ] = 0
    shutdown_grace_seconds: Annotated[
        float,
        Meta(
            description="Time that running requests get to finish when the service stops.",
            ge=0,
            le=600,
            extra={"unit": "seconds"},
        ),
    ] = 10.0


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """Whose installation it is, as people, their apps and authenticators are told; nothing is found by these names."""

    name: Annotated[
        str,
        Meta(
            description="Name in the titles of pages, in authenticators and in apps; empty means OpenLeash there, and"
            " the host of server.public_url for apps. What authenticators have stored before keeps its old name.",
            extra={"expected": "at most 100 visible characters without a colon"},
        ),
    ] = ""
    slug: Annotated[
        str,
        Meta(
            description="Short name for apps; empty means the host of server.public_url with hyphens.",
            pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?\Z",
            extra={"expected": "at most 63 lower-case letters, digits and hyphens, none of them at an end"},
        ),
    ] = ""


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """The PostgreSQL 18 database: embedded unless a URL is given."""

    owner_url: Annotated[
        Secret | None,
        Meta(
            description="URL of the role that owns the schema and migrates it; not set means the embedded PostgreSQL.",
            extra=_URL,
        ),
    ] = None
    service_url: Annotated[
        Secret | None,
        Meta(
            description="URL of the role that the service runs as, without the right to change the ledger;"
            " not set means that the owner creates it.",
            extra=_URL,
        ),
    ] = None
    retention_url: Annotated[
        Secret | None,
        Meta(
            description="URL of the role that may delete ledger payloads when their retention ends;"
            " not set means that the owner creates it.",
            extra=_URL,
        ),
    ] = None
    replication_url: Annotated[
        Secret | None,
        Meta(
            description="URL of a role with REPLICATION and pg_read_all_data, which copies the database for backups;"
            " needed for a database of your own only.",
            extra=_URL,
        ),
    ] = None
    pool_size: Annotated[int, Meta(description="Connections per process.", ge=2, le=500)] = 8
    statement_timeout_seconds: Annotated[
        float, Meta(description="Longest time of one SQL statement.", ge=0.1, le=3600, extra={"unit": "seconds"})
    ] = 30.0
    commit_timeout_seconds: Annotated[
        float,
        Meta(
            description="Longest wait for a durable commit before the action that needs it is denied.",
            ge=0.1,
            le=600,
            extra={"unit": "seconds"},
        ),
    ] = 1.5


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The append-only record and its signed checkpoints."""

    origin: Annotated[
        str,
        Meta(
            description="Origin line of the checkpoints (C2SP tlog-checkpoint), which must never change once in use;"
            " empty means the host of the public URL.",
            pattern=r"^[!-*,-~]{0,255}\Z",
            extra={"expected": "at most 255 ASCII characters without spaces and plus signs"},
        ),
    ] = ""
    seal_interval_seconds: Annotated[
        float,
        Meta(
            description="Time between two seals of new entries into a checkpoint.",
            ge=0.05,
            le=1,
            extra={"unit": "seconds"},
        ),
    ] = 0.5


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint where agents ask; whatever goes beyond a limit is denied."""

    hold_seconds: Annotated[
        float,
        Meta(
            description="Longest time that a call is held open for a person's answer; an agent with a shorter limit of"
            " its own is answered earlier.",
            ge=1,
            le=3600,
            extra={"unit": "seconds"},
        ),
    ] = 590.0
    request_bytes_max: Annotated[
        int, Meta(description="Largest request body.", ge=1024, le=_BYTES_MAX, extra={"unit": "bytes"})
    ] = 20_971_520
    depth_max: Annotated[int, Meta(description="Deepest nesting of the JSON body.", ge=4, le=512)] = 64
    members_max: Annotated[
        int, Meta(description="Most object members and array elements in one body.", ge=100, le=10_000_000)
    ] = 100_000
    decision_timeout_seconds: Annotated[
        float,
        Meta(
            description="Longest time of one decision, waiting for people not counted; after it the action is denied."
            " Not above hold_seconds.",
            ge=0.1,
            le=300,
            extra={"unit": "seconds"},
        ),
    ] = 10.0
    mask_results: Annotated[
        bool,
        Meta(
            description="Give agents that take one a masked result of a tool, when secrets were found in it and policy"
            " allows; the model then never reads them.",
            extra={"expected": "true or false"},
        ),
    ] = True
    requests_per_second: Annotated[
        float, Meta(description="Sustained rate per machine token.", gt=0, le=100_000, extra={"unit": "1/s"})
    ] = 200.0
    burst: Annotated[
        int, Meta(description="Requests that a machine token may send at once above the rate.", ge=1, le=1_000_000)
    ] = 400


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the API and the dashboard."""

    request_bytes_max: Annotated[
        int, Meta(description="Largest request body.", ge=1024, le=_BYTES_MAX, extra={"unit": "bytes"})
    ] = 1_048_576
    requests_per_second: Annotated[
        float, Meta(description="Sustained rate per session or address.", gt=0, le=100_000, extra={"unit": "1/s"})
    ] = 50.0
    burst: Annotated[
        int, Meta(description="Requests that a session or address may send at once above the rate.", ge=1, le=1_000_000)
    ] = 100
    sign_in_attempts_per_minute: Annotated[
        int, Meta(description="Sign-in attempts per address and per account.", ge=1, le=1000, extra={"unit": "1/min"})
    ] = 10


class Approvals(msgspec.Struct, frozen=True, kw_only=True):
    """Questions to people."""

    expires_seconds_default: Annotated[
        int,
        Meta(
            description="Time after which an unanswered ask is denied, where its policy names none.",
            ge=10,
            le=604_800,
            extra={"unit": "seconds"},
        ),
    ] = 3600
    pending_max_per_machine: Annotated[
        int, Meta(description="Open asks of one machine; further ones are denied.", ge=1, le=100_000)
    ] = 200


class Sessions(msgspec.Struct, frozen=True, kw_only=True):
    """How long a sign-in lasts."""

    idle_minutes: Annotated[
        int,
        Meta(
            description="Time without a request after which a session ends.",
            ge=1,
            le=10_080,
            extra={"unit": "minutes"},
        ),
    ] = 60
    absolute_hours: Annotated[
        int,
        Meta(description="Time after sign-in when a session ends in any case.", ge=1, le=720, extra={"unit": "hours"}),
    ] = 12
    owner_link_minutes: Annotated[
        int,
        Meta(
            description="Time in which the one-time owner link can be used.",
            ge=1,
            le=1440,
            extra={"unit": "minutes"},
        ),
    ] = 60


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """The search for secrets in what agents send."""

    decode_depth: Annotated[
        int,
        Meta(description="Nested encodings (base64, hex, URL, gzip) that are undone and searched.", ge=0, le=8),
    ] = 3
    scan_bytes_max: Annotated[
        int,
        Meta(
            description="Most bytes searched in one call, decoded text included; a larger one is denied.",
            ge=65_536,
            le=_BYTES_MAX,
            extra={"unit": "bytes"},
        ),
    ] = 4_194_304


class Agents(msgspec.Struct, frozen=True, kw_only=True):
    """Enrolment of machines."""

    deployment_token_days: Annotated[
        int,
        Meta(
            description="Life of a deployment token, where its maker names none.",
            ge=1,
            le=3650,
            extra={"unit": "days"},
        ),
    ] = 30


class Logging(msgspec.Struct, frozen=True, kw_only=True):
    """Logs for operators, on standard output; `leashctl up` keeps them in STATE/logs."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least severe level that is written.")
    ] = "info"
    format: Annotated[
        Literal["json", "console"], Meta(description="One JSON object per line, or coloured text for a terminal.")
    ] = "json"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Files that the installation keeps."""

    directory: Annotated[
        Path,
        Meta(
            description="Directory of keys, the pointer to the embedded database and run-time files;"
            " a relative one starts at the working directory.",
            extra={"expected": "the path of a directory"},
        ),
    ] = Path(".state")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The signed profile that points phones and other clients at this installation."""

    profile_days: Annotated[
        int,
        Meta(
            description="How long a profile holds from the day on which it was made.",
            ge=1,
            le=3650,
            extra={"unit": "days"},
        ),
    ] = 365
    tls_public_keys: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=\Z")], ...],
        Meta(
            description="SHA-256 of the public keys (SubjectPublicKeyInfo) of the certificates that the public address"
            " has or will have, in base64, for clients that pin them; empty leaves it to what each system trusts.",
            extra={"expected": "a list of SHA-256 digests in base64, 44 characters each"},
        ),
    ] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, read once and handed down by `bootstrap`.

    Attributes:
        directories, providers: by name, from sections such as `[directories.corp]`.
    """

    server: Server = Server()
    organization: Organization = Organization()
    database: Database = Database()
    ledger: Ledger = Ledger()
    hooks: Hooks = Hooks()
    api: Api = Api()
    approvals: Approvals = Approvals()
    sessions: Sessions = Sessions()
    sign_in: SignIn = SignIn()
    provisioning: Provisioning = Provisioning()
    protection: Protection = Protection()
    agents: Agents = Agents()
    endpoint: Endpoint = Endpoint()
    notifications: Notifications = Notifications()
    smtp: Smtp = Smtp()
    updates: Updates = Updates()
    backups: Backups = Backups()
    logging: Logging = Logging()
    state: State = State()
    directories: Mapping[str, Directory] = {}
    providers: Mapping[str, Provider] = {}

    @property
    def title(self) -> str:
        """What pages call the installation in their titles."""
        return self.organization.name or _PRODUCT

    @property
    def issuer(self) -> str:
        """What authenticators and passkeys show beside the account."""
        return f"{self.organization.name} {_PRODUCT}".strip()

    @property
    def public_origin(self) -> str:
        """The origin that browsers send for the public address, e.g. `https://leash.example.org`."""
        server = self.server
        return (
            normalised_origin(server.public_url) if server.public_url else origin_of("http", server.host, server.port)
        )

    @property
    def instance_name(self) -> str:
        """What tells this installation's cookies from those of others on the same host."""
        return self.server.instance or str(self.server.port)
