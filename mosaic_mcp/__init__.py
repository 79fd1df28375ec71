"""mosaic-mcp: the MCP server that lets a chat assistant edit video."""

__version__ = "0.1.0"
