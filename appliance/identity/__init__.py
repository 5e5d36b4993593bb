"""People, roles, one-time links, sign-in and sessions of the installation's own accounts."""
