"""`python -m mosaic_mcp` is `mosaic-mcp`."""

import sys

from mosaic_mcp.cli import main

if __name__ == "__main__":
    sys.exit(main())
