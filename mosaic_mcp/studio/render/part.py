"""A part of a picture: how it is made, alone or with the same part of others, and kept.

Its name is a hash of its filter graph, of everything that the graph reads and of the encoder: what
a crash left unfinished goes on where it stopped, and a changed caption renders one part again.
Timelines that show the same frames in other ways are made by one FFmpeg process, which decodes
once; what each comes to is kept under the name that it has when it is made alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import anyio.to_thread
import pysubs2

from mosaic_mcp.errors import MediaError, MosaicError
from mosaic_mcp.studio.render.commands import SideFile, keep_files
from mosaic_mcp.studio.render.compile import compile_video
from mosaic_mcp.studio.render.encoders import Encoder
from mosaic_mcp.studio.render.ffmpeg import run_ffmpeg
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.kept import PartStore, keep, take
from mosaic_mcp.studio.render.layers import FONTS_DIR
from mosaic_mcp.studio.render.pieces import Frames
from mosaic_mcp.studio.render.plan import CAPTIONS, GRAPH, Plan, View, side_files
from mosaic_mcp.studio.render.workbench import OnShare, Workbench, lend, place

KEY_FRAME_S = 2
"""Players seek well, and later cuts can be copied."""
VERSION = 2
MANY_SOURCES = 8
"""With more, decoders of as many threads as FFmpeg likes would need too much memory at once."""
LEAD_S = 60
"""Captions begin at most this long before the part in which they still stand."""


class Part:
    """Some frames of one picture."""

    def __init__(self, work: Workbench, frames: Frames) -> None:
        """Frames of the output of the workbench's timeline."""
        self.work = work
        self.frames = frames
        self.captions, self.ahead = _captions(work, frames)
        self.plan = plan_of([self])

    @property
    def arguments(self) -> tuple[str, ...]:
        """FFmpeg's, when the part is made alone."""
        return arguments(self.plan, self.work.encoder)

    async def taken(self, store: PartStore, out: Path) -> bool:
        """Have the part as `out` where it is kept: then True."""
        return await anyio.to_thread.run_sync(take, self.kept(store), out)

    async def there(self, store: PartStore) -> bool:
        """True when it is kept."""
        return await anyio.to_thread.run_sync(self.kept(store).exists)

    async def keep(self, made: Path, store: PartStore, *, moved: bool = False) -> None:
        """Keep the finished part; `moved`, it is not left where it was made."""
        await anyio.to_thread.run_sync(lambda: keep(made, self.kept(store), moved=moved))

    def kept(self, store: PartStore) -> Path:
        """Where it is kept, or would be."""
        key = key_of(self.plan, self.captions, self.arguments, self.work.names, store.tools)
        return store.folder / f"{key}.mp4"


def _captions(work: Workbench, frames: Frames) -> tuple[str, Fraction | None]:
    """The captions that are seen in a part, and how many seconds they are ahead of it."""
    if work.sheet is None:
        return "", None
    if frames.count == work.frames:
        return work.sheet.text, Fraction(0)
    rate, first = work.timeline.frame_rate, frames.first
    return captions_of(work.sheet.subs, first / rate, (first + frames.count) / rate)


def captions_of(captions: pysubs2.SSAFile, first: Fraction, last: Fraction) -> tuple[str, Fraction]:
    """The captions that are seen in [first, last) seconds, and how much later their times are.

    They are those of the whole picture, so that no seam shows.

    Adding that to the part's own times, which begin at 0, gives theirs. ASS knows hundredths of a
    second only, so that events move by whole hundredths and the rest stays with the pictures.
    """
    moved = int(first * 100) - LEAD_S * 100
    begin, end = float(first * 1000), float(last * 1000)
    subs = pysubs2.SSAFile()
    subs.info, subs.styles = captions.info, captions.styles
    subs.events = [e.copy() for e in captions if e.start < end and e.end > begin]
    subs.shift(ms=-10 * moved)
    return subs.to_string("ass"), first - Fraction(moved, 100)


