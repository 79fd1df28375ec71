"""Lays out what goes into the .mcpb bundle: `python packaging/mcpb/stage.py FOLDER`.

Then `mcpb pack FOLDER mosaic-mcp.mcpb` makes the bundle. The host installs the dependencies with
uv, at the versions that pyproject.toml pins.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")


def stage(folder: Path) -> None:
    """Fill a new folder with the bundle's files."""
    without = shutil.ignore_patterns("__pycache__")
    for room in ("mosaic_mcp", "prompts"):
        shutil.copytree(PROJECT / room, folder / room, ignore=without)
    for part in (*(PROJECT / name for name in PARTS), HERE / "manifest.json"):
        shutil.copy(part, folder)
    shutil.copy(HERE.parent / "claude-code" / ".claude-plugin" / "icon.png", folder)


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
