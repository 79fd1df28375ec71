"""What is found out about a video while others of its run are still on their way."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import pytest

from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.contract.tiles.params import CaptionsParams, ReframeParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.runs.ahead import Behind, behind, perceive
from mosaic_mcp.studio.store.tables import run_nodes
from tests.support.file_server import file_server
from tests.support.studio_process import running_studio, until
from tests.support.studio_runs import Studio
from tests.support.talking import talking_head
from tests.support.tiles import Known, source, timeline

SCRIPT = "Welcome to the show. (0.8) Choose a quiet room with soft furniture."


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Iterator[tuple[Studio, Any]]:
    home = tmp_path_factory.mktemp("home")
    with running_studio(home, MOSAIC_PRIVATE_URLS="1") as running, running.client() as http:
        yield Studio(http, home), running


@pytest.mark.short
def test_a_video_is_looked_at_and_listened_to_while_the_next_one_is_on_its_way(
    opened: tuple[Studio, Any], tmp_path: Path
):
    studio, running = opened
    video = tmp_path / "talk.mp4"
    talking_head(video, SCRIPT, cut_at=2.0)
    nodes = {"in": "Video Input", "cut": "Silence Removal", "tall": "Reframe"}
    agent, _ = studio.agent(nodes, "in>cut cut>tall")
    known = studio.home / "cache" / "perception"
    with file_server() as web:
        url = web.put("/next.mp4", video.read_bytes(), hold_after=1000)
        asset = studio.add(video)
        run_id = studio.run(agent, {"video_ids": [asset], "video_urls": [url]})

        def found() -> bool:
            names = {path.name.partition("-")[0] for path in known.rglob("*.json")}
            return {"speech", "look"} <= names

        until(found, [running.process])
        (first, *_) = studio.nodes(run_id)
        assert (first["status"], first["timelines"]) == ("running", None)
        studio.post(f"/agent_run/{run_id}/cancel")
    until(lambda: not any((studio.home / "work").iterdir()), [running.process])


def stored(store: Any, *nodes: tuple[str, str, dict[str, Any], list[str]]) -> None:
    """Nodes of the run "r": id, tile, parameters, what they need."""
    rows = [
        {
            "id": f"row {name}",
            "owner": "anna",
            "run_id": "r",
            "node_id": name,
            "node_type_id": tile_type(tile).node_type_id,
            "params": params,
            "needs": needs,
            "position": position,
            "renders_outputs": False,
            "status": "not_started",
            "errors": [],
            "generation": 1,
        }
        for position, (name, tile, params, needs) in enumerate(nodes)
    ]
    with store.engine.begin() as connection:
        connection.execute(run_nodes.insert(), rows)


def asked(store: Any, node: str) -> dict[str, set[str]]:
    """What each tile behind a node will ask."""
    with store.engine.begin() as connection:
        tiles = behind(connection, "r", node)
    return {tile.tile: set(tile.asks(timeline(source()))) for tile in tiles}


async def test_only_what_the_tiles_behind_an_input_will_ask_is_found_out(store):
    stored(
        store,
        ("in", "Video Input", {}, []),
        ("other", "Video Input", {}, []),
        ("cut", "Silence Removal", {}, ["in"]),
        ("tall", "Reframe", {"aspect_ratio": "9:16"}, ["cut"]),
        ("mark", "Mirror", {}, ["tall"]),
        ("words", "Captions", {}, ["other"]),
    )
    assert asked(store, "in") == {"Silence Removal": {"speech"}, "Reframe": {"faces"}}
    assert asked(store, "other") == {"Captions": {"words"}}


async def test_what_is_left_out_is_not_looked_at(store):
    stored(
        store,
        ("in", "Video Input", {}, []),
        ("clips", "Clips", {"ranges": [{"start_ms": 1000, "end_ms": 2000}]}, ["in"]),
        ("tall", "Reframe", {"aspect_ratio": "9:16"}, ["clips"]),
    )
    assert asked(store, "in") == {"Clips": set(), "Reframe": set()}


async def test_what_cannot_be_found_out_ahead_is_left_to_the_tile_that_asks():
    class Deaf(Known):
        async def words(self, source):
            raise MediaError("Its sound is damaged.", remedy="Export it again.")

    talk = timeline(source(duration=Fraction(600)))
    part = talk.model_copy(
        update={"clips": (talk.clips[0].model_copy(update={"end": Fraction(30)}),)}
    )
    known = Deaf({})
    tiles = [
        Behind("Captions", CaptionsParams(), whole=True),
        Behind("Reframe", ReframeParams(aspect_ratio="9:16"), whole=True),
    ]
    with anyio.fail_after(5):
        await perceive(part, tiles, known)
    (within,) = known.looked_at
    assert within is not None
    assert [(one.start, one.end) for one in within] == [(0, 31)], "the part that comes in"
