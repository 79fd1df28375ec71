"""`/studio/v1/files`, `/videos` and `/renders`: facts, words and pictures of a video."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Response

from mosaic_mcp.contract.extensions import (
    FRAME_TIMES,
    PREFIX,
    Asset,
    BringTranscript,
    Known,
    LinkedFile,
    LocalFile,
    LookAt,
    RenderInfo,
    Transcript,
)
from mosaic_mcp.contract.languages import language_tag
from mosaic_mcp.errors import Conflict, Fault, Forbidden, InvalidRequest, NotFound
from mosaic_mcp.studio.intake import MAX_BYTES
from mosaic_mcp.studio.library import RenderFile
from mosaic_mcp.studio.perception.subtitles import read_cues
from mosaic_mcp.studio.reading import PAGE_WORDS, Reading, known, read
from mosaic_mcp.studio.render.pictures import contact_sheet, frame
from mosaic_mcp.studio.routes.dependencies import CallerDep, LinksDep, StudioDep
from mosaic_mcp.studio.store.outputs import Output, again, files_gone
from mosaic_mcp.studio.studio import Studio
from mosaic_mcp.studio.timeline.edit import from_source, picture_of
from mosaic_mcp.studio.timeline.model import Timeline
from mosaic_mcp.web.addresses import anywhere, public
from mosaic_mcp.web.download import Limits, download

router = APIRouter(prefix=PREFIX, tags=["studio"])

FETCH_S = 480
"""Seconds that an address may take: the caller waits for the answer."""
Kind = Literal["videos", "renders"]
TextSuffix = Literal["srt", "vtt", "txt"]
TEXTS: dict[TextSuffix, RenderFile] = {
    "srt": "captions.srt",
    "vtt": "captions.vtt",
    "txt": "captions.txt",
}
Seconds = Annotated[float | None, Query(ge=0, le=86_400)]


@dataclass(frozen=True, slots=True)
class Video:
    """An uploaded video or an output, as something to look at."""

    key: str
    """Of its file, in the library."""
    timeline: Timeline
    """As it plays: an upload is a single clip of itself."""
    output: Output | None = None


def _whole(video: VideoDep) -> Video:
    """A video to look at: its file must be there."""
    if (output := video.output) is not None and output.deleted_at is not None:
        # Not NotFound: the output is there, and its words can be read.
        told = files_gone(output.name, output.deleted_at.isoformat())
        raise Conflict(told, remedy=again(output.run_id))
    return video


async def _video(kind: Kind, video_id: str, studio: StudioDep, caller: CallerDep) -> Video:
    if kind == "renders":
        output = await studio.outputs.get(caller.owner, video_id)
        return Video(studio.library.render(output.id), output.timeline, output)
    source, key = await studio.assets.file(caller.owner, video_id)
    return Video(key, from_source(source, tile=""))


_PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}

VideoDep = Annotated[Video, Depends(_video)]
WholeDep = Annotated[Video, Depends(_whole)]


@router.post("/files")
async def take_file(body: LocalFile, studio: StudioDep, caller: CallerDep) -> Asset:
    """Take a file of this machine as an asset without sending it over HTTP."""
    if not caller.local:
        raise Forbidden(
            "Only the user of this machine may hand over files by path.",
            remedy="Upload the file with /uploads.",
        )
    return await studio.intake.take_file(caller.owner, Path(body.path), body.asset_type)


@router.post("/urls")
async def take_url(body: LinkedFile, studio: StudioDep, caller: CallerDep) -> Asset:
    """Fetch a file from a public address as an asset."""
    with studio.library.job() as job:
        path, name = await download(
            body.url,
            job,
            limits=Limits(size=MAX_BYTES[body.asset_type], seconds=FETCH_S),
            allowed=anywhere if studio.settings.private_urls else public,
            room=studio.intake.room,
        )
        return await studio.intake.take(caller.owner, path, name, body.asset_type)


@router.get("/renders/{render_id}")
async def render_info(
    render_id: str, studio: StudioDep, caller: CallerDep, links: LinksDep
) -> RenderInfo:
    """An output beyond its links: facts, timeline, and where its files are on a shared disk."""
    output = await studio.outputs.get(caller.owner, render_id)

    def path(file: RenderFile) -> str | None:
        here = studio.library.storage.here(studio.library.render(render_id, file))
        return str(here) if caller.here and here is not None and here.exists() else None

    texts: dict[TextSuffix, str] = {}
    for suffix, file in TEXTS.items():
        if (here := path(file)) is not None:
            texts[suffix] = here
        elif await studio.library.storage.size(studio.library.render(render_id, file)) is not None:
            texts[suffix] = links.render(render_id, file)
    picture = picture_of(output.timeline)
    picture_file: Path | None = None
    if picture is not None and caller.here:
        _, key = await studio.assets.file(caller.owner, picture)
        picture_file = studio.library.storage.here(key)
    return RenderInfo(
        id=output.id,
        run_id=output.run_id,
        name=output.name,
        path=path("video.mp4"),
        timeline_path=path("timeline.zip"),
        texts=texts,
        image_path=str(picture_file) if picture_file else None,
        image_url=links.asset(picture) if picture else None,
        deleted_at=output.deleted_at,
        facts=output.facts,
        timeline=output.timeline.model_dump(mode="json"),
    )


@router.put("/videos/{video_id}/transcript")
async def bring_transcript(
    video_id: str, body: BringTranscript, studio: StudioDep, caller: CallerDep
) -> Transcript:
    """Bring the words of a video as subtitles; they come before any recogniser's."""
    if body.language and not language_tag(body.language):
        what = f"{body.language!r} is not the tag of a language."
        remedy = 'Give one such as "de" or "pt-BR", or leave it out: then the words show it.'
        raise InvalidRequest([Fault("language", what, remedy)])
    await anyio.to_thread.run_sync(read_cues, body.text, body.format)
    await studio.transcripts.bring(caller.owner, video_id, body)
    source, _ = await studio.assets.file(caller.owner, video_id)
    return await read(from_source(source, tile=""), studio.perception, Reading())


