"""`/studio/v1`: what the studio adds to the contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mosaic_mcp.client.transport import Transport, part
from mosaic_mcp.contract.doable import Doable
from mosaic_mcp.contract.extensions import (
    FRAME_TIMES,
    PREFIX,
    Asset,
    BringTranscript,
    FindRun,
    Known,
    LinkedFile,
    LocalFile,
    LookAt,
    RenderInfo,
    RunLog,
    RunTimeline,
    RunWatch,
    StudioInfo,
    Tiles,
    Transcript,
)
from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.errors import Fault, NotFound

Kind = Literal["videos", "renders"]
MEDIA_TIMEOUT_S = 600.0
"""Hashing a long video takes its time."""
HEARING_S = 3 * 3600.0
"""And so does recognising its words: as long as the studio gives it."""


class StudioExtension:
    """Calls below /studio/v1 of an engine that answered the probe."""

    def __init__(self, transport: Transport, info: StudioInfo) -> None:
        self._transport = transport
        self.info = info

    async def watch(self, run_id: str, *, since: int, wait_s: float) -> RunWatch:
        """The run as soon as its sequence number passes `since`, or after `wait_s` seconds."""
        answer = await self._transport.get(
            f"{PREFIX}/runs/{part(run_id)}/watch",
            query={"since": since, "wait_s": round(wait_s, 3)},
            timeout_s=wait_s + 30,
        )
        return answer.read(RunWatch)

    async def tiles(self) -> Tiles:
        """How well this studio does each tile."""
        return (await self._transport.get(f"{PREFIX}/tiles")).read(Tiles)

    async def check(self, agent_id: str, body: dict[str, Any]) -> list[Fault]:
        """What of such a run this studio cannot do, whatever its videos."""
        try:
            answer = await self._transport.post(
                f"{PREFIX}/agents/{part(agent_id)}/check", body, idempotent=True
            )
        except NotFound:  # an older studio: the run will tell
            return []
        return [Fault(f.where, f.what, f.remedy, f.rule) for f in answer.read(Doable).faults]

    async def add_local_file(self, path: Path, asset_type: AssetType) -> Asset:
        """Make a file of this machine an asset without sending its bytes."""
        body = LocalFile(path=str(path), asset_type=asset_type).model_dump()
        answer = await self._transport.post(
            f"{PREFIX}/files", body, idempotent=True, timeout_s=MEDIA_TIMEOUT_S
        )
        return answer.read(Asset)

    async def add_url(self, url: str, asset_type: AssetType) -> Asset:
        """Let the studio fetch a file from a public address as an asset."""
        body = LinkedFile(url=url, asset_type=asset_type).model_dump()
        answer = await self._transport.post(
            f"{PREFIX}/urls", body, idempotent=True, timeout_s=MEDIA_TIMEOUT_S
        )
        return answer.read(Asset)

    async def bring_transcript(self, video_id: str, transcript: BringTranscript) -> None:
        """Attach the user's own subtitles to a video."""
        await self._transport.post(
            f"{PREFIX}/videos/{part(video_id)}/transcript",
            transcript.model_dump(),
            method="PUT",
            idempotent=True,
        )

    async def transcript(
        self,
        kind: Kind,
        media_id: str,
        *,
        cursor: str | None = None,
        query: str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        limit: int | None = None,
    ) -> Transcript:
        """Words of a video (source time) or a render (its own time), at most `limit` a page."""
        answer = await self._transport.get(
            f"{PREFIX}/{kind}/{part(media_id)}/transcript",
            query={
                "cursor": cursor,
                "query": query,
                "start_s": start_s,
                "end_s": end_s,
                "limit": limit,
            },
            timeout_s=HEARING_S,
        )
        return answer.read(Transcript)

    async def known(
        self,
        kind: Kind | None,
        ref: str,
        moments_ms: Sequence[int],
    ) -> Known:
        """What the studio knows of a video; without a kind `ref` is a path of this machine."""
        at = f"{PREFIX}/known" if kind is None else f"{PREFIX}/{kind}/{part(ref)}/known"
        body = LookAt(path=ref if kind is None else None, moments_ms=tuple(moments_ms))
        answer = await self._transport.post(
            at, body.model_dump(), idempotent=True, timeout_s=MEDIA_TIMEOUT_S
        )
        return answer.read(Known)

    async def render(self, render_id: str) -> RenderInfo:
        """An output beyond its links."""
        answer = await self._transport.get(f"{PREFIX}/renders/{part(render_id)}")
        return answer.read(RenderInfo)

    async def timeline(self, run_id: str) -> RunTimeline:
        """The finished outputs of a run as cuts."""
        answer = await self._transport.get(f"{PREFIX}/runs/{part(run_id)}/timeline")
        return answer.read(RunTimeline)

    async def run_log(
        self,
        run_id: str,
        *,
        render_id: str | None = None,
        files: bool = False,
        cursor: str | None = None,
    ) -> RunLog:
        """A page of what a run's steps logged; with `files` also what its commands read."""
        answer = await self._transport.get(
            f"{PREFIX}/runs/{part(run_id)}/log",
            query={"render_id": render_id, "files": files or None, "cursor": cursor},
        )
        return answer.read(RunLog)

    async def sheet(
        self, kind: Kind, media_id: str, frames: int
    ) -> tuple[bytes, str, tuple[float, ...]]:
        """A contact sheet of evenly spaced frames, its media type, and their times in seconds."""
        answer = await self._transport.get(
            f"{PREFIX}/{kind}/{part(media_id)}/sheet", query={"frames": frames}, timeout_s=120
        )
        told = answer.headers.get(FRAME_TIMES, "").split(",")
        return answer.content, answer.media_type, tuple(float(time) for time in told if time)

    async def frame(self, kind: Kind, media_id: str, at_s: float) -> tuple[bytes, str]:
        """The frame at a time in seconds, and its media type."""
        answer = await self._transport.get(
            f"{PREFIX}/{kind}/{part(media_id)}/frame", query={"at": at_s}, timeout_s=120
        )
        return answer.content, answer.media_type

    async def find_run(self, idempotency_key: str) -> str | None:
        """The run that was started with this key, or None."""
        answer = await self._transport.get(
            f"{PREFIX}/runs", query={"idempotency_key": idempotency_key}
        )
        return answer.read(FindRun).run_id
