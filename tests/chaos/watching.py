"""What a data folder shows from outside while runs go on: the phase, and what is finished."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.processes import Process, counted
from tests.support.waiting import WAIT_S

ENDED = ("completed", "partial_complete", "failed", "cancelled")


def rows(home: Path, query: str) -> list[dict[str, Any]]:
    """Rows of the studio's database; none before it has tables."""
    file = home / "studio" / "studio.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=WAIT_S)) as database:
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(query).fetchall()]
        except sqlite3.OperationalError:
            return []


@dataclass
class Watch:
    """Looks at a data folder again and again, and remembers what it saw finished."""

    home: Path
    finished: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Renders that were recorded as completed: attempt and time, as first seen."""
    published: dict[str, int] = field(default_factory=dict)
    """Folders under a final name: when their recipe was written, as first seen."""

    def look(self, found: list[Process]) -> str:
        """Note what is finished; the phase of what is going on."""
        renders = rows(self.home, "select id, status, attempt, completed_at from renders")
        for row in renders:
            if row["status"] == "completed":
                self.finished.setdefault(row["id"], (row["attempt"], row["completed_at"]))
        for recipe in self.home.glob("renders/*/recipe.json"):
            self.published.setdefault(recipe.parent.name, recipe.stat().st_mtime_ns)
        return self._phase(found)

    def _phase(self, found: list[Process]) -> str:
        alive = counted(found)
        if not alive["studio"]:
            return "down"
        if not (self.home / "studio" / "studio.json").exists():
            return "starting"
        if self.published.keys() - self.finished.keys():
            return "publishing"
        if alive["ffmpeg"] or alive["guard"]:
            return "rendering"
        if any(self.home.glob("work/job-*/download")):
            return "downloading"
        if alive["helper"]:
            return "perceiving"
        return "deciding" if self.unfinished() else "ended"

    def unfinished(self) -> bool:
        """True while a run is at work."""
        return bool(rows(self.home, "select 1 from runs where status = 'running' limit 1"))

    def redone(self) -> list[str]:
        """Renders that were begun or written again after they had been finished."""
        now = {
            row["id"]: (row["attempt"], row["completed_at"])
            for row in rows(self.home, "select id, attempt, completed_at from renders")
        }
        again = {render for render, seen in self.finished.items() if now.get(render) != seen}
        for render, written in self.published.items():
            with suppress(FileNotFoundError):
                recipe = self.home / "renders" / render / "recipe.json"
                if recipe.stat().st_mtime_ns == written:
                    continue
            again.add(render)
        return sorted(again)
