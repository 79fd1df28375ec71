"""Finding the user's studio, and starting it when nobody has.

The studio outlives whoever started it: it is a process of its own session without inherited
pipes. Several clients may start one at once; the studio's own lock lets one of them live, and all
find that one through its discovery file.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
from pydantic import ValidationError

from mosaic_mcp import __version__
from mosaic_mcp.contract.extensions import PREFIX, Discovery, StudioInfo
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.settings import Settings

_DETACHED = 0x00000008 | 0x00000200
"""Windows: DETACHED_PROCESS and CREATE_NEW_PROCESS_GROUP, which other systems do not define."""

START_S = 45.0
"""Longest wait for a studio to answer; the first start compiles its modules."""
LOOK_S = 0.1
NEEDED = ("fastapi", "av", "dbos", "sqlalchemy", "imageio_ffmpeg")


def require_studio_extra() -> None:
    """Raise EngineUnavailable with the command to run when the studio's packages are missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineUnavailable(
            f"The local studio is not installed (missing: {', '.join(missing)}).",
            remedy='Run `pip install "mosaic-mcp[studio]"`, or set MOSAIC_API_KEY to use the '
            "hosted API.",
        )


async def running_studio(settings: Settings) -> Discovery | None:
    """The studio of this data folder if it answers; never starts one."""
    found = await anyio.to_thread.run_sync(_discovery, settings.home)
    if found is None or await _info(found) is None:
        return None
    return found


async def ensure_studio(settings: Settings) -> Discovery:
    """A studio of this version that answers; starts one, or replaces an older one."""
    found = await running_studio(settings)
    if found is not None and _version(found.version) < _version(__version__):
        await _drain(found)
        found = None
    if found is not None:
        return found
    require_studio_extra()
    process = await anyio.to_thread.run_sync(_start, settings)
    return await _wait(settings, process)


def _discovery(home: Path) -> Discovery | None:
    try:
        return Discovery.model_validate_json((home / "studio" / "studio.json").read_bytes())
    except (OSError, ValidationError):
        return None


async def _info(found: Discovery) -> StudioInfo | None:
    headers = {"authorization": f"Bearer {found.token}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            answer = await http.get(f"{found.url}{PREFIX}", headers=headers)
        return StudioInfo.model_validate_json(answer.content) if answer.is_success else None
    except (httpx.TransportError, ValidationError):
        return None


async def _drain(found: Discovery) -> None:
    """Ask an older studio to finish: its runs are kept and go on in the new one."""
    headers = {"authorization": f"Bearer {found.token}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            await http.post(f"{found.url}{PREFIX}/shutdown", headers=headers)
    except httpx.TransportError:
        return


def _start(settings: Settings) -> subprocess.Popen[bytes]:
    settings.home.mkdir(parents=True, exist_ok=True)
    windows = sys.platform == "win32"
    return subprocess.Popen(
        [sys.executable, "-m", "mosaic_mcp.studio"],
        cwd=settings.home,
        env={**os.environ, "MOSAIC_HOME": str(settings.home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
        start_new_session=not windows,
        creationflags=_DETACHED if windows else 0,
    )


async def _wait(settings: Settings, process: subprocess.Popen[bytes]) -> Discovery:
    """The started studio, or the one that another client started at the same moment."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        found = await running_studio(settings)
        if found is not None:
            return found
        code = process.poll()
        if code not in (None, 0, 3):  # 3: another studio holds the lock, and will be found
            break
        await anyio.sleep(LOOK_S)
    raise EngineUnavailable(
        "The local studio did not start.",
        remedy=f"Run `mosaic-mcp doctor`, or `mosaic-mcp studio` to see why. {_tail(settings)}",
    )


def _tail(settings: Settings) -> str:
    """The last line of the studio's log, which usually names the reason."""
    for name in ("console.log", "studio.log"):
        try:
            text = (settings.home / "studio" / "log" / name).read_text("utf-8", "replace")
        except OSError:
            continue
        lines = [line for line in text.splitlines() if line.strip()]
        if lines:
            return f"Its log ends with: {lines[-1][:300]}"
    return ""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
