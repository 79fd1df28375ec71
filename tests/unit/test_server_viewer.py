"""The run viewer as hosts find it: a resource, tools bound to it, and tools for it alone."""

import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
