"""The studio, but it looks after its disk all the time: `python -m tests.support.hasty_studio`."""

import sys

from mosaic_mcp.studio.__main__ import main
from mosaic_mcp.studio.keeping import upkeep

upkeep.FIRST_S = upkeep.EVERY_S = 0.2

if __name__ == "__main__":
    sys.exit(main())
