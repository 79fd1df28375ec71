"""The two-second card that Intro and Outro play unless a clip is given.

    python -m tests.support.make_bumper

The logo fades in and out over a dark ground; drawn once, shipped with the studio.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

ASSETS = Path(__file__).parents[2] / "mosaic_mcp" / "studio" / "tiles" / "assets"
GRAPH = (
    "gradients=s=1920x1080:r=30:d=2:c0=0x111827:c1=0x312e81:x0=0:y0=0:x1=1920:y1=1080:speed=0.00001"
    "[ground];[0:v]format=rgba,scale=960:-1,loop=59:1,setpts=N/30/TB,"
    "fade=in:st=0.1:d=0.4:alpha=1,fade=out:st=1.6:d=0.35:alpha=1[logo];"
    "[ground][logo]overlay=(W-w)/2:(H-h)/2,format=yuv420p,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709[v]"
)


def main() -> None:
    """Write bumper.mp4."""
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(ASSETS / "logo.png"),
            "-filter_complex", GRAPH, "-map", "[v]", "-frames:v", "60", "-r", "30",
            "-c:v", "libx264", "-preset", "slow", "-crf", "22", "-g", "60",
            "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
            "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart",
            str(ASSETS / "bumper.mp4"),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


if __name__ == "__main__":
    main()
