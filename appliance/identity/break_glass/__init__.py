"""The sealed owner: the way in that is left when no provider, directory or person can let anybody in."""
