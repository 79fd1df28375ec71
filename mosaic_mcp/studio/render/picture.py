"""Rendering the picture: in one piece, or a long one in parts that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import anyio
import anyio.to_thread

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.machine import cores
from mosaic_mcp.studio.render.commands import SideFile, keep_files
from mosaic_mcp.studio.render.compile import (
    CAPTIONS,
    FONTS_DIR,
    GRAPH,
    Frames,
    Plan,
    compile_video,
    side_files,
)
from mosaic_mcp.studio.render.ffmpeg import run_ffmpeg
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.kept import keep as keep_file
from mosaic_mcp.studio.render.kept import take
from mosaic_mcp.studio.render.parts import captions_of, key_of, listing, parts_of
from mosaic_mcp.studio.render.sheet import Sheet
from mosaic_mcp.studio.render.workbench import OnShare, Workbench, place
from mosaic_mcp.studio.side_by_side import side_by_side

PICTURE = "picture.mp4"
LISTING = "parts.txt"
KEY_FRAME_S = 2
"""Players seek well, and later cuts can be copied."""
MOST_AT_ONCE = 4
"""Parts that are rendered side by side: each takes some hundred megabytes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture in the job's folder: FFmpeg's arguments to read it, and how it was made.

    The rest is as in `RenderReport`.
    """

    inputs: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...] = ()
    graphs: tuple[str, ...] = ()
    copied: int = 0
    why_encoded: str = ""
    kept: int = 0


async def rendered(work: Workbench, tell: OnShare, keep: Path | None, tools: str) -> Picture:
    """Render the picture; parts of a long one are kept in the folder `keep`, and taken from it."""
    parts = parts_of(work.timeline)
    if keep is None or len(parts) == 1:
        whole = Frames(0, work.frames)
        part = await anyio.to_thread.run_sync(_Part, work, work.job, whole)
        await part.render(work.job / PICTURE, tell)
        return Picture(("-i", PICTURE), (part.arguments(),), (part.plan.graph,))
    return await _in_parts(work, parts, tell, keep, tools)


async def _in_parts(
    work: Workbench, places: list[Frames], tell: OnShare, keep: Path, tools: str
) -> Picture:
    parts = await anyio.to_thread.run_sync(
        lambda: [_Part(work, work.job / f"part{n}", place) for n, place in enumerate(places)]
    )
    missing = [n for n, part in enumerate(parts) if not await part.taken(keep, tools)]
    shares = [0.0 if n in missing else float(place.count) for n, place in enumerate(places)]
    at_once = anyio.CapacityLimiter(max(1, min(cores(), MOST_AT_ONCE, len(missing))))
    threads = max(1, cores() // int(at_once.total_tokens))

    async def make(number: int) -> None:
        def told(share: float) -> None:
            shares[number] = share * places[number].count
            tell(min(sum(shares) / work.frames, 1.0))

        async with at_once:
            await parts[number].make(keep, tools, told, threads)
            told(1.0)

    async with side_by_side() as group:
        for number in missing:
            group.start_soon(make, number)
    files = [part.folder.with_suffix(".mp4") for part in parts]
    (work.job / LISTING).write_text(listing(files), "utf-8")
    return Picture(
        ("-f", "concat", "-i", LISTING),
        tuple(part.arguments() for part in parts),
        tuple(part.plan.graph for part in parts),
        kept=len(parts) - len(missing),
    )


class _Part:
    """A part of the picture, all of it for a short one, in a folder of its own."""

    def __init__(self, work: Workbench, folder: Path, place: Frames) -> None:
        self._work = work
        self._place = place
        self.folder = folder
        timeline, self._captions, ahead = work.timeline, "", None
        if work.sheet is not None:
            self._captions, ahead = self._own_captions(work.sheet)
        self.plan: Plan = compile_video(
            timeline,
            work.names,
            work.facts,
            draft=work.draft,
            upload=work.encoder.upload,
            captions=ahead,
            part=place,
        )

    def _own_captions(self, sheet: Sheet) -> tuple[str, Fraction]:
        if self._place.count == self._work.frames:
            return sheet.text, Fraction(0)
        rate, first = self._work.timeline.frame_rate, self._place.first
        return captions_of(sheet.subs, first / rate, (first + self._place.count) / rate)

    def arguments(self, threads: int | None = None) -> tuple[str, ...]:
        """FFmpeg's arguments, without the output; `threads` decide the speed only."""
        rate, encoder = self._work.timeline.frame_rate, self._work.encoder
        return (
            *encoder.device,
            *self.plan.inputs,
            *(("-threads", str(threads)) if threads else ()),
            *("-/filter_complex", GRAPH, "-map", "[v]", "-c:v", encoder.name, *encoder.options),
            *("-g", str(round(rate * KEY_FRAME_S)), "-r", str(rate), "-fps_mode", "cfr"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
            *("-color_range", "tv", "-frames:v", str(self.plan.frames)),
        )

    async def taken(self, folder: Path, tools: str) -> bool:
        """Have the part beside its folder, from `folder` where it is kept: then True."""
        kept = self._kept(folder, tools)
        return await anyio.to_thread.run_sync(take, kept, self.folder.with_suffix(".mp4"))

    async def make(self, folder: Path, tools: str, tell: OnShare, threads: int) -> None:
        """Render the part beside its folder, and keep it in `folder`."""
        await anyio.to_thread.run_sync(self._bring_files)
        made = self.folder.with_suffix(".mp4")
        await self.render(made, tell, threads)
        await anyio.to_thread.run_sync(keep_file, made, self._kept(folder, tools))

    def _kept(self, folder: Path, tools: str) -> Path:
        key = key_of(self.plan, self._captions, self.arguments(), self._work.names, tools)
        return folder / f"{key}.mp4"

    def _bring_files(self) -> None:
        self.folder.mkdir()
        used = set(self.plan.inputs) | set(self.plan.graph.replace("=", ":").split(":"))
        for name in _names(self._work.names):
            if name in used and (self._work.job / name).exists():
                place(self._work.job / name, self.folder / name)

    async def render(self, out: Path, tell: OnShare, threads: int | None = None) -> None:
        """Render to `out`; FFmpeg does not mind when a source ends too early, but we do."""
        work, plan = self._work, self.plan
        await anyio.to_thread.run_sync(self._side_files)
        await keep_files(self.folder, self._read())
        total = float(Fraction(plan.frames) / work.timeline.frame_rate)
        ended = await run_ffmpeg(
            work.ffmpeg,
            [*self.arguments(threads), "part.mp4"],
            cwd=self.folder,
            on_progress=lambda seconds: tell(min(seconds / total, 1.0)),
        )
        if ended.frames < plan.frames:
            missing = float((plan.frames - ended.frames) / work.timeline.frame_rate)
            names = dict.fromkeys(work.timeline.sources[c.source].name for c in work.timeline.clips)
            raise MediaError(
                f"The picture of {' or '.join(names)} ends {missing:.1f} s before its stated "
                "length: the file is damaged or cut short.",
                remedy="Upload a complete file, or cut the end away.",
            )
        (self.folder / "part.mp4").replace(out)

    def _read(self) -> dict[str, SideFile]:
        """What the command reads from the folder."""
        texts = {GRAPH: self.plan.graph, **self.plan.files}
        read: dict[str, SideFile] = {}
        if self._captions:
            texts[CAPTIONS] = self._captions
            read = {f"{FONTS_DIR}/{font.name}": {"font": font.name} for font in FONTS.glob("*.ttf")}
        read |= {name: {"text": text} for name, text in texts.items()}
        if self.folder != self._work.job:
            read |= self._work.sources_in(self.folder)
        return read

    def _side_files(self) -> None:
        side_files(self.folder, self.plan)
        if not self._captions:
            return
        (self.folder / CAPTIONS).write_text(self._captions, "utf-8")
        fonts = self.folder / FONTS_DIR
        fonts.mkdir()
        for font in FONTS.glob("*.ttf"):
            place(font, fonts / font.name)


def _names(names: Mapping[str, str]) -> list[str]:
    """Files that a source may be in: a table has a second name."""
    return [each for name in names.values() for each in (name, f"{name}.cube")]
