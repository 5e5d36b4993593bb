"""What `leashctl up` does as long as it runs: keep processes alive and their logs bounded."""
