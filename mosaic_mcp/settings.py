"""Every setting, and the environment variable that sets it.

| variable | meaning | default |
| --- | --- | --- |
| MOSAIC_API_KEY | key of the hosted API (`mk_…`); without one the local studio is used | none |
| MOSAIC_API_URL | address of a Mosaic API | https://api.mosaic.so |
| MOSAIC_HOME | data folder: studio, ledger, caches | the platform's user data folder |
| MOSAIC_ALLOWED_DIRS | folders to read from and save to, joined by the path separator | your home |
| MOSAIC_FFMPEG | FFmpeg binary | the one in the imageio-ffmpeg package |
| MOSAIC_STUDIO_IDLE_S | seconds without work or callers after which a started studio ends | 900 |
| MOSAIC_PRIVATE_URLS | 1: the studio also downloads from this machine and its network | 0 |
| MOSAIC_SPENDING | `ask` before a run uses credits of the hosted engine, or `allow` it | ask |
| MOSAIC_STUDIO_KEYS | `mk_key=owner` pairs, comma separated, for a studio served to others | none |

The user data folder is `~/.local/share/mosaic-mcp` on Linux (or below `XDG_DATA_HOME`),
`~/Library/Application Support/mosaic-mcp` on macOS, `mosaic-mcp` in `%LOCALAPPDATA%` on Windows. It
is always an allowed folder; the hidden folders of your home are allowed only when they are named.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOSTED_URL = "https://api.mosaic.so"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, read once."""

    home: Path
    api_key: str | None = None
    api_url: str = HOSTED_URL
    allowed_dirs: tuple[Path, ...] = ()
    ffmpeg: Path | None = None
    studio_idle_s: float = 900.0
    private_urls: bool = False
    studio_keys: tuple[tuple[str, str], ...] = ()
    ask_before_spending: bool = True

    @property
    def hosted(self) -> bool:
        """True when tools drive a Mosaic API with a key, False when they drive the local studio."""
        return self.api_key is not None

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (or `env`); unset and empty mean the same."""
        env = os.environ if env is None else env

        def get(name: str) -> str | None:
            return env.get(name, "").strip() or None

        home = Path(get("MOSAIC_HOME") or _default_home(env)).expanduser().absolute()
        dirs = [Path(d).expanduser() for d in (get("MOSAIC_ALLOWED_DIRS") or "").split(os.pathsep)]
        pairs = (
            p.partition("=") for p in (get("MOSAIC_STUDIO_KEYS") or "").split(",") if p.strip()
        )
        return cls(
            home=home,
            api_key=get("MOSAIC_API_KEY"),
            api_url=(get("MOSAIC_API_URL") or HOSTED_URL).rstrip("/"),
            allowed_dirs=tuple(d for d in dirs if str(d) != ".") or (Path.home(),),
            ffmpeg=Path(p) if (p := get("MOSAIC_FFMPEG")) else None,
            studio_idle_s=float(get("MOSAIC_STUDIO_IDLE_S") or 900),
            private_urls=get("MOSAIC_PRIVATE_URLS") == "1",
            ask_before_spending=get("MOSAIC_SPENDING") != "allow",
            studio_keys=tuple((key.strip(), owner.strip() or "default") for key, _, owner in pairs),
        )


def _default_home(env: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mosaic-mcp"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "mosaic-mcp"
    return Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mosaic-mcp"
