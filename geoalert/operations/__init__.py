"""Use cases that span rooms: each in a file of its own, each in one transaction of the caller."""
