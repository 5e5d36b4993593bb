"""Tokens of providers: python-jose behind checks that it does not make itself."""
