"""Who may do what with the ledger's tables: the service only adds, retention only deletes content."""

GRANTS = {
    "ledger_entry": {"service": ("SELECT", "INSERT")},
    "ledger_payload": {"service": ("SELECT", "INSERT"), "retention": ("SELECT", "DELETE")},
    "ledger_leaf": {"service": ("SELECT", "INSERT")},
    "ledger_checkpoint": {"service": ("SELECT", "INSERT")},
    "ledger_unsealed": {"service": ("SELECT", "INSERT", "DELETE")},
}
