"""What the contract lacks and the studio adds, under `/studio/v1/…`.

A client finds it with one probe, GET /studio/v1, and works without it: `WITHOUT_STUDIO` says
what each tool loses on an engine that answers 404 there.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from mosaic_mcp.contract.base import Id, Page, Request, Response
from mosaic_mcp.contract.runs import AgentRun, NodeStatus
from mosaic_mcp.contract.webhooks import Flag

PREFIX = "/studio/v1"

OWNER_HEADER = "x-mosaic-owner"
"""Whom a server process acts for; accepted only with the token of the discovery file."""
LINKS_HEADER = "x-mosaic-links"
"""With the owner: the address at which that server passes /media and /uploads on."""
REQUEST_HEADER = "x-request-id"
"""Joins what both sides log about one request."""
FRAME_TIMES = "frame-times"
"""Of a contact sheet: the seconds at which its frames are shown, with commas between them."""
LOCAL_OWNER = "local"
"""The user of the studio's machine; nobody acts for them."""

Standing = Literal["exact", "approximate", "unsupported"]


def is_owner(text: str) -> bool:
    """True for a name that a server may act for: what OpenID Connect allows as a subject (at most
    255 ASCII characters), without spaces so that it can stand in a header."""
    return re.fullmatch(r"[!-~]{1,255}", text) is not None and text != LOCAL_OWNER


class Discovery(Response):
    """`studio.json` in the data folder: how to reach the running studio. Readable by its user."""

    pid: int
    port: int
    token: str
    version: str
    started_at: datetime

    @property
    def url(self) -> str:
        """The studio's address; it listens on loopback only."""
        return f"http://127.0.0.1:{self.port}"


class StudioInfo(Response):
    """The answer of GET /studio/v1."""

    name: Literal["mosaic-studio"] = "mosaic-studio"
    version: str
    local_files: bool
    """True when this caller may hand over files by path."""


class TileInfo(Response):
    """A tile as this studio does it."""

    node_type_id: str
    name: str
    standing: Standing
    note: str = ""
    """How it is approximate, or what to do where it is unsupported."""
    verified: bool = True
    """False when the node type id is ours, not Mosaic's."""
    params: dict[str, Any] = Field(default_factory=dict[str, Any])
    """JSON Schema of its parameters."""
    means: str = ""
    """What a run of it means with the provider keys that are set: calls that cost money, or a
    placeholder."""


class Tiles(Response):
    """The answer of GET /studio/v1/tiles."""

    tiles: tuple[TileInfo, ...] = ()


class NodeProgress(Response):
    """How far a runtime node is. `progress` is 0..1 and never goes back."""

    agent_node_id: str
    original_node_id: str | None = None
    tile: str
    status: NodeStatus
    progress: float = 0.0
    step: str = ""
    """What it is doing, as a short phrase: "transcribing talk.mp4", "rendering 2 of 5"."""
    rate: float | None = None
    """Seconds of video per second of work, only when measured."""
    makes_outputs: bool = False
    """True for a node whose renders are outputs: it takes most of a run's time."""
    renders_done: int = 0
    renders_total: int = 0
    warnings: tuple[str, ...] = ()
    """What its caller should know of what it did and of its outputs, once the run has ended."""


class RunWatch(Response):
    """The answer of GET /studio/v1/runs/{run_id}/watch?since=<seq>&wait_s=<0..50>.

    Answers at once when something changed after `since`, else when it does or at the deadline.
    """

    seq: int
    run: AgentRun
    nodes: tuple[NodeProgress, ...] = ()
    updated_at: datetime | None = None
    """When anything about the run last changed."""


class MediaFacts(Response):
    """What a media file is. Times are seconds as exact fractions ("1001/30000")."""

    duration_s: float
    width: int = 0
    height: int = 0
    frame_rate: str = "0"
    video_codec: str | None = None
    audio_codec: str | None = None
    size_bytes: int = 0
    variable_frame_rate: bool = False
    rotation: int = 0
    quality: str | None = None
    """Of an output: draft, standard or best."""
    missing_words: str | None = None
    """Of an output: whose words its subtitles leave out, where, why, and what to do."""


class LocalFile(Request):
    """The body of POST /studio/v1/files: take a file of this machine as an asset, uncopied."""

    path: str
    """Absolute, and free of links."""
    asset_type: Literal["video", "audio", "image"] = "video"


class LinkedFile(Request):
    """The body of POST /studio/v1/urls: fetch a file from a public address as an asset.

    The studio fetches it, because it checks where an address leads before it connects.
    """

    url: Annotated[str, Field(max_length=8_000)]
    asset_type: Literal["video", "audio", "image"] = "video"


