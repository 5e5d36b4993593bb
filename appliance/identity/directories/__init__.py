"""People from LDAP and Active Directory: what a directory must be able to do, and what it says."""
