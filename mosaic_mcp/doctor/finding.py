"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `fail` means that editing does not work until it is mended."""

    name: str
    state: Literal["ok", "note", "fail"]
    says: str
    remedy: str = ""


def room(name: str, folder: Path, setting: str) -> Finding:
    """A folder that can be written: is there room for jobs, by the studio's own rule?"""
    from mosaic_mcp.studio.machine import Machine, size

    machine = Machine(folder)
    short = machine.short_of(0)
    if short is None:
        return Finding(name, "ok", f"{folder} is writable, {size(machine.free)} free")
    return Finding(
        name,
        "fail",
        f"{folder} has no room for work: {short}",
        f"Free some space, or set {setting} to a folder on a larger disk.",
    )
