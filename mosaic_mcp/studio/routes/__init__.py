"""The endpoints, one module per subject."""

from mosaic_mcp.studio.routes import (
    account,
    agents,
    extensions,
    media,
    node_types,
    operating,
    runs,
    uploads,
    videos,
)

ROUTERS = (
    account.router,
    agents.router,
    node_types.router,
    runs.router,
    uploads.router,
    extensions.router,
    runs.watching,
    videos.router,
    media.router,
    operating.router,
)
