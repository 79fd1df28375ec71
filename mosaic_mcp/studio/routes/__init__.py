"""The endpoints, one module per subject."""

from mosaic_mcp.studio.routes import account, agents, extensions, media, node_types, uploads, videos

ROUTERS = (
    account.router,
    agents.router,
    node_types.router,
    uploads.router,
    extensions.router,
    videos.router,
    media.router,
)
