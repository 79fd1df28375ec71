"""`python -m mosaic_mcp.studio`: serve the data folder in MOSAIC_HOME."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.listening import HOST
from mosaic_mcp.studio.process import Options, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and serve; the exit code."""
    parser = argparse.ArgumentParser(prog="mosaic-mcp studio", description="The Mosaic studio.")
    parser.add_argument("--foreground", action="store_true", help="stay in this terminal")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 (default: that of last time)")
    parser.add_argument(
        "--require-key",
        action="store_true",
        help="accept only the keys of MOSAIC_STUDIO_KEYS; local clients will not find this studio",
    )
    parser.add_argument("--host", default=HOST, help="address to listen on, with --require-key")
    parser.add_argument("--no-work", action="store_true", help="leave the work to workers")
    said = parser.parse_args(arguments)
    try:
        return run(
            Settings.from_env(),
            Options(
                foreground=said.foreground,
                port=said.port,
                require_key=said.require_key,
                host=said.host,
                works=not said.no_work,
            ),
        )
    except MosaicError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
