"""Which encoder this machine uses: x264, or hardware that was seen to be quicker and as good.

An encoder that FFmpeg lists need not work: drivers, devices and permissions decide. So each that
this machine could have encodes a few frames, and if it can, the same seconds of a shipped video as
x264. It is chosen where it took less time and its picture is not visibly worse. What was found is
kept in the data folder, for one FFmpeg and the same devices. Drafts and `best` are always x264's:
quicker than any hardware at that size, better than any at that quality.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio

import mosaic_mcp
from mosaic_mcp.errors import EngineUnavailable, MosaicError, RenderFailed
from mosaic_mcp.studio.render.encoders import HARDWARE, SOFTWARE, Encoder, Quality, x264
from mosaic_mcp.studio.render.ffmpeg import Limits, run_ffmpeg

AUTO = "auto"
FILE = "encoders.json"
_DEVICES = ("nvidia[0-9]*", "dxg", "dri/renderD*")


class Encoders:
    """Chooses the encoder of this machine."""

    def __init__(self, ffmpeg: Path, tools: str, wanted: str, folder: Path) -> None:
        """`tools` is FFmpeg's version, `wanted` MOSAIC_ENCODER; what is found is kept in `folder`.

        Raises EngineUnavailable when `wanted` is none that we know.
        """
        if wanted not in (AUTO, SOFTWARE, *HARDWARE):
            raise EngineUnavailable(
                f"MOSAIC_ENCODER names {wanted}, which we do not know.",
                remedy=f"Set it to {AUTO}, {SOFTWARE}, {', '.join(HARDWARE)}.",
            )
        self._ffmpeg, self._tools, self._wanted = ffmpeg, tools, wanted
        self._file = folder / FILE
        self._lock = anyio.Lock()
        self._name: str | None = SOFTWARE if wanted == SOFTWARE else None

    async def of(self, quality: Quality) -> Encoder:
        """The encoder for renders of that quality; the first call may try out what is there."""
        if quality != "standard":
            return x264(quality)
        async with self._lock:
            self._name = self._name or await self._choose()
        return HARDWARE.get(self._name) or x264(quality)

    async def made_by(self, quality: Quality) -> str:
        """The tools that decide how a picture comes out, for recipes and kept parts."""
        encoder = await self.of(quality)
        return self._tools if encoder.name == SOFTWARE else f"{self._tools}, {encoder.name}"

    async def _choose(self) -> str:
        if self._wanted != AUTO:
            trial = await try_encoder(self._ffmpeg, HARDWARE[self._wanted])
            if trial.why:
                raise EngineUnavailable(
                    f"MOSAIC_ENCODER names {self._wanted}, which does not work here: {trial.why}.",
                    remedy=f"Unset it, or set it to {SOFTWARE}.",
                )
            return self._wanted
        names = present()
        if not names:
            return SOFTWARE
        seen = f"{self._tools}; {', '.join(devices())}"
        if (found := read_trials(self._file, seen)) is None:
            found = await compare(self._ffmpeg, names)
            _write_trials(self._file, seen, found)
        return next((trial.name for trial in found if trial.better), SOFTWARE)


@dataclass(frozen=True, slots=True)
class Trial:
    """How an encoder did."""

    name: str
    why: str = ""
    """Why it cannot be used; the rest is nothing then."""
    times: float = 0.0
    """How many times as fast as x264."""
    likeness: float = 0.0
    """SSIM of its picture, and"""
    likeness_of_x264: float = 0.0

    def __str__(self) -> str:
        if self.why:
            return f"{self.name} does not work ({self.why})"
        figures = f"SSIM {self.likeness:.4f} beside {self.likeness_of_x264:.4f}"
        return f"{self.name} {self.times:.1f} times as fast as {SOFTWARE}, {figures}"

    @property
    def better(self) -> bool:
        """Quicker, and its picture not visibly worse."""
        return not self.why and self.times > 1.1 and self.likeness > self.likeness_of_x264 - WORSE


WORSE = 0.005
"""Of SSIM, which nobody sees at this level: that of x264's picture is 0.98 and more."""
SECONDS = 4
_SAMPLE = Path(mosaic_mcp.__file__).parent / "sample" / "talk.mp4"
_TRIAL = Limits(wall_s=120)


def devices() -> list[str]:
    """Names of the devices of this machine that could encode."""
    if sys.platform in ("darwin", "win32"):
        return [sys.platform]
    return sorted(str(p.relative_to("/dev")) for d in _DEVICES for p in Path("/dev").glob(d))


