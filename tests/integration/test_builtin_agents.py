"""Every agent that the studio brings along does what its name says, on a real talk."""

from dataclasses import dataclass
from typing import Any

import pytest

from mosaic_mcp.contract.agents import AgentDetail
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.studio.tiles.catalogue import TILES
from tests.support.studio_process import RunningStudio
from tests.support.studio_runs import Studio
from tests.support.talking import talking_head

SCRIPT = "Welcome to our garden show. (1.2) um (0.4) Today we look at a big telescope."
SHORTS = "Long video to shorts"
CARD_S = 2.0


def tiles_of(agent: AgentDetail) -> list[str]:
    return [node.node_type.node_type_name or "" for node in agent.agent_nodes]


RUNNABLE = [
    agent
    for agent in BUILTIN_AGENTS
    if all(TILES[name].standing != "unsupported" for name in tiles_of(agent))
]


@dataclass(frozen=True)
class Done:
    """What came of an agent's run."""

    run: dict[str, Any]
    outputs: list[dict[str, Any]]
    video_s: float
    """How long the talk is."""


@pytest.fixture(scope="module")
def done(studio: RunningStudio, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """All of them at once: the studio shares what it saw and heard among them."""
    folder = tmp_path_factory.mktemp("talk")
    video = folder / "talk.mp4"
    truth = talking_head(video, SCRIPT, cut_at=3.0)
    srt = folder / "talk.srt"
    srt.write_text(truth.srt())
    with studio.client() as http:
        local = Studio(http, studio.home)
        video_id = local.add(video, srt)
        ids = {a.agent.name: local.run(a.agent.id, request(a, video_id)) for a in RUNNABLE}
        runs = {name: local.end(run_id) for name, run_id in ids.items()}
        facts = {
            name: [http.get(f"/studio/v1/renders/{o['id']}").json() for o in run["outputs"]]
            for name, run in runs.items()
        }
    return {name: Done(runs[name], facts[name], float(truth.duration)) for name in runs}


def request(agent: AgentDetail, video_id: str) -> dict[str, Any]:
    """Clips of 3 s, two of them once; and two takes for what puts several videos into one."""
    wish = {"num_clips": 2 if agent.agent.name == SHORTS else 1, "target_duration": 2}
    clips = [n.agent_node_id for n in agent.agent_nodes if n.node_type.node_type_name == "Clips"]
    joins = {"Clean up raw footage", "Music-paced montage"}
    return {
        "video_ids": [video_id] * (2 if agent.agent.name in joins else 1),
        "update_params": dict.fromkeys(clips, wish),
    }


@pytest.mark.parametrize("agent", RUNNABLE, ids=lambda a: a.agent.name)
def test_a_built_in_agent_runs_to_its_end_and_makes_what_its_graph_says(agent, done):
    made = done[agent.agent.name]
    assert (made.run["status"], made.run["errors"]) == ("completed", [])
    tiles = tiles_of(agent)
    ends = len(Graph.of(agent).output_nodes)
    assert len(made.outputs) == ends * (2 if agent.agent.name == SHORTS else 1)
    shapes = {
        n.params_used["aspect_ratio"]
        for n in agent.agent_nodes
        if n.node_type.node_type_name == "Reframe"
    }
    assert {shape(o) for o in made.outputs} == (shapes or {"16:9"})
    for output in made.outputs:
        timeline = output["timeline"]
        captioned = bool((timeline["captions"] or {}).get("words"))
        assert captioned == any("Captions" in name for name in tiles)
        # What is said is told, also where it is not shown; but not what the montage mutes.
        assert set(output["texts"]) == (set() if "Montage" in tiles else {"srt", "vtt", "txt"})
        evened = (timeline["sound"] or {}).get("loudness_lufs") == -14.0
        assert evened == ("Audio Enhance" in tiles)


def shape(output: dict[str, Any]) -> str:
    ratio = output["facts"]["width"] / output["facts"]["height"]
    return min(("16:9", 16 / 9), ("1:1", 1.0), ("9:16", 9 / 16), key=lambda s: abs(s[1] - ratio))[0]


def lengths(made: Done) -> list[float]:
    return [output["facts"]["duration_s"] for output in made.outputs]


def test_clips_are_short_and_a_cleaned_up_talk_is_shorter_than_it_was(done):
    assert all(1 < length < 6 for length in lengths(done[SHORTS]))
    [cleaned] = lengths(done["Vertical talking head with captions"])
    assert cleaned < done["Clean up a talking head"].video_s - 1


def test_takes_become_one_video(done):
    made = done["Clean up raw footage"]
    assert len(made.outputs) == 1


def test_branding_adds_a_card_at_both_ends_and_captions_change_no_length(done):
    branded, captioned = done["Branding"], done["Captions only"]
    assert lengths(branded) == [pytest.approx(branded.video_s + 2 * CARD_S, abs=0.1)]
    assert lengths(captioned) == [pytest.approx(captioned.video_s, abs=0.1)]


def test_cut_downs_come_in_three_shapes_of_the_same_moments(done):
    made = done["Social cut-downs"]
    by_shape: dict[str, set[float]] = {}
    for output in made.outputs:
        by_shape.setdefault(shape(output), set()).add(round(output["facts"]["duration_s"], 1))
    assert set(by_shape) == {"16:9", "1:1", "9:16"}
    assert by_shape["16:9"] == by_shape["1:1"] == by_shape["9:16"]


def test_a_montage_has_music_instead_of_the_sound_of_its_videos(done):
    [output] = done["Music-paced montage"].outputs
    assert [track["kind"] for track in output["timeline"]["tracks"]] == ["music"]
