"""Every tile of Mosaic: ids, kinds, parameters (mosaic_contract §10.1).

An id that is not public is a UUIDv5 of our namespace, `verified=False`; on the hosted engine such
a tile is found by its name in GET /node_types.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from mosaic_mcp.contract.graph_rules import FLOWS, Kind
from mosaic_mcp.contract.node_types import NodeType
from mosaic_mcp.contract.tiles import generation as g
from mosaic_mcp.contract.tiles import graphics as gr
from mosaic_mcp.contract.tiles import params as p
from mosaic_mcp.contract.tiles import sound as s
from mosaic_mcp.contract.tiles.base import Params

DOCS = "https://docs.mosaic.so/tiles"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://mosaic.so/mosaic-mcp")


@dataclass(frozen=True, slots=True)
class TileType:
    """A kind of tile."""

    node_type_id: str
    name: str
    slug: str
    kind: Kind
    params: type[Params] | None = None
    """None: its parameters are not public; any are passed through."""
    verified: bool = True
    fan_out: bool = False
    """True when one input may become several outputs."""
    fan_in: bool = False
    """True when several inputs become one output; other tiles treat each input by itself."""
    folds_by: str = ""
    """The parameter that makes it take several inputs for one output."""

    @property
    def documented(self) -> bool:
        """True when the names of all its parameters are public."""
        return self.params is not None and self.params.documented

    @property
    def note(self) -> str:
        """What we do not know about the tile, as a sentence; empty when that is nothing."""
        unknown: list[str] = []
        if not self.verified:
            unknown.append("its id is ours, Mosaic's is not public")
        if not self.documented:
            unknown.append("not all of its parameters are public")
        return f"Unverified: {'; '.join(unknown)}." if unknown else ""

    @property
    def protected(self) -> bool:
        """True when its parameters belong to the engine."""
        return FLOWS[self.kind].protected

    @property
    def arity(self) -> str:
        """How many inputs make how many outputs, in words."""
        if FLOWS[self.kind].place != 1 or FLOWS[self.kind].source:
            return f"takes {FLOWS[self.kind].takes}; gives {FLOWS[self.kind].gives}"
        if self.fan_in:
            return "all inputs make one output"
        if self.fan_out:
            return "each input makes one or more outputs"
        folding = f"; with {self.folds_by} all inputs make one" if self.folds_by else ""
        return f"each input, one output{folding}"

    def node_type(self) -> NodeType:
        """The tile as the API shows it."""
        return NodeType(
            node_type_id=self.node_type_id,
            node_type_name=self.name,
            docs_url=f"{DOCS}/{self.slug}",
            params_docs_url=f"{DOCS}/{self.slug}#api-info",
        )


def _ours(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"tile:{name}"))


def _unverified(
    name: str,
    slug: str,
    kind: Kind,
    params: type[Params] | None = None,
    *,
    fan_in: bool = False,
) -> TileType:
    return TileType(_ours(name), name, slug, kind, params, verified=False, fan_in=fan_in)


T = TileType
TILE_TYPES: tuple[TileType, ...] = (
    T("9451e6ff-ac7f-4317-9055-a2f35f641b29", "Video Input", "input-tiles", "input", p.NoParams),
    T(
        "e6098dd4-4a6e-470f-981e-2618c11eee21",
        "Rough Cut",
        "rough-cut",
        "action",
        p.RoughCutParams,
        folds_by="combine_input_renders",
    ),
    T(
        "bcc5cb04-76b7-48e9-a344-0e8a29c19be0",
        "Clips",
        "clips",
        "action",
        p.ClipsParams,
        fan_out=True,
    ),
    T(
        "a22d0b93-2bbf-479d-8efd-d446163982e8",
        "Silence Removal",
        "silence-removal",
        "action",
        p.SilenceRemovalParams,
    ),
    T("0e3a90e4-173f-42fc-b7ef-0df6a062e26c", "Reframe", "reframe", "action", p.ReframeParams),
    T("cdccb204-168e-4aec-aa72-480b11e74324", "Captions", "captions", "action", p.CaptionsParams),
    T(
        "dfa94b02-6a18-4922-9613-636bd202d69d",
        "Cinematic Captions",
        "cinematic-captions",
        "action",
        gr.CinematicCaptionsParams,
    ),
    T(
        "19144346-8714-4a02-b19c-32c18bd1ad13",
        "Motion Graphics",
        "motion-graphics",
        "action",
        gr.MotionGraphicsParams,
    ),
    T(
        "6808af58-2d9a-4e3b-aacb-2d9c143b7729",
        "Watermark",
        "watermark",
        "action",
        p.WatermarkParams,
    ),
    T(
        "425274c9-7735-4cf2-b7cb-46c6a7f0066a",
        "Audio Enhance",
        "audio-enhance",
        "action",
        p.NoParams,
    ),
    T("14abd0c1-402c-40b8-8ec8-defd951efe01", "Voice", "voice", "action", s.VoiceParams),
    T(
        "8254e1f8-dfea-42f9-90d8-aa91ec859bec",
        "Color Correction",
        "color-correction",
        "action",
        p.ColorCorrectionParams,
    ),
    T("71156aca-3e21-45b0-8960-099dba07c83a", "Mirror", "mirror", "action", p.MirrorParams),
    T("ef3f8d59-26be-4ea0-b655-9a08b10577cc", "Intro", "intro", "action", p.IntroParams),
    T("cf517f33-3f78-4d55-88c2-a7d8478f8ef9", "Outro", "outro", "action", p.OutroParams),
    T("2160392b-ebe8-4f3d-b81e-fd11bdbbeb77", "AI B-Roll", "ai-broll", "creation", g.BRollParams),
    T("3b281fb9-9eb2-40f6-b05b-4b6f909a3da9", "AI Music", "ai-music", "creation", s.MusicParams),
    T(
        "9570c960-b32b-4e4d-8871-5775d886f7cb",
        "AI Voiceover",
        "ai-voiceover",
        "creation",
        s.VoiceoverParams,
    ),
    T(
        "b3b4c9e2-2a47-4fa9-8ce8-0c1fa1d7b6ef",
        "AI Avatar",
        "ai-avatar",
        "generation",
        g.AvatarParams,
    ),
    T(
        "d898f2b1-3151-4231-a4d4-dd4d5a020b05",
        "AI Content Generation",
        "ai-content-generation",
        "generation",
        g.ContentGenerationParams,
    ),
    T(
        "a2eb3ec2-da7a-4f97-94d2-a9a537548522",
        "Video Generation",
        "video-generation",
        "generation",
        g.VideoGenerationParams,
    ),
    T(
        "14687f30-5fd0-468f-8239-2784d83df95b",
        "Audio Generation",
        "audio-generation",
        "generation",
        s.AudioGenerationParams,
    ),
    T(
        "18b998a0-2ea7-4676-a5d3-3ae6c8ac0b72",
        "Image Generation",
        "image-generation",
        "generation",
        g.ImageGenerationParams,
    ),
    _unverified("Montage", "montage", "action", s.MontageParams, fan_in=True),
    _unverified("AI Augment", "ai-augment", "action", g.AugmentParams),
    _unverified("Captions With Emojis", "captions-with-emojis", "action", p.NoParams),
    _unverified("Destination", "destination", "destination", p.DestinationParams),
    _unverified("YouTube Trigger", "input-tiles", "trigger", p.YouTubeTriggerParams),
    _unverified("Google Drive Trigger", "input-tiles", "trigger"),
    _unverified("AWS S3 Trigger", "input-tiles", "trigger"),
)

_BY_ID = {tile.node_type_id: tile for tile in TILE_TYPES}
_BY_NAME = {tile.name.casefold(): tile for tile in TILE_TYPES}


def tile_type(id_or_name: str) -> TileType | None:
    """The tile with that id or name (any case; "-" and "_" count as spaces), or None."""
    plain = " ".join(id_or_name.replace("_", " ").split()).casefold()
    return _BY_ID.get(id_or_name) or _BY_NAME.get(plain) or _BY_NAME.get(plain.replace("-", " "))
