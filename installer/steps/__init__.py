"""What `leashctl up` does once, each step safe to repeat."""
