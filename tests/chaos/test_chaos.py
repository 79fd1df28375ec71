"""kill -9 anywhere, any number of times: nothing is lost, nothing that was finished is done again.

    pytest -m chaos tests/chaos/test_chaos.py -s        at least 100 kills over at least 20 runs
    CHAOS_SEED=7 pytest -m "chaos and short" -s         one short round with that seed

A round is a fresh data folder and two runs at once, each started and followed over an MCP server of
its own: one downloads its video, cuts silence and fans out to two tiles; the other makes two clips
with captions of a local file. A killer with a seed ends the studio, FFmpeg, its guard, perception
helpers and the MCP servers. Whatever it does, the next tool call is all that brings things back.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from mosaic_mcp.client.studio import discovery
from tests.chaos.killing import CALM, MOST, SHORT, Killed, Plan, kill_at_random
from tests.chaos.processes import counted, processes_of, until
from tests.chaos.scene import Media, Scene, make_talk
from tests.chaos.watching import Watch, rows
from tests.support.file_server import FileServer, file_server
from tests.support.waiting import WAIT_S

pytestmark = pytest.mark.chaos
DOWNLOAD_S = 1.5


@pytest.fixture(scope="module")
def web() -> Iterator[FileServer]:
    with file_server() as serving:
        yield serving


@pytest.fixture(scope="module")
def media(web: FileServer, tmp_path_factory: pytest.TempPathFactory) -> Media:
    video = make_talk(tmp_path_factory.mktemp("media"))
    url = web.put("/talk.mp4", video.read_bytes(), pace_s=DOWNLOAD_S)
    return Media(video, video.with_suffix(".srt"), url)


@pytest.fixture(scope="module")
def seed() -> int:
    chosen = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    print(f"\nCHAOS_SEED={chosen}")
    return chosen


@pytest.fixture(autouse=True)
def private_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The studios that these tests start may download from this machine."""
    monkeypatch.setenv("MOSAIC_PRIVATE_URLS", "1")


async def a_round(
    home: Path, media: Media, rng: random.Random, killed: Killed, plan: Plan
) -> Scene:
    """Two runs, disturbed as planned; raises AssertionError for what is wrong."""
    scene, watch = Scene(home, media), Watch(home)
    try:
        await scene.prepare()
        async with anyio.create_task_group() as round_:
            round_.start_soon(kill_at_random, watch, rng, killed, plan)
            async with anyio.create_task_group() as both:
                both.start_soon(scene.run, 0)
                both.start_soon(scene.run, 1)
            round_.cancel_scope.cancel()
        assert await leftovers(home) == []
        assert faults(scene, watch) == []
    finally:
        await end_studio(home)
    assert processes_of(home) == []
    return scene


def faults(scene: Scene, watch: Watch) -> list[str]:
    """Everything that is not as it must be after the runs."""
    home, wrong = scene.home, []
    for run_id in scene.runs.values():
        (run,) = rows(home, f"select * from runs where id = '{run_id}'")
        if run["status"] != "completed":
            wrong.append(f"{run_id} is {run['status']}: {run['status_message']}")
        kinds = rows(
            home,
            "select type, json_extract(data, '$.node') as node from events "
            f"where run_id = '{run_id}' order by seq",
        )
        for node in rows(home, f"select * from run_nodes where run_id = '{run_id}'"):
            own = [k["type"] for k in kinds if k["node"] == node["node_id"]]
            if node["status"] != "completed" or own.count("node.completed") != 1:
                wrong.append(f"node {node['position']}: {node['status']} {node['errors']} {own}")
            elif own[-1] != "node.completed":
                wrong.append(f"node {node['position']} was begun again: {own}")
        if [k["type"] for k in kinds].count("run.completed") != 1:
            wrong.append(f"{run_id} did not end once")
    if len(rows(home, "select id from runs")) != len(scene.calls):
        wrong.append("a run was started twice")
    known = {row["id"] for row in rows(home, "select id from renders")}
    here = {path.name for path in home.glob("renders/*")}
    if here != known:
        wrong.append(f"renders {sorted(known)} and folders {sorted(here)}")
    wrong += [f"{render} was done again" for render in watch.redone()]
    return wrong


async def leftovers(home: Path) -> list[str]:
    """Half files, work folders and processes that nobody needs; a helper may be just ending."""
    with anyio.move_on_after(60):
        await until(lambda: not counted(processes_of(home)).keys() - {"studio", "mcp"})
    processes = [f"{p.kind} {p.pid}" for p in processes_of(home) if p.kind not in ("studio", "mcp")]
    parts = [str(path) for path in home.rglob("*.part*")]
    return [*processes, *parts, *(str(path) for path in home.glob("work/*"))]


async def end_studio(home: Path) -> None:
    """End the studio in good order, and wait until it is gone."""
    found = discovery(home)
    if found is not None:
        os.kill(found.pid, signal.SIGTERM)
    with anyio.fail_after(WAIT_S):
        await until(lambda: not counted(processes_of(home))["studio"])


async def chaos(
    folder: Path, media: Media, seed: int, *, kills: int, runs: int, plan: Plan
) -> Killed:
    """Rounds until there were enough kills and runs; what was killed."""
    calm = await a_round(folder / "calm", media, random.Random(seed), Killed(), CALM)
    expected = {number: calm.outputs(number) for number in calm.runs}
    assert [len(outputs) for outputs in expected.values()] == [2, 2]
    killed, number, refusals = Killed(), 0, 0
    while killed.total < kills or number * 2 < runs:
        rng = random.Random(f"{seed}/{number}")
        scene = await a_round(folder / f"round {number}", media, rng, killed, plan)
        assert {n: scene.outputs(n) for n in scene.runs} == expected
        refusals += len(scene.refusals)
        number += 1
        print(f"{2 * number} runs, {killed.total} kills: {dict(killed.kinds)}")
    print(f"in the phases {dict(killed.phases)}; 0 lost, 0 redone")
    print(f"{refusals} tool calls were refused for a passing reason and made again")
    return killed


@pytest.mark.short
async def test_a_few_kills_lose_nothing_and_redo_nothing(tmp_path: Path, media: Media, seed: int):
    killed = await chaos(tmp_path, media, seed, kills=4, runs=2, plan=SHORT)
    assert killed.total >= 4


@pytest.mark.long
async def test_a_hundred_kills_lose_nothing_and_redo_nothing(
    tmp_path: Path, media: Media, seed: int
):
    killed = await chaos(tmp_path, media, seed, kills=100, runs=20, plan=MOST)
    assert set(killed.kinds) == {"studio", "ffmpeg", "guard", "helper", "mcp"}