class Asset(Response):
    """An uploaded or generated file. `sha256` covers every byte."""

    asset_type: Literal["video", "audio", "image"]
    asset_id: str
    name: str
    sha256: str
    facts: MediaFacts | None = None


MOST_TRANSCRIPT_CHARS = 5_000_000


class BringTranscript(Request):
    """The body of PUT /studio/v1/videos/{video_id}/transcript: the user's own words."""

    format: Literal["srt", "vtt"] = "srt"
    text: Annotated[str, Field(max_length=MOST_TRANSCRIPT_CHARS)]
    language: Annotated[str, Field(max_length=35)] = ""
    """Its tag ("de", "pt-BR"); where it is empty, a VTT file's header or the words show it."""


class Word(Response):
    """One word in source time, seconds."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0
    speaker: str | None = None
    """Who says it, where several voices are told apart: "1", "2", … in order of appearance."""


class Transcript(Page):
    """The answer of GET /studio/v1/{videos|renders}/{id}/transcript.

    `source` says where the words come from: `user` (their SRT), `aligned` (their text, our
    times), or a recogniser's name. `confidence` is 0..1 over all words; of several sources those
    of the least certain one. The user's own words are the less certain the fewer of them are timed
    by the sound.
    """

    source: str
    language: str
    """Its tag; "und" where nobody knows it."""
    confidence: float
    reliable: bool
    """False when captions and ranking refuse to build on it."""
    note: str = ""
    speaker_confidence: float | None = None
    """0..1: how clearly the voices differ; None where none are told apart."""
    words: tuple[Word, ...] = ()
    sentences: tuple[int, ...]
    """How many of the words each sentence has, in order. One that is too long to read, or that two
    voices say, counts as several."""


class LookAt(Request):
    """The body of POST /studio/v1/known, and with an id of …/{videos|renders}/{id}/known."""

    path: str | None = None
    """A file of this machine that was not handed over: absolute, and free of links."""
    moments_ms: Annotated[tuple[int, ...], Field(max_length=1000)] = ()
    """Where a cut is planned."""


class Torn(Response):
    """A word that a planned cut would go through."""

    at_ms: int
    text: str


class Known(Response):
    """What a studio knows of a video before a run, without listening to it."""

    name: str
    duration_s: float
    torn: tuple[Torn, ...] = ()
    """Only where its words are known already: brought, or heard before."""


class RenderInfo(Response):
    """The answer of GET /studio/v1/renders/{render_id}: an output beyond its links."""

    id: str
    run_id: str
    name: str
    path: str | None = None
    """Where the file is, when this caller shares the studio's disk."""
    timeline_path: str | None = None
    texts: dict[Literal["srt", "vtt", "txt"], str] = Field(
        default_factory=dict[Literal["srt", "vtt", "txt"], str]
    )
    """What is said, by format: a path on a shared disk, a signed link for a caller elsewhere."""
    image_path: str | None = None
    """The still picture that the video shows, as it was made, where that is all it shows."""
    image_url: str | None = None
    """Signed link to the same."""
    deleted_at: datetime | None = None
    """When its files were deleted to free space; resuming its run makes them again."""
    facts: MediaFacts
    timeline: dict[str, Any] = Field(default_factory=dict[str, Any])


class Cut(Response):
    """A clip of an output: where it plays, and what it shows. All times are seconds."""

    at_s: float
    """Where it begins in the output."""
    source: str
    """Name of the video that it shows, as its owner called it."""
    from_s: float
    """Where it begins in the source."""
    to_s: float
    """Where it ends in the source."""


class Edit(Response):
    """A finished output as edit decisions; a `node` is the template node that made it so."""

    output_id: str
    name: str
    width: int
    height: int
    frame_rate: str
    """Frames per second as an exact fraction ("30000/1001")."""
    duration_s: float
    cuts: tuple[Cut, ...] = ()
    framing: Literal["crop", "pad"] | None = None
    """`crop` fills the canvas: on the main face, or on the middle where no face was found. `pad`
    shows the whole picture over a blurred copy of itself."""
    framing_node: str | None = None
    caption_words: int = 0
    captions_node: str | None = None
    graphics: int = 0
    graphics_nodes: tuple[str, ...] = ()
    overlay_nodes: tuple[str, ...] = ()
    cutaway_nodes: tuple[str, ...] = ()
    track_nodes: tuple[str, ...] = ()
    sound_node: str | None = None


class RunTimeline(Response):
    """The answer of GET /studio/v1/runs/{run_id}/timeline: every finished output as cuts.

    The outputs stand in the order of the run's.
    """

    run_id: str
    edits: tuple[Edit, ...] = ()


