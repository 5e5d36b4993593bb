"""Telling people in time: what happened goes into an outbox with its commit, and leaves by the channels they chose."""
