"""As whom the processes of the service connect."""

from appliance.config import Config
from appliance.database import roles
from appliance.database.embedded import EmbeddedPostgres, read_or_create_password
from appliance.database.setup import role_url


def service_url_of(config: Config) -> str:
    """The URL that the service connects with: the configured one, or that of the role which `leashctl up` made."""
    database, state = config.database, config.state.directory
    if database.service_url is not None:
        return database.service_url.reveal()
    if database.owner_url is not None:
        return role_url(database.owner_url.reveal(), roles.SERVICE, read_or_create_password(state, roles.SERVICE))
    return EmbeddedPostgres(state).url_of(roles.SERVICE)