def present() -> list[str]:
    """Encoders of HARDWARE that could be here by the system and its devices: to be tried."""
    if sys.platform == "darwin":
        return ["h264_videotoolbox"]
    if sys.platform == "win32":
        return ["h264_nvenc", "h264_qsv"]
    names = devices()
    cards = [name for name in names if name.startswith("dri/")]
    found = ["h264_nvenc"] if len(cards) < len(names) else []
    return [*found, "h264_qsv", "h264_vaapi"] if cards else found


async def try_encoder(ffmpeg: Path, encoder: Encoder) -> Trial:
    """Let it encode a few frames."""
    graph = f"color=s=320x240:r=10:d=0.5,{encoder.upload or 'format=yuv420p'}[v]"
    args = [*encoder.device, "-filter_complex", graph, "-map", "[v]", "-c:v", encoder.name]
    with tempfile.TemporaryDirectory() as folder:
        try:
            ended = await run_ffmpeg(
                ffmpeg, [*args, *encoder.options, "t.mp4"], cwd=Path(folder), limits=_TRIAL
            )
        except MosaicError as failure:
            return Trial(encoder.name, why=_why(failure, encoder))
    return Trial(encoder.name, why="" if ended.frames else "it made no frames")


async def compare(ffmpeg: Path, names: list[str]) -> list[Trial]:
    """Let each of them encode what x264 encodes, and tell how it did."""
    found = [await try_encoder(ffmpeg, HARDWARE[name]) for name in names]
    if all(trial.why for trial in found):
        return found
    with tempfile.TemporaryDirectory() as name:
        theirs = await _measure(ffmpeg, x264("standard"), Path(name))
        return [t if t.why else await _beside(ffmpeg, t, theirs, Path(name)) for t in found]


async def _beside(ffmpeg: Path, trial: Trial, theirs: tuple[float, float], folder: Path) -> Trial:
    encoder, (seconds, likeness) = HARDWARE[trial.name], theirs
    try:
        own, like = await _measure(ffmpeg, encoder, folder)
    except MosaicError as failure:
        return Trial(encoder.name, why=_why(failure, encoder))
    return Trial(encoder.name, "", seconds / own, like, likeness)


def _why(failure: MosaicError, encoder: Encoder) -> str:
    """What the encoder itself said, which is more than that FFmpeg failed."""
    log = failure.log if isinstance(failure, RenderFailed) else ""
    said = re.search(rf"^\[{encoder.name} @ \w+\] (.+)$", log, re.MULTILINE)
    return said.group(1).strip(" .") if said else failure.message


async def _measure(ffmpeg: Path, encoder: Encoder, folder: Path) -> tuple[float, float]:
    """Seconds that it took, and the SSIM of what it made."""
    true = f"[0:v]trim=end={SECONDS},scale=1920:1080:flags=bicubic,setsar=1,fps=30,format=yuv420p"
    graph = f"{true},{encoder.upload or 'format=yuv420p'}[v]"
    options = ("-filter_complex", graph, "-map", "[v]", "-c:v", encoder.name, *encoder.options)
    begin = time.perf_counter()
    await run_ffmpeg(
        ffmpeg, [*encoder.device, "-i", str(_SAMPLE), *options, "t.mp4"], cwd=folder, limits=_TRIAL
    )
    seconds = time.perf_counter() - begin
    graph = f"{true}[true];[1:v]format=yuv420p[made];[made][true]ssim"
    inputs = ("-i", str(_SAMPLE), "-i", "t.mp4", "-filter_complex", graph)
    ended = await run_ffmpeg(ffmpeg, [*inputs, "-f", "null", "-"], cwd=folder, limits=_TRIAL)
    said = re.findall(r"SSIM .*All:([\d.]+)", ended.log)
    return seconds, float(said[-1]) if said else 0.0


def read_trials(file: Path, seen: str | None = None) -> list[Trial] | None:
    """What was found, None when nothing is kept (for `seen`: FFmpeg and devices)."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if seen is None or kept["seen"] == seen:
            return [Trial(**trial) for trial in kept["trials"]]
    return None


def _write_trials(file: Path, seen: str, trials: list[Trial]) -> None:
    kept = [asdict(trial) for trial in trials]
    file.write_text(json.dumps({"seen": seen, "trials": kept}, indent=1), "utf-8")
