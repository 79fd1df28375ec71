"""What the viewer gets from its own tools, on the studio and on the hosted engine's double."""

import base64
from typing import Any

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from mosaic_mcp.contract.runs import RunStatus
from mosaic_mcp.server import build_server
from mosaic_mcp.server.app_view import play_output
from mosaic_mcp.settings import Settings
from tests.support.hosted_double import KEY
from tests.support.hosted_state import Ending, file_content

AGENT = "Talking head to vertical clips"
STEPS = ["Video Input", "Silence Removal", "Clips", "Reframe", "Captions"]
APPS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]


@pytest.fixture(params=["legacy", "auto"])
def call(request, double, tmp_path):
    """Call a tool on a server in front of the double, in both eras."""
    settings = Settings(
        home=tmp_path / "home",
        api_key=KEY,
        api_url=double.url,
        allowed_dirs=(tmp_path,),
        ask_before_spending=False,
    )
    (tmp_path / "talk.mp4").write_bytes(b"a talk" * 1000)

    async def tool(name: str, **arguments: Any):
        async with Client(build_server(settings), mode=request.param, extensions=APPS) as client:
            return await client.call_tool(name, arguments)

    async def run(**more: Any) -> str:
        videos = [str(tmp_path / "talk.mp4")]
        answer = await tool("run_agent", agent=AGENT, videos=videos, wait_s=0, **more)
        assert not answer.is_error, answer.content
        return answer.structured_content["run_id"]

    tool.run = run
    return tool


async def test_the_graph_is_the_agents_among_the_nodes_that_run(call):
    run_id = await call.run()
    seen = (await call("view_run", run_id=run_id, graph=True)).structured_content
    labels = {node["id"]: node["label"] for node in seen["nodes"]}
    assert [labels[a] for a, _ in seen["edges"]][: len(STEPS)] == STEPS
    assert seen["agent"] == AGENT
    assert seen["pushed"] is False


async def test_a_skipped_node_is_bridged(call):
    run_id = await call.run(skip=["Silence Removal"])
    seen = (await call("view_run", run_id=run_id, graph=True)).structured_content
    labels = {node["id"]: node["label"] for node in seen["nodes"]}
    assert "Silence Removal" not in labels.values()
    assert ("Video Input", "Clips") in [(labels[a], labels[b]) for a, b in seen["edges"]]


async def test_outputs_come_once_with_their_pictures_and_a_few_at_a_time(call, double):
    double.ending = Ending(outputs=8)
    run_id = await call.run()
    await call("get_run", run_id=run_id)
    first = (await call("view_run", run_id=run_id)).structured_content
    known = [output["output_id"] for output in first["outputs"]]
    assert (len(known), first["more_outputs"]) == (6, True)
    rest = (await call("view_run", run_id=run_id, known=known)).structured_content
    assert (len(rest["outputs"]), rest["more_outputs"]) == (2, False)
    for output in [*first["outputs"], *rest["outputs"]]:
        kind, _, data = output["thumbnail"].partition(",")
        assert kind in ("data:image/jpeg;base64", "data:image/png;base64")
        assert base64.b64decode(data)


async def test_a_video_is_read_in_pieces_that_join_without_padding(call, double, monkeypatch):
    monkeypatch.setattr(play_output, "PIECE", 9)
    double.ending = Ending(outputs=1)
    run_id = await call.run()
    await call("get_run", run_id=run_id)
    [output] = (await call("view_run", run_id=run_id)).structured_content["outputs"]
    whole, pieces, offset = file_content(output["output_id"]), [], 0
    while offset < min(len(whole), 30):
        answer = await call(
            "play_output", run_id=run_id, output_id=output["output_id"], offset=offset
        )
        piece = answer.structured_content
        assert (piece["total"], piece["offset"]) == (len(whole), offset)
        pieces.append(piece["data"])
        offset += len(base64.b64decode(piece["data"]))
    assert base64.b64decode("".join(pieces)) == whole[:offset]


async def test_a_video_too_large_for_the_page_is_refused_with_what_to_do(call, double, monkeypatch):
    monkeypatch.setattr(play_output, "LARGEST", 3)
    double.ending = Ending(outputs=1)
    run_id = await call.run()
    await call("get_run", run_id=run_id)
    [output] = (await call("view_run", run_id=run_id)).structured_content["outputs"]
    refused = await call("play_output", run_id=run_id, output_id=output["output_id"])
    assert refused.is_error
    assert "Open it instead" in refused.content[0].text
    missing = await call("play_output", run_id=run_id, output_id="nothing")
    assert missing.structured_content["error"]["code"] == "not_found"


async def test_an_unknown_run_is_an_answer(call):
    refused = await call("view_run", run_id="nobody")
    assert refused.structured_content["error"]["code"] == "not_found"


async def test_no_runs_and_no_outputs_are_answers_too(call, double):
    none = await call("list_runs", status=["cancelled"])
    assert none.structured_content == {"runs": []}
    double.ending = Ending(RunStatus.failed, outputs=0)
    run_id = await call.run()
    listed = await call("list_outputs", run_id=run_id)
    assert not listed.is_error, listed.content
    assert listed.structured_content["outputs"] == []
