"""Agents that the studio brings along, as data. They belong to everybody and cannot be changed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mosaic_mcp.contract.agents import AgentDetail, AgentHead, Connection
from mosaic_mcp.contract.node_types import AgentNode
from mosaic_mcp.contract.tiles.catalogue import NAMESPACE, tile_type

_MADE = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Branches:
    """Paths beside each other: each goes on from what stands before, all lead to what follows."""

    paths: tuple[tuple[Step, ...], ...]


Step = tuple[str, dict[str, Any]] | Branches
"""A tile with its saved parameters, or several paths at once."""


def built_in(name: str, description: str, steps: Sequence[Step]) -> AgentDetail:
    """An agent of these steps, one after the other; its ids are made from its name."""
    draft = _Draft(name)
    draft.lay(steps, [])
    return AgentDetail(
        agent=AgentHead(
            id=_id(name),
            name=name,
            description=description,
            visibility="public",
            created_at=_MADE,
            updated_at=_MADE,
        ),
        agent_nodes=tuple(draft.nodes),
        connections=tuple(
            Connection(source_agent_node_id=a, target_agent_node_id=b) for a, b in draft.edges
        ),
    )


def _id(*parts: object) -> str:
    return str(uuid.uuid5(NAMESPACE, ":".join(["agent", *map(str, parts)])))


@dataclass(slots=True)
class _Draft:
    name: str
    nodes: list[AgentNode] = field(default_factory=list[AgentNode])
    edges: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def lay(self, steps: Sequence[Step], ends: list[str]) -> list[str]:
        """Add the steps behind `ends`; the nodes that they end with."""
        for step in steps:
            if isinstance(step, Branches):
                ends = [end for path in step.paths for end in self.lay(path, ends)]
            else:
                node = self._node(*step)
                self.edges += [(end, node) for end in ends]
                ends = [node]
        return ends

    def _node(self, tile_name: str, params: dict[str, Any]) -> str:
        tile = tile_type(tile_name)
        if tile is None:
            raise ValueError(f"no tile {tile_name!r}")
        node_id = _id(self.name, len(self.nodes), tile_name)
        self.nodes.append(
            AgentNode(agent_node_id=node_id, node_type=tile.node_type(), params_used=params)
        )
        return node_id


def _framed(aspect_ratio: str) -> tuple[Step, ...]:
    """One shape of a video, with captions composed on it."""
    return ("Reframe", {"aspect_ratio": aspect_ratio}), ("Captions", {})


_VIDEOS: tuple[Step, ...] = (("Video Input", {}),)
_MUSIC: tuple[Step, ...] = (
    (
        "Audio Generation",
        {
            "mode": "music",
            "model": "music",
            "music_prompt": "Lively and upbeat, 120 BPM.",
            "music_length_ms": 30_000,
        },
    ),
)

BUILTIN_AGENTS: tuple[AgentDetail, ...] = (
    built_in(
        "Talking head to vertical clips",
        "Turns a talk or podcast into short vertical clips: silences and filler words out, the "
        "best moments, 9:16 on the face, captions, even loudness.",
        (
            ("Video Input", {}),
            ("Silence Removal", {"remove_filler_words": True}),
            ("Clips", {"num_clips": 2, "target_duration": 15}),
            ("Reframe", {"aspect_ratio": "9:16"}),
            ("Captions", {}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Clean up a talking head",
        "Removes silences, filler words and repeated takes, and evens out the sound.",
        (
            ("Video Input", {}),
            ("Rough Cut", {"prompt": "Keep the best take of everything."}),
            ("Silence Removal", {"remove_filler_words": True}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Caption and reframe",
        "Makes a whole video vertical with captions, ready for social media.",
        (
            ("Video Input", {}),
            ("Reframe", {"aspect_ratio": "9:16"}),
            ("Captions", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Long video to shorts",
        "Finds the best moments of a long video (podcast, interview, stream), up to eight of about "
        "45 seconds, and makes each a vertical short with captions and even loudness. Takes exact "
        "ranges instead.",
        (
            ("Video Input", {}),
            ("Clips", {"num_clips": 8, "target_duration": 45}),
            ("Silence Removal", {}),
            ("Reframe", {"aspect_ratio": "9:16"}),
            ("Captions", {}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Clean up raw footage",
        "Joins all videos of the run in their order into one first cut: the best take of "
        "everything, silences out, clean colours, even loudness.",
        (
            ("Video Input", {}),
            (
                "Rough Cut",
                {"prompt": "Keep the best take of everything.", "combine_input_renders": True},
            ),
            ("Silence Removal", {}),
            ("Color Correction", {"preset": "neutral_clean"}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Vertical talking head with captions",
        "Keeps a whole talk, without its silences and filler words, and makes it vertical on the "
        "face with captions and even loudness.",
        (
            ("Video Input", {}),
            ("Silence Removal", {"remove_filler_words": True}),
            ("Reframe", {"aspect_ratio": "9:16"}),
            ("Captions", {}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Social cut-downs",
        "The best half minute of a video in three shapes at once: 16:9, 1:1 and 9:16, each with "
        "captions of its own, even loudness.",
        (
            ("Video Input", {}),
            ("Clips", {"num_clips": 1, "target_duration": 30}),
            ("Audio Enhance", {}),
            Branches((_framed("16:9"), _framed("1:1"), _framed("9:16"))),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Webinar highlights",
        "The five best minutes of a webinar, each a video of its own in the shape of the "
        "recording, so that slides can be read: silences out, captions, even loudness.",
        (
            ("Video Input", {}),
            ("Clips", {"num_clips": 5, "target_duration": 60}),
            ("Silence Removal", {}),
            ("Captions", {"caption_vertical_position": 88, "caption_max_words": 6}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Music-paced montage",
        "One fast sequence of the best moments of all videos of the run, cut on the beats of music "
        "that is made for it; your own, as audio_id of Montage, comes before that.",
        (
            Branches((_VIDEOS, _MUSIC)),
            ("Montage", {"prompt": "Fast, 30 seconds."}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Branding",
        "Puts an intro before, an outro behind and a watermark on a finished video. Give your own "
        "as custom_intro_video_id of Intro, custom_outro_video_id of Outro, image_id of Watermark.",
        (
            ("Video Input", {}),
            ("Intro", {}),
            ("Outro", {}),
            ("Watermark", {}),
            ("Destination", {}),
        ),
    ),
    built_in(
        "Captions only",
        "Puts captions (subtitles), each word marked as it is spoken, on a finished video and "
        "changes nothing else. caption_style 'karaoke' fills the words like a bar.",
        (
            ("Video Input", {}),
            ("Captions", {}),
            ("Destination", {}),
        ),
    ),
)
