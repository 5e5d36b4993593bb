"""PostgreSQL: connections, transactions, roles, migrations, and the embedded server."""