class WebhookDelivery(Response):
    """An event of a run on its way to the run's `callback_url`.

    `pending` is tried again at `next_attempt_at`; `stopped` was ended by a 410 of the endpoint,
    `failed` given up after three days.
    """

    id: str
    """The header `webhook-id`: the same in every attempt."""
    run_id: str
    event: Flag
    host: str
    state: Literal["pending", "delivered", "stopped", "failed"]
    attempts: int = 0
    last_status: int | None = None
    """HTTP status of the last answer, None when there was none."""
    last_error: str | None = None
    recorded_at: datetime
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None


class WebhookLog(Page):
    """The answer of GET /studio/v1/webhooks?run_id=…: newest first."""

    deliveries: tuple[WebhookDelivery, ...] = ()


class WebhookSecret(Response):
    """The answer of GET /studio/v1/webhooks/secret: what the caller's webhooks carry and are
    signed with; None when MOSAIC_WEBHOOK_SECRET is not set, and then nothing is signed."""

    secret: str | None = None


class LogLine(Response):
    """What a step said of itself."""

    at: datetime
    level: Literal["info", "warning", "error"]
    text: str


class FfmpegCommand(Response):
    """One FFmpeg process. Its paths are relative to the folder in which it ran."""

    line: str
    """For a shell, with everything quoted that needs it."""
    arguments: tuple[str, ...]
    """The same, after the program."""
    folder: str
    """The folder's name; `JobLog.files` tells what was in it."""
    began_at: datetime
    seconds: float | None = None
    """How long it ran; None while it does, or when its studio was killed meanwhile."""
    exit_code: int | None = None
    """None when it was stopped."""
    frames: int = 0
    media_s: float = 0.0
    """Seconds of output that it made."""
    encoder: tuple[str, ...] = ()
    """What its encoders reported: frames by type, quantisers, bit rate."""
    messages: str = ""
    """The end of what it wrote to stderr."""


class JobFile(Response):
    """A file in the job's folder that commands read, other than what commands before them wrote."""

    name: str
    """With its folder, as "render/graph.txt"."""
    sha256: str | None = None
    """Of the source that it is a link to."""
    path: str | None = None
    """Where its content is, when the caller sits at the studio's machine."""
    text: str | None = None


class JobLog(Response):
    """One attempt at a node, or at a render of a node."""

    kind: Literal["node", "render"]
    agent_node_id: str
    original_node_id: str | None = None
    tile: str
    render_id: str | None = None
    name: str | None = None
    """Of the render."""
    generation: int
    """1, and one more for each resume of the run."""
    attempt: int
    began_at: datetime
    ended_at: datetime | None = None
    outcome: Literal["at_work", "done", "failed", "retrying", "stopped", "lost"]
    """`stopped`: the run was cancelled, or the studio ended in good order. `lost`: its process was
    killed. Either is followed by another attempt, unless the run was cancelled."""
    lines: tuple[LogLine, ...] = ()
    commands: tuple[FfmpegCommand, ...] = ()
    files: tuple[JobFile, ...] = ()
    """Only when they are asked for: texts may be long."""


class RunLog(Page):
    """The answer of GET /studio/v1/runs/{run_id}/log: every attempt, in the order of beginning."""

    run_id: str
    status: str
    trace_id: str
    """The id of the run's trace, for whoever collects traces."""
    jobs: tuple[JobLog, ...] = ()


class HealthCheck(Response):
    """One thing that a studio needs."""

    name: str
    ok: bool
    says: str


class Health(Response):
    """The answer of GET /health: 200 when it is ready for work, else 503."""

    ready: bool
    checks: tuple[HealthCheck, ...] = ()


class FindRun(Response):
    """The answer of GET /studio/v1/runs?idempotency_key=…"""

    run_id: Id | None = None


WITHOUT_STUDIO: dict[str, str] = {
    "get_run": "progress counts finished nodes only; changes are polled, not pushed",
    "list_outputs": "no local paths or sizes unless save_to downloads the videos",
    "view_output": "shows the thumbnail; frames and contact sheets need the downloaded video",
    "read_transcript": "not available: the API has no transcript",
    "find_agents": "parameter ranges come from our catalogue, not from the engine",
    "mosaic://runs/{id}/timeline": "not available: the API does not tell its cuts",
    "mosaic://runs/{id}/log": "not available: the API does not tell how it works",
    "run_agent": "a transcript brought along is not used; quality is not sent",
}
"""What each tool (and one resource) loses on an engine without `/studio/v1`."""
