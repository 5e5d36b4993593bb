"""Backups that restore: base backups and the write-ahead log, encrypted here, kept elsewhere, tried out regularly."""
