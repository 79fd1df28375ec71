"""The least that the SDK can serve over stdio: one tool. What bench_start compares ours with."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

server = MCPServer("bare", log_level="WARNING")


@server.tool()
async def echo(text: str) -> str:
    """Answer the text."""
    return text


if __name__ == "__main__":
    server.run("stdio")
