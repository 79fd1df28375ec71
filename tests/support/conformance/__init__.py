"""What the MCP conformance suite asks of a server: fixtures on a server of our own factory."""
