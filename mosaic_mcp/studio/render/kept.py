"""What renders keep for the next one that needs it too: files under a hash of what decides them.

What has its name is whole; what was used last is deleted last (`Library.trim_parts`).
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from mosaic_mcp.studio.render.workbench import place


def take(kept: Path, wanted: Path) -> bool:
    """Have the file `kept` also as `wanted`; False when it is not there."""
    try:
        place(kept, wanted)
        kept.touch()
    except FileNotFoundError:
        wanted.unlink(missing_ok=True)
        return False
    return True


def keep(made: Path, kept: Path) -> None:
    """Keep a finished file under its name, in one step."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f".{uuid4()}.part")  # hidden: nobody takes it for a kept file
    place(made, part)
    part.replace(kept)
