"""Finding the user's studio, and starting it when nobody has.

The studio outlives whoever started it: it is a process of its own session without inherited
pipes. Several clients may start one at once; the studio's own lock lets one of them live, and all
find that one through its discovery file.
"""

from __future__ import annotations

import importlib.util
import os
import re
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
from pydantic import ValidationError

from mosaic_mcp import __version__, traces
from mosaic_mcp.contract.extensions import PREFIX, Discovery, StudioInfo
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.settings import Settings

_DETACHED = 0x00000008 | 0x00000200
"""Windows: DETACHED_PROCESS and CREATE_NEW_PROCESS_GROUP, which other systems do not define."""

START_S = 45.0
"""Longest wait for a studio to answer; the first start compiles its modules."""
LOOK_S = 0.1
PROBE_S = 5.0
ALREADY_RUNNING = 3
"""Exit code of a studio that found another one at work on the same data folder."""
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
    found = await anyio.to_thread.run_sync(discovery, settings.home)
    return found if found is not None and await _answers(found) else None


async def ensure_studio(settings: Settings) -> Discovery:
    """A studio of this version that answers; starts one, or replaces an older one."""
    found = await running_studio(settings)
    if found is not None and not _older(found.version):
        return found
    require_studio_extra()
    process = None
    with anyio.move_on_after(START_S):
        if found is not None:
            await _drain(settings, found)
        process = await anyio.to_thread.run_sync(_start, settings.home)
        started = await _started(settings, process)
        if started is not None:
            return started
    raise await _sick(settings, process)


def discovery(home: Path) -> Discovery | None:
    """What the studio of a data folder says of itself; it may have ended without tidying up."""
    try:
        return Discovery.model_validate_json((home / "studio" / "studio.json").read_bytes())
    except (OSError, ValidationError):
        return None


async def _answers(found: Discovery) -> bool:
    """True when it is a studio that answers there: its port may be another program's by now."""
    try:
        async with _http(found) as http:
            answer = await http.get(PREFIX)
        StudioInfo.model_validate_json(answer.content)
    except (httpx.TransportError, ValidationError):
        return False
    return answer.is_success


async def _drain(settings: Settings, found: Discovery) -> None:
    """Ask an older studio to end and wait until it is not to be found any more.

    Its runs are kept and go on in the next one, which waits for its lock.
    """
    try:
        async with _http(found) as http:
            await http.post(f"{PREFIX}/shutdown")
    except httpx.TransportError:
        pass  # it may end before it has answered
    while True:
        now = await anyio.to_thread.run_sync(discovery, settings.home)
        if now is None or now.pid != found.pid:
            return
        await anyio.sleep(LOOK_S)


def _http(found: Discovery) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {found.token}"}
    traces.inject(headers)
    return httpx.AsyncClient(
        base_url=found.url,
        headers=headers,
        timeout=PROBE_S,
        trust_env=False,
        # Plain HTTP, asked before every call: reading the system's authorities takes 20 ms.
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )


def _start(home: Path) -> subprocess.Popen[bytes]:
    home.mkdir(parents=True, exist_ok=True)
    windows = sys.platform == "win32"
    process = subprocess.Popen(
        # -P: a file in the data folder must not stand in for a module.
        [sys.executable, "-P", "-m", "mosaic_mcp.studio"],
        cwd=home,
        env={**os.environ, "MOSAIC_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
        start_new_session=not windows,
        creationflags=_DETACHED if windows else 0,
    )
    # It will end before us or after us; whoever is its parent then must take note of its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


async def _started(settings: Settings, process: subprocess.Popen[bytes]) -> Discovery | None:
    """The started studio, or the one that another client started at the same moment.

    None when ours ended of an error.
    """
    while True:
        found = await running_studio(settings)
        if found is not None:
            return found
        if process.returncode not in (None, 0, ALREADY_RUNNING):
            return None
        await anyio.sleep(LOOK_S)


async def _sick(settings: Settings, process: subprocess.Popen[bytes] | None) -> EngineUnavailable:
    """Why there is no studio, as far as it can be seen from here."""
    found = await anyio.to_thread.run_sync(discovery, settings.home)
    told = await anyio.to_thread.run_sync(_tail, settings.home)
    if found is not None:
        return EngineUnavailable(
            f"The local studio (process {found.pid}) does not answer.",
            remedy=f"End that process and call again. {told}".strip(),
        )
    code = process.returncode if process is not None else None
    how = f"ended with code {code}" if code else f"did not answer within {START_S:g} s"
    return EngineUnavailable(
        f"The local studio was started and {how}.",
        remedy=f"Run `mosaic-mcp studio` to see why, or `mosaic-mcp doctor`. {told}".strip(),
    )


def _tail(home: Path) -> str:
    """The last line of the studio's logs, which usually names the reason."""
    for name in ("console.log", "studio.log"):
        try:
            with (home / "studio" / "log" / name).open("rb") as file:
                file.seek(-min(4096, file.seek(0, os.SEEK_END)), os.SEEK_END)
                text = file.read().decode("utf-8", "replace")
        except OSError:
            continue
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            return f"Its log ends with: {lines[-1][:300]}"
    return ""


def _older(version: str) -> bool:
    """True for a version before ours; by the numbers alone, so a pre-release is not replaced."""

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d+", text)[:3])

    return numbers(version) < numbers(__version__)
