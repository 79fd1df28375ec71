"""The MCP server: tools over one engine."""

from mosaic_mcp.server.app import build_server

__all__ = ["build_server"]
