"""The one way out by HTTP for identity: bounded, to checked addresses only."""
