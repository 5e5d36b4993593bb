"""The API, one module per endpoint group."""
