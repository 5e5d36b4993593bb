"""Who may do what to the policy tables: a published version is never changed or removed."""

GRANTS = {"policy_version": {"service": ("SELECT", "INSERT")}}
