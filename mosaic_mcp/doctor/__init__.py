"""`mosaic-mcp doctor`: is everything here that editing needs, and if not, what to do."""

from __future__ import annotations

import importlib.util
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict

import anyio

from mosaic_mcp import __version__
from mosaic_mcp.doctor.finding import Finding, room
from mosaic_mcp.errors import MosaicError
from mosaic_mcp.settings import Settings


def run_doctor(settings: Settings, *, as_json: bool) -> int:
    """Print the findings; returns 1 when one of them is a failure."""
    found = list(examine(settings))
    if as_json:
        print(json.dumps([asdict(f) for f in found], indent=2))
    else:
        for f in found:
            mark = {"ok": "✓", "note": "·", "fail": "✗"}[f.state]
            print(f"{mark} {f.name:<12} {f.says}")
            if f.remedy:
                print(f"  {'':<12} → {f.remedy}")
    return int(any(f.state == "fail" for f in found))


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at each thing in turn; a check that breaks is itself a finding."""
    studio = importlib.util.find_spec("fastapi") is not None
    checks: list[tuple[str, Callable[[Settings], Iterator[Finding]]]] = [
        ("engine", _engine),
        ("home", _home),
    ]
    if studio:
        checks += [
            ("ffmpeg", _ffmpeg),
            ("encoder", _encoder),
            ("fonts", _fonts),
            ("speech", _speech),
        ]
    if settings.hosted:
        checks.append(("key", _key))
    else:
        checks.append(("studio", _studio))
    if studio and not settings.hosted:
        if settings.studio_database:
            checks += [("database", _database), ("folders", _folders)]
        if settings.studio_storage:
            checks.append(("storage", _storage))
    yield Finding("version", "ok", f"mosaic-mcp {__version__}, Python {platform.python_version()}")
    for name, check in checks:
        try:
            yield from check(settings)
        except MosaicError as error:
            yield Finding(name, "fail", error.message, error.remedy)
        except OSError as error:
            says = f"{error.filename or 'a file'}: {error.strerror}"
            yield Finding(name, "fail", says, f"Make {settings.home} and all in it yours to write.")


def _engine(settings: Settings) -> Iterator[Finding]:
    if settings.hosted:
        yield Finding("engine", "ok", f"hosted API at {settings.api_url} (MOSAIC_API_KEY is set)")
    else:
        yield Finding("engine", "ok", "local studio (MOSAIC_API_KEY is not set)")
    if importlib.util.find_spec("fastapi") is None:
        yield Finding(
            "studio extra",
            "note" if settings.hosted else "fail",
            "not installed",
            "" if settings.hosted else 'pip install "mosaic-mcp[studio]", or set MOSAIC_API_KEY',
        )


def _home(settings: Settings) -> Iterator[Finding]:
    settings.home.mkdir(parents=True, exist_ok=True)
    found = room("data folder", settings.home, "MOSAIC_HOME")
    if found.state == "ok":  # a full disk takes not even this
        probe = settings.home / ".doctor"
        probe.write_text("ok")
        probe.unlink()
    yield found
    folders = ", ".join(str(d) for d in settings.allowed_dirs)
    yield Finding("reads from", "ok", f"{folders} (MOSAIC_ALLOWED_DIRS)")


def _ffmpeg(settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg

    binary = find_ffmpeg(settings)
    unset = "Unset MOSAIC_FFMPEG to use the packaged FFmpeg."
    mend = unset if settings.ffmpeg else "Install the package imageio-ffmpeg anew."
    try:
        version = _run(binary, "-version").stdout.split("\n", 1)[0]
        tried = _run(binary, *TRIAL)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or "it does not end"
        yield Finding("ffmpeg", "fail", f"{binary} cannot be run: {why}", mend)
        return
    if not version.startswith("ffmpeg version"):
        yield Finding("ffmpeg", "fail", f"{binary} is no FFmpeg: it says {version[:100]!r}", mend)
        return
    yield Finding("ffmpeg", "ok", f"{version.split(' Copyright')[0]} at {binary}")
    if tried.returncode != 0:
        last = next((s for s in reversed(tried.stderr.splitlines()) if s.strip()), "no message")
        yield Finding("encoders", "fail", f"a trial render failed: {last.strip()[:200]}", mend)
    elif " subtitles " not in _run(binary, "-hide_banner", "-filters").stdout:
        yield Finding("encoders", "fail", "it has no filter `subtitles`: no captions", mend)
    else:
        yield Finding("encoders", "ok", "libx264, aac, subtitles, ebur128: a trial render is well")


TRIAL = (
    *("-v", "error", "-nostdin", "-f", "lavfi", "-i", "color=s=64x64:d=0.2:r=10"),
    *("-f", "lavfi", "-i", "sine=d=0.2"),
    *("-af", "ebur128", "-c:v", "libx264", "-c:a", "aac", "-f", "null", "-"),
)
"""A render of a fifth of a second with what ours need but captions."""


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    from mosaic_mcp.studio.children import environment

    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=environment(),  # as when it renders
    )


def _encoder(settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.doctor.encoder import examine_encoder

    return examine_encoder(settings)


def _fonts(_settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.studio.render.fonts import FONTS

    fonts = sorted(path.stem for path in FONTS.glob("*.ttf"))
    yield Finding("fonts", "ok" if fonts else "fail", ", ".join(fonts) or f"none in {FONTS}")


def _speech(settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.studio.models.store import ModelStore

    store = ModelStore(settings.home)
    model = store.model(store.recogniser(settings.studio_model).name)
    yield Finding(
        "speech",
        "ok",
        f"{model.name} ({model.languages}; your own SRT always wins)",
        "Better ones: `uv run mosaic-mcp models`." if model.name == "pocketsphinx" else "",
    )


def _studio(settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.doctor.studio import examine_studio

    return examine_studio(settings)


def _database(settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.doctor.cluster import examine_database

    return examine_database(settings)


def _folders(settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.doctor.cluster import examine_folders

    return examine_folders(settings)


def _storage(settings: Settings) -> Iterator[Finding]:
    from mosaic_mcp.doctor.cluster import examine_storage

    return examine_storage(settings)


def _key(settings: Settings) -> Iterator[Finding]:
    async def whoami() -> str:
        from mosaic_mcp.client import connect

        async with await connect(settings) as client:
            me = await client.whoami()
        return me.organization_name or me.organization_id

    yield Finding("key", "ok", f"accepted for {anyio.run(whoami)}")


if sys.platform == "win32":  # pragma: no cover - consoles there default to a legacy code page
    import io

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
