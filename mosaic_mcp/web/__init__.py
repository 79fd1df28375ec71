"""Fetching what others' addresses name, without being led into private networks."""
