"""Scripts of the Makefile, run by the bare system Python: standard library only."""
