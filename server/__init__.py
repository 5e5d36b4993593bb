"""The processes that stay up: the API, the dashboard and the scheduler."""
