"""LDAP and Active Directory, strictly: every answer is complete and from a verified host, or it is an error."""
