"""What really arrives from the agents of each machine: trusted over what was configured or reported."""