@router.get("/{kind}/{video_id}/transcript")
async def read_transcript(
    video: VideoDep,
    studio: StudioDep,
    query: Annotated[str | None, Query(max_length=200)] = None,
    start_s: Seconds = None,
    end_s: Seconds = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[
        int, Query(ge=1, le=PAGE_WORDS, description="Most words of a page")
    ] = PAGE_WORDS,
) -> Transcript:
    """What is said, by sentences, in pages; `query` keeps the sentences with all of its words."""
    wanted = Reading(start_s=start_s, end_s=end_s, query=query, cursor=cursor, limit=limit)
    return await read(video.timeline, studio.perception, wanted)


@router.post("/{kind}/{video_id}/known")
async def look_at(video: VideoDep, body: LookAt, studio: StudioDep) -> Known:
    """How long it is, and which of its words a cut would go through, as far as that is known."""
    return await known(video.timeline, studio.perception, body.moments_ms)


@router.post("/known")
async def look_at_file(body: LookAt, studio: StudioDep, caller: CallerDep) -> Known:
    """The same of a file of this machine, which is read and not taken."""
    if not caller.local or body.path is None:
        raise Forbidden(
            "Only files of this machine are looked at, for its user.",
            remedy="Upload the file with /uploads.",
        )
    source = await studio.intake.look(Path(body.path))
    return await known(from_source(source, tile=""), studio.perception, body.moments_ms)


@router.get("/{kind}/{video_id}/sheet", response_class=Response, responses=_PICTURE)
async def show_sheet(
    video: WholeDep, studio: StudioDep, frames: Annotated[int, Query(ge=1, le=24)] = 9
) -> Response:
    """A contact sheet of evenly spaced frames, each with its time; `Frame-Times` has all times."""
    length = float(video.timeline.duration)
    times: list[float] = []

    async def make(path: Path, out: Path) -> None:
        times.extend(await contact_sheet(path, length, out, ffmpeg=studio.ffmpeg, frames=frames))

    answer = await _picture(studio, video, make)
    answer.headers[FRAME_TIMES] = ",".join(f"{time:.3f}" for time in times)
    return answer


@router.get("/{kind}/{video_id}/frame", response_class=Response, responses=_PICTURE)
async def show_frame(
    video: WholeDep, studio: StudioDep, at: Annotated[float, Query(ge=0)] = 0.0
) -> Response:
    """The frame that is on screen at `at` seconds."""
    length = float(video.timeline.duration)
    if at >= length:
        last = length - float(1 / video.timeline.frame_rate)
        told = f"The last frame is at {last:.3f} s."
        fault = Fault("at", f"the video ends at {length:.3f} s.", told)
        raise InvalidRequest([fault])
    return await _picture(
        studio, video, lambda path, out: frame(path, at, out, ffmpeg=studio.ffmpeg)
    )


async def _picture(
    studio: Studio, video: Video, make: Callable[[Path, Path], Awaitable[object]]
) -> Response:
    with studio.library.job() as job:
        out = job / "picture.jpg"
        if await studio.library.storage.size(video.key) is None:
            raise NotFound(
                "The file of this video is no longer in the storage.",
                remedy="Run it again, or add the video again.",
            )
        async with studio.library.storage.file(video.key) as path:
            await make(path, out)
        return Response(await anyio.Path(out).read_bytes(), media_type="image/jpeg")
