"""Leashctl: commands that run and exit, and the supervisor behind `make up`."""
