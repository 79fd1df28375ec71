"""The endpoints, one module per subject."""

from mosaic_mcp.studio.routes import (
    account,
    agents,
    credits,
    extensions,
    media,
    node_types,
    operating,
    runs,
    triggers,
    uploads,
    videos,
    webhooks,
)

ROUTERS = (
    account.router,
    credits.router,
    agents.router,
    node_types.router,
    runs.router,
    uploads.router,
    extensions.router,
    runs.watching,
    triggers.router,
    videos.router,
    webhooks.router,
    media.router,
    operating.router,
)
