"""The channels of notifications: each hands a message to one kind of receiver."""
