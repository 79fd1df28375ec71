"""The endpoints, one module per subject."""

from mosaic_mcp.studio.routes import account, agents, media, node_types, uploads

ROUTERS = (account.router, agents.router, node_types.router, uploads.router, media.router)