def key_of(
    plan: Plan, captions: str, arguments: Sequence[str], names: Mapping[str, str], tools: str
) -> str:
    """A hash of everything that decides a part's picture."""
    used = {name: sha for sha, name in names.items() if name in arguments or name in plan.graph}
    files = {**plan.files, CAPTIONS: captions}
    said = json.dumps([VERSION, tools, list(arguments), plan.graph, files, used], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def plan_of(parts: Sequence[Part]) -> Plan:
    """How parts with the same frames are made together."""
    first = parts[0]
    views = [
        View(part.work.timeline, part.ahead, part.work.draft, number)
        for number, part in enumerate(parts)
    ]
    names = {sha: name for part in parts for sha, name in part.work.names.items()}
    facts = {sha: stored for part in parts for sha, stored in part.work.facts.items()}
    return compile_video(views, names, facts, upload=first.work.encoder.upload, part=first.frames)


def arguments(plan: Plan, encoder: Encoder, threads: int | None = None) -> tuple[str, ...]:
    """FFmpeg's arguments; `threads` decide the speed only.

    They are for each of decoder, filters and encoders, which work at the same time. With parts side
    by side on every core, one for each is quickest: more have to wait for each other.
    """
    each = ("-threads", str(threads)) if threads else ()
    decoders = each or (("-threads", "2") if plan.sources > MANY_SOURCES else ())
    inputs = [(*decoders, option) if option == "-i" else (option,) for option in plan.inputs]
    rate = plan.views[0].timeline.frame_rate
    coded = (
        *("-c:v", encoder.name, *encoder.options),
        *("-g", str(round(rate * KEY_FRAME_S)), "-r", str(rate), "-fps_mode", "cfr"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "tv", "-frames:v", str(plan.frames)),
    )
    return (
        *encoder.device,
        *chain.from_iterable(inputs),
        *(("-filter_complex_threads", str(threads)) if threads else ()),
        *("-/filter_complex", GRAPH),
        *chain.from_iterable(
            (*each, "-map", f"[{view.out}]", *coded, _file(view)) for view in plan.views
        ),
    )


def _file(view: View) -> str:
    return f"{view.own('part')}.mp4"


async def make(
    parts: Sequence[Part], folder: Path, tell: OnShare, threads: int | None = None
) -> list[Path]:
    """Render parts with the same frames in a folder: their files, in order.

    Raises RenderFailed, and MediaError when a source ends too early, which FFmpeg does not mind.
    """
    plan = parts[0].plan if len(parts) == 1 else await anyio.to_thread.run_sync(plan_of, parts)
    files = [folder / _file(view) for view in plan.views]
    try:
        await _run(parts, plan, folder, tell, threads)
        for file in files[1:]:
            await _check_length(parts[0].work, plan, file)
    except (MosaicError, OSError):
        for file in files:
            file.unlink(missing_ok=True)
        raise
    return files


async def _run(
    parts: Sequence[Part], plan: Plan, folder: Path, tell: OnShare, threads: int | None
) -> None:
    work = parts[0].work
    await anyio.to_thread.run_sync(_lay_out, parts, plan, folder)
    await keep_files(folder, _read(parts, plan, folder))
    total = float(Fraction(plan.frames) / work.timeline.frame_rate)
    ended = await run_ffmpeg(
        work.ffmpeg,
        arguments(plan, work.encoder, threads),
        cwd=folder,
        on_progress=lambda seconds: tell(min(seconds / total, 1.0)),
    )
    _check_frames(work, plan, ended.frames)


async def _check_length(work: Workbench, plan: Plan, file: Path) -> None:
    """As for the first: FFmpeg tells of one output only how long it became."""
    copy = ("-i", file.name, "-map", "0:v", "-c", "copy", "-f", "null", "-")
    ended = await run_ffmpeg(work.ffmpeg, copy, cwd=file.parent)
    _check_frames(work, plan, ended.frames)


def _check_frames(work: Workbench, plan: Plan, frames: int) -> None:
    if frames < plan.frames:
        missing = float((plan.frames - frames) / work.timeline.frame_rate)
        names = dict.fromkeys(work.timeline.sources[c.source].name for c in work.timeline.clips)
        raise MediaError(
            f"The picture of {' or '.join(names)} ends {missing:.1f} s before its stated "
            "length: the file is damaged or cut short.",
            remedy="Upload a complete file, or cut the end away.",
        )


def _lay_out(parts: Sequence[Part], plan: Plan, folder: Path) -> None:
    """Everything that the command reads, in its folder."""
    folder.mkdir(exist_ok=True)
    used = set(plan.inputs) | set(plan.graph.replace("=", ":").split(":"))
    for part in parts:
        for name in part.work.media:
            if name in used and not (folder / name).exists():
                lend(part.work.job / name, folder / name)
    side_files(folder, plan)
    for part, view in zip(parts, plan.views, strict=True):
        if part.captions:
            (folder / view.captions_file).write_text(part.captions, "utf-8")
            _bring_fonts(folder / FONTS_DIR)


def _bring_fonts(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for font in FONTS.glob("*.ttf"):
        if not (folder / font.name).exists():
            place(font, folder / font.name)


def _read(parts: Sequence[Part], plan: Plan, folder: Path) -> dict[str, SideFile]:
    """What the command reads from the folder, to be made again by others."""
    texts = {GRAPH: plan.graph, **plan.files}
    read: dict[str, SideFile] = {}
    for part, view in zip(parts, plan.views, strict=True):
        if part.captions:
            texts[view.captions_file] = part.captions
            fonts = FONTS.glob("*.ttf")
            read |= {f"{FONTS_DIR}/{font.name}": {"font": font.name} for font in fonts}
        read |= part.work.sources_in(folder)
    written: dict[str, SideFile] = {name: {"text": text} for name, text in texts.items()}
    return read | written
