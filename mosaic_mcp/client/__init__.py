"""The client of a Mosaic engine, the finder of the studio, and the ledger."""

from mosaic_mcp.client.api import MosaicClient
from mosaic_mcp.client.connect import connect
from mosaic_mcp.client.downloads import (
    expiry,
    fetch_part,
    fetch_picture,
    safe_name,
    save_file,
    save_output,
    save_texts,
    save_timeline,
)
from mosaic_mcp.client.extensions import StudioExtension
from mosaic_mcp.client.ledger import Ledger
from mosaic_mcp.client.submitting import Submitted, submit_once

__all__ = [
    "Ledger",
    "MosaicClient",
    "StudioExtension",
    "Submitted",
    "connect",
    "expiry",
    "fetch_part",
    "fetch_picture",
    "safe_name",
    "save_file",
    "save_output",
    "save_texts",
    "save_timeline",
    "submit_once",
]
