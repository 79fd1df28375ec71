"""`plan_run`: what a caller wants of a run, checked as a whole, as the request that says it.

Reads (the agent, the disk, which ids exist) and changes nothing. All faults are raised at once,
in the caller's words: `params.Clips.num_clips`, not `update_params.<uuid>.num_clips`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio.to_thread

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.contract.agents import AgentDetail
from mosaic_mcp.contract.doable import not_done
from mosaic_mcp.contract.extensions import TileInfo
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.moments import check_lengths
from mosaic_mcp.contract.rules import check_run, parse_run
from mosaic_mcp.contract.run_page import MAX_DURATION_S
from mosaic_mcp.contract.spans import Span, parse_span
from mosaic_mcp.contract.tiles.params import ASSET_LISTS
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import Fault, InvalidRequest, NotFound
from mosaic_mcp.intent.agents import find_agent
from mosaic_mcp.intent.files import File, readable_file
from mosaic_mcp.intent.inputs import Artifact, Video, input_fields
from mosaic_mcp.intent.looking import look
from mosaic_mcp.intent.lookup import settle
from mosaic_mcp.intent.moments import spread
from mosaic_mcp.intent.names import NodeNames
from mosaic_mcp.intent.params import unconfirmed_warnings, update_params
from mosaic_mcp.intent.remarks import taken_nodes, taken_spans, without_effect
from mosaic_mcp.intent.sources import Source, parse_source
from mosaic_mcp.intent.transcripts import Transcript, subtitles_beside, text_of
from mosaic_mcp.intent.uploads import Upload, Uploads, replaced
from mosaic_mcp.settings import Settings

Labels = Callable[[str], Mapping[str, str]]
"""Agent id -> the labels that callers gave to its nodes."""


@dataclass(frozen=True, slots=True)
class VideoWish:
    """A video in the caller's words."""

    source: str
    input: str | None = None
    clip: str | Mapping[str, Any] | None = None
    artifact: Artifact | None = None
    transcript: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked run: `body()` is its request, in which files still stand as stand-in ids."""

    agent: AgentDetail
    videos: Mapping[str, Sequence[Video]]
    """Video Input node -> its videos."""
    fields: Mapping[str, Any]
    """The request's other fields."""
    uploads: Mapping[str, Upload]
    """Stand-in id -> file."""
    transcripts: Mapping[str, Transcript] = field(default_factory=dict[str, Transcript])
    """Id of an uploaded video -> the caller's own subtitles for it."""
    warnings: tuple[str, ...] = ()
    in_words: Callable[[str], str] = field(default=str, compare=False)
    """A place of the request as the caller said it."""

    def body(self, videos: Mapping[str, Sequence[Video]] | None = None) -> dict[str, Any]:
        """The request as JSON; with `videos` those stand in the place of the planned ones."""
        many = len(self.runnable.video_inputs)
        fields = input_fields(self.videos if videos is None else videos, many_inputs=many > 1)
        return {**fields, **self.fields}

    @property
    def runnable(self) -> Graph:
        """The graph that would run."""
        return Graph.of(self.agent).runnable(self.fields.get("ignore_nodes", ()))

    @property
    def identity(self) -> str:
        """Equal for equal requests of files that are as they were."""
        files = sorted((i, repr(up)) for i, up in {**self.uploads, **self.transcripts}.items())
        text = json.dumps([self.agent.agent.id, self.body(), files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def bytes_to_send(self) -> int:
        """The size of all files that are to be handed over."""
        return sum(up.file.size_bytes for up in self.uploads.values() if up.file is not None)

    async def preview(self) -> dict[str, Any]:
        """The exact request; a file that would be handed over stands as path, size and hash."""
        shown = {id_: {"upload": await up.shown()} for id_, up in self.uploads.items()}
        return replaced(self.body(), shown)


async def plan_run(
    client: MosaicClient,
    settings: Settings,
    *,
    agent: str,
    videos: Sequence[VideoWish] = (),
    clip: str | Mapping[str, Any] | None = None,
    params: Mapping[str, Mapping[str, Any]] | None = None,
    skip: Sequence[str] = (),
    callback_url: str | None = None,
    labels: Labels | None = None,
) -> Plan:
    """The plan of a run; raises InvalidRequest with every fault there is."""
    planner = _Planner(client, settings, hosted=await client.studio() is None)
    detail = await planner.agent(agent)
    if detail is None:
        # Without the agent its nodes mean nothing, but the videos can be looked at.
        for index, wish in enumerate(videos):
            await planner.sources(wish, f"videos[{index}]")
        planner.span(clip, "clip")
        raise InvalidRequest(planner.faults)
    graph = Graph.of(detail)
    names = NodeNames(graph, labels(detail.agent.id) if labels else {})
    ignored = planner.ignored(skip, names)
    runnable = graph.runnable(ignored)
    update = update_params(params or {}, names, planner.uploads, settings, planner.faults)
    if (studio := await client.studio()) is not None:
        tiles = {tile.node_type_id: tile for tile in (await studio.tiles()).tiles}
        planner.unsupported(runnable, names, tiles)
        planner.meanings(runnable, names, tiles, update)
    elif callback_url is None:
        callback_url = settings.callback_url
    planner.warnings += taken_nodes([*(params or {}), *skip], names)
    planner.warnings += without_effect(update, runnable, names)
    given = await planner.inputs(videos, clip, names, runnable)
    planner.warnings += taken_spans(planner.spans)
    if planner.hosted:
        given, update, ignored = planner.spread(given, update, ignored, runnable)
    plan = Plan(
        agent=detail,
        videos=given,
        fields=_said(callback_url=callback_url, update_params=update, ignore_nodes=ignored),
        uploads=planner.uploads.by_id(),
        transcripts=planner.transcripts,
        in_words=lambda where: _in_words(where, names, params or {}),
    )
    await _check(plan, graph, planner)
    warnings = [*planner.warnings, *_twice(given)]
    if planner.hosted:
        warnings += unconfirmed_warnings(
            (names.labels[node], graph.tile(node), values) for node, values in update.items()
        )
    return replace(plan, warnings=tuple(warnings))


async def input_labels(
    client: MosaicClient, agent: str, skip: Sequence[str], labels: Labels
) -> tuple[str, ...]:
    """The labels of the Video Inputs that a run of the agent would have; raises NotFound."""
    detail = await find_agent(client, agent)
    graph = Graph.of(detail)
    names = NodeNames(graph, labels(detail.agent.id))
    found = [names.find(said, "skip") for said in skip]
    runnable = graph.runnable([node for node in found if isinstance(node, str)])
    return tuple(names.labels[node] for node in runnable.video_inputs)


class _Planner:
    """Collects faults and warnings while the parts of a request are read."""

    def __init__(self, client: MosaicClient, settings: Settings, *, hosted: bool) -> None:
        self.client = client
        self.settings = settings
        self.hosted = hosted
        self.uploads = Uploads()
        self.transcripts: dict[str, Transcript] = {}
        self.faults: list[Fault] = []
        self.placed: list[Fault] = []
        """Faults placed in the request, as the contract's rules place them."""
        self.warnings: list[str] = []
        self.spans: list[tuple[object, Span]] = []
        """Parts of videos as they were said and as they were taken."""

    async def agent(self, said: str) -> AgentDetail | None:
        try:
            return await find_agent(self.client, said)
        except NotFound as error:
            self.faults.append(Fault("agent", error.message, error.remedy))
        except InvalidRequest as error:
            self.faults += error.faults
        return None

    def ignored(self, skip: Sequence[str], names: NodeNames) -> list[str]:
        nodes: list[str] = []
        for index, said in enumerate(skip):
            node = names.find(said, f"skip[{index}]")
            if isinstance(node, Fault):
                self.faults.append(node)
            elif node not in nodes:
                nodes.append(node)
        return nodes

    async def inputs(
        self,
        wishes: Sequence[VideoWish],
        clip: str | Mapping[str, Any] | None,
        names: NodeNames,
        runnable: Graph,
    ) -> dict[str, list[Video]]:
        """Video Input node -> its videos. Without a Video Input all stand under ""."""
        common = self.span(clip, "clip")
        given: dict[str, list[Video]] = {}
        for index, wish in enumerate(wishes):
            where = f"videos[{index}]"
            node = self._input(wish, where, names, runnable)
            span = common if wish.clip is None else self.span(wish.clip, f"{where}.clip")
            for source in await self.sources(wish, where):
                part = await self._measured(source, span, where)
                if node is not None:
                    given.setdefault(node, []).append(Video(source, part, wish.artifact))
        return given

    def spread(
        self,
        given: Mapping[str, Sequence[Video]],
        update: Mapping[str, Mapping[str, Any]],
        ignored: Sequence[str],
        runnable: Graph,
    ) -> tuple[dict[str, list[Video]], dict[str, dict[str, Any]], list[str]]:
        """Ranges of Clips as inputs of the hosted engine."""
        done = spread(given, update, ignored, runnable)
        self.warnings += done.warnings
        self.placed += done.faults
        return done.videos, done.update, done.ignored

    def span(self, said: str | Mapping[str, Any] | None, where: str) -> Span:
        if said is None:
            return Span()
        try:
            span = parse_span(said, where=where)
        except InvalidRequest as error:
            self.faults += error.faults
            return Span()
        self.spans.append((said, span))
        return span

    def _input(self, wish: VideoWish, where: str, names: NodeNames, runnable: Graph) -> str | None:
        inputs = runnable.video_inputs
        if wish.input is not None:
            node = names.find(wish.input, f"{where}.input", inputs)
            if isinstance(node, Fault):
                self.faults.append(node)
                return None
            return node
        if len(inputs) > 1:
            choices = listed([repr(names.labels[n]) for n in inputs])
            self.faults.append(
                Fault(
                    f"{where}.input",
                    f"This agent has {len(inputs)} Video Inputs: {choices}.",
                    "Say which of them this video is for.",
                )
            )
            return None
        return inputs[0] if inputs else ""

    async def sources(self, wish: VideoWish, where: str) -> list[Source]:
        """What the wish names, as the request writes it; faults are kept and give none."""
        try:
            sources = await settle(self.client, parse_source(wish.source, where), where)
            if wish.artifact is not None and sources[0].kind != "mimir":
                raise _refusal(f"{where}.artifact", "is for Mimir items only.", "Leave it out.")
            transcript = await self._transcript(wish, where)
            if sources[0].kind == "file":
                file = readable_file(sources[0].value, self.settings, "video", where)
                if transcript is None and not self.hosted:
                    transcript = await self._beside(file)
                stand_in = self.uploads.add(Upload("video", file, transcript=transcript))
                return [Source("video", stand_in)]
            if transcript is not None:
                if sources[0].kind == "url":
                    # Fetched first: words belong to a video that the studio has.
                    linked = Upload("video", url=sources[0].value, transcript=transcript)
                    return [Source("video", self.uploads.add(linked))]
                if sources[0].kind != "video":
                    raise _no_words_for(sources[0].kind, f"{where}.transcript")
                self.transcripts[sources[0].value] = transcript
        except InvalidRequest as error:
            self.faults += error.faults
            return []
        return sources

    async def _transcript(self, wish: VideoWish, where: str) -> Transcript | None:
        if wish.transcript is None:
            return None
        if self.hosted:
            self.warnings.append("The hosted engine takes no transcript; yours is not used.")
            return None
        where = f"{where}.transcript"
        source = parse_source(wish.transcript, where)
        if source.kind != "file":
            raise _refusal(where, "is not a path.", "Give the path of an .srt or .vtt file.")
        file = readable_file(source.value, self.settings, "subtitles", where)
        transcript = Transcript(file, where)
        _, guessed = await anyio.to_thread.run_sync(text_of, transcript)
        self.warnings += [guessed] if guessed else []
        return transcript

    async def _beside(self, video: File) -> Transcript | None:
        found, told = await anyio.to_thread.run_sync(subtitles_beside, video)
        self.warnings += [told] if told else []
        return found

    def unsupported(self, runnable: Graph, names: NodeNames, tiles: Mapping[str, TileInfo]) -> None:
        """A fault for each node that the studio cannot do: better now than in the run."""
        for node in runnable.order:
            tile = tiles.get(runnable.nodes[node].node_type.node_type_id)
            if tile is not None and tile.standing == "unsupported":
                label = names.labels[node]
                skip = None if node in runnable.sources else f"skip=[{label!r}]"
                self.faults.append(not_done(tile.name, tile.note, label, skip))

    def meanings(
        self,
        runnable: Graph,
        names: NodeNames,
        tiles: Mapping[str, TileInfo],
        update: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """A warning for each node that costs money elsewhere, or stands in for what is missing."""
        for node in runnable.order:
            tile = tiles.get(runnable.nodes[node].node_type.node_type_id)
            params = {**runnable.nodes[node].params_used, **update.get(node, {})}
            own = any(params.get(name) for name in ASSET_LISTS)
            if tile is not None and tile.means and not own:
                self.warnings.append(f"{names.labels[node]}: {tile.means}")

    async def _measured(self, source: Source, span: Span, where: str) -> Span:
        """The span with a known start; a file of the studio is measured when it is handed over."""
        studio = await self.client.studio()
        if span.from_end_ms is None:
            return span
        upload = self.uploads.by_id().get(source.value)
        if studio is not None and upload is None and source.kind in ("video", "render"):
            kind = "videos" if source.kind == "video" else "renders"
            known = await studio.known(kind, source.value, ())
            return span.resolve(round(known.duration_s * 1000))
        is_file = upload is not None and upload.file is not None
        if studio is not None and studio.info.local_files and is_file:
            return span
        try:
            return span.resolve(None, where=f"{where}.clip")
        except InvalidRequest as error:
            self.faults += error.faults
            return Span()


async def _check(plan: Plan, graph: Graph, planner: _Planner) -> None:
    """Raise every fault: those found so far, and those of the contract's rules."""
    longest = MAX_DURATION_S * 1000
    assumed = {
        node: [replace(v, span=v.span.resolve(longest)) for v in videos]
        for node, videos in plan.videos.items()
    }
    faults = list(planner.faults)
    told = {fault.where for fault in faults}
    broken = any(where.startswith("videos") for where in told)
    try:
        request = parse_run(plan.body(assumed))
        found = check_run(request, graph, hosted=planner.hosted)
        looked = await look(planner.client, plan)
        planner.warnings += looked.warnings
        found += [*planner.placed, *check_lengths(request, plan.runnable, looked.lengths)]
        if (studio := await planner.client.studio()) is not None:
            wrong = await studio.check(plan.agent.agent.id, request.body())
            # Of tiles that it does not do we have told, in the caller's words.
            found += [fault for fault in wrong if not fault.where.startswith("agent.")]
    except InvalidRequest as error:
        found = [*planner.placed, *error.faults]
    for fault in found:
        if broken and fault.where.startswith(("video_inputs", "video_ids")):
            continue  # a video that could not be read is not "no video given" as well
        where = plan.in_words(fault.where)
        if where in told and where.startswith("params."):
            continue  # nor is a file of a parameter an unknown id as well
        faults.append(
            replace(
                fault,
                where=where,
                what=in_arguments(fault.what),
                remedy=in_arguments(fault.remedy),
            )
        )
    if faults:
        raise InvalidRequest(faults)


def in_arguments(text: str) -> str:
    """A text of the contract's rules with the request's fields as the arguments that give them."""
    return text.replace("update_params", "params").replace("ignore_nodes", "skip")


def _in_words(where: str, names: NodeNames, params: Mapping[str, Any]) -> str:
    """A place of the request as the caller said it."""
    if where.startswith("update_params."):
        _, node, *rest = where.split(".", 2)
        said = next((p for p in params if names.find(p, "") == node), names.labels.get(node, node))
        return ".".join(["params", said, *rest])
    if where.startswith("ignore_nodes"):
        return where.replace("ignore_nodes", "skip", 1)
    if where == "callback_url":
        return where
    return "clip" if "input_clip" in where else "videos"


def _said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _twice(given: Mapping[str, Sequence[Video]]) -> list[str]:
    warnings: list[str] = []
    for videos in given.values():
        again = {v.source.value for v in videos if videos.count(v) > 1}
        if again:
            warnings.append(f"{len(again)} video(s) are named twice and will be edited twice.")
    return warnings


def _no_words_for(kind: str, where: str) -> InvalidRequest:
    """Why a transcript cannot be brought for a video of this kind, and what to do."""
    if kind == "render":
        return _refusal(
            where,
            "goes with a video, not with an output that was made of one.",
            "Leave it out: an output has the words of its video. Give other words with that video.",
        )
    return _refusal(
        where,
        "goes with files, links to files and uploads only: this video is not at hand before the "
        "run fetches it.",
        "Download the video and give its path with the transcript.",
    )


def _refusal(where: str, what: str, remedy: str) -> InvalidRequest:
    return InvalidRequest([Fault(where, what, remedy)])
