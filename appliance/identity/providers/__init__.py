"""OpenID Connect: people who sign in with the account that their organisation's provider keeps."""
