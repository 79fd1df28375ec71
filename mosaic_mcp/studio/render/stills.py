"""A still picture as a video, so that whatever works on videos works on it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import anyio.to_thread

from mosaic_mcp.studio.reach import told_format
from mosaic_mcp.studio.render.ffmpeg import Limits, guarded_input, run_ffmpeg

RATE = Fraction(30)
ZOOM = 0.08
"""How much nearer a slow zoom comes, as a share of the picture."""
FINER = 2
"""`zoompan` moves by whole pixels: in a picture so many times as large it is smooth."""
_STILL = Limits(wall_s=600)


async def still_video(
    picture: Path,
    out: Path,
    seconds: Fraction,
    size: tuple[int, int],
    *,
    ffmpeg: Path,
    zoom: bool = False,
) -> Path:
    """Write a silent H.264 video of the picture, which fills `size` (both even); its edges are
    cut off where it has another shape. With `zoom` it comes slowly nearer."""
    frames = max(1, round(seconds * RATE))
    width, height = size
    shown = f"tpad=stop=-1:stop_mode=clone,fps={RATE},trim=end_frame={frames},setpts=N/({RATE}*TB)"
    fine = 1
    if zoom:
        fine = FINER if width <= 1920 else 1
        centre = "x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'"
        shown = (
            f"zoompan=z='1+{ZOOM}*on/{frames}':{centre}:d={frames}:s={width}x{height}:fps={RATE}"
        )
    steps = (
        f"scale={width * fine}:{height * fine}:force_original_aspect_ratio=increase"
        ":flags=bicubic+accurate_rnd:out_color_matrix=bt709:out_range=tv",
        f"crop={width * fine}:{height * fine}",
        "setsar=1",
        "format=yuv420p",
        shown,
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
    )
    known = await anyio.to_thread.run_sync(told_format, picture)
    await run_ffmpeg(
        ffmpeg,
        [
            *guarded_input(str(picture), *(("-f", known) if known else ())),
            *("-vf", ",".join(steps), "-frames:v", str(frames), "-r", str(RATE)),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-g", str(2 * RATE)),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
            *("-color_range", "tv", "-movflags", "+faststart", "-f", "mp4", str(out)),
        ],
        cwd=out.parent,
        limits=_STILL,
    )
    return out
