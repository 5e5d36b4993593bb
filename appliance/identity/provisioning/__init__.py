"""Provisioning: people and groups that identity providers write here by SCIM 2.0 (RFC 7643, RFC 7644)."""
