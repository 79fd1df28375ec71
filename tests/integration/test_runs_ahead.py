"""What is found out about a video while others of its run are still on their way."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import pytest

from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.runs.ahead import Behind, behind, perceive
from mosaic_mcp.studio.store.tables import run_nodes
from mosaic_mcp.studio.tiles.asking import ASKED
from mosaic_mcp.studio.tiles.catalogue import TILES
from tests.support.file_server import file_server
from tests.support.studio_process import running_studio, until
from tests.support.studio_runs import Studio
from tests.support.talking import talking_head
from tests.support.tiles import Known, context, source, talk, timeline

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

    whole = timeline(source(duration=Fraction(600)))
    part = whole.model_copy(
        update={"clips": (whole.clips[0].model_copy(update={"end": Fraction(30)}),)}
    )
    known = Deaf({})
    tiles = [
        Behind("Captions", params_of("Captions"), whole=True),
        Behind("Reframe", params_of("Reframe"), whole=True),
    ]
    with anyio.fail_after(5):
        await perceive(part, tiles, known)
    (within,) = known.looked_at
    assert within is not None
    assert [(one.start, one.end) for one in within] == [(0, 31)], "the part that comes in"


ASKING: dict[str, list[dict[str, Any]]] = {
    "Clips": [{}, {"target_duration": 90}],
    "Rough Cut": [{"prompt": "Tighten it."}],
    "Silence Removal": [{}, {"remove_filler_words": True}],
    "Reframe": [{}, {"zoom_out": True}],
    "Captions": [{}],
    "Cinematic Captions": [{}],
    "Captions With Emojis": [{}],
}
GREY = (0.1, 0.5, 0.9)


class Asked(Known):
    """Remembers what it was asked."""

    def __init__(self, known: Known) -> None:
        super().__init__(known.truth, colours={"talk": Colours(red=GREY, green=GREY, blue=GREY)})
        self.asked: set[str] = set()

    async def speech(self, source):
        self.asked.add("speech")
        return await super().speech(source)

    async def words(self, source):
        self.asked.add("words")
        return await super().words(source)

    async def faces(self, source, within=None):
        self.asked.add("faces")
        return await super().faces(source, within)


@pytest.mark.parametrize(
    ("tile", "more"), [(tile, more) for tile, many in ASKING.items() for more in many]
)
async def test_a_tile_asks_what_is_known_ahead_that_it_will_ask(tile: str, more: dict[str, Any]):
    uncut, known = talk("We looked at forty stars. They are far away. um " * 8)
    perception = Asked(known)
    params = params_of(tile, **more)
    await TILES[tile].apply([uncut], params, context(perception))
    assert ASKED[tile](params, uncut) <= perception.asked
    assert set(ASKING) == set(ASKED)


def params_of(tile: str, **more: Any) -> Any:
    found = tile_type(tile)
    assert found is not None
    assert found.params is not None
    return found.params(**more)
