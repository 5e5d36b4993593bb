"""Releases of the published desktop that IT has signed and put into a directory."""
