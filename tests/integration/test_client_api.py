"""Every endpoint of the contract through the client, against the hosted API's double."""

import pytest

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.contract.agents import (
    CreateAgent,
    CreateConnection,
    CreateNode,
    DuplicateAgent,
    UpdateAgent,
    UpdateNode,
)
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.runs import RunRequest, RunStatus
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.errors import (
    Conflict,
    EngineUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
    Unauthorized,
)
from tests.support.hosted_double import KEY, golden
from tests.support.hosted_state import Ending, thumbnail

AGENT = golden("docs/agent")["agent"]["id"]
CAPTIONS = "22222222-2222-2222-2222-222222222222"
ONE = RunRequest(video_urls=("https://example.org/talk.mp4",))


@pytest.fixture
async def client(double):
    async with MosaicClient(double.url, KEY) as connected:
        yield connected


async def test_the_key_is_sent_as_a_bearer_and_its_owner_is_known(double, client):
    who = await client.whoami()
    assert who.model_dump(mode="json", exclude_unset=True) == golden("docs/whoami")
    assert double.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert double.seen[0].headers["user-agent"].startswith("mosaic-mcp/")


async def test_a_wrong_key_is_refused_with_the_setting_to_check(double):
    async with MosaicClient(double.url, "mk_wrong") as client:
        with pytest.raises(Unauthorized) as caught:
            await client.whoami()
    assert "MOSAIC_API_KEY" in caught.value.remedy


async def test_agents_are_listed_page_by_page(client):
    page = await client.list_agents(limit=5)
    names = [agent.name for agent in page.agents]
    assert names[:2] == ["Podcast clips", "Talking head to vertical clips"]
    while page.next_cursor:
        assert len(page.agents) == 5
        page = await client.list_agents(limit=5, cursor=page.next_cursor)
        names += [agent.name for agent in page.agents]
    assert names[1:] == [agent.agent.name for agent in BUILTIN_AGENTS]


async def test_an_agent_is_read_as_the_page_shows_it(client):
    agent = await client.get_agent(AGENT)
    assert agent.model_dump(mode="json", exclude_unset=True) == golden("docs/agent")


async def test_an_agent_is_created_built_duplicated_and_deleted(client):
    made = await client.create_agent(CreateAgent(name="Vertical", visibility="private"))
    inputs, captions = tile_type("Video Input"), tile_type("Captions")
    changed = await client.update_agent(
        made.agent_id,
        UpdateAgent(
            operations=(
                CreateNode(node_type_id=inputs.node_type_id, temp_ref_id="in"),
                CreateNode(
                    node_type_id=captions.node_type_id,
                    temp_ref_id="caps",
                    params_used={"caption_style": "karaoke"},
                ),
                CreateConnection(source_temp_ref_id="in", target_temp_ref_id="caps"),
            )
        ),
    )
    ids = {node.temp_ref_id: node.agent_node_id for node in changed.created_nodes}
    assert changed.operations_applied == 3
    await client.update_agent(
        made.agent_id,
        UpdateAgent(
            name="Tall",
            operations=(
                # A null inside of parameters is a value and has to arrive.
                UpdateNode(agent_node_id=ids["caps"], params_used={"caption_font_size_px": None}),
            ),
        ),
    )
    agent = await client.get_agent(made.agent_id)
    assert agent.agent.name == "Tall"
    [edge] = agent.connections
    assert (edge.source_agent_node_id, edge.target_agent_node_id) == (ids["in"], ids["caps"])
    node = await client.agent_node(ids["caps"])
    assert node.params_used == {"caption_style": "karaoke", "caption_font_size_px": None}

    copy = await client.duplicate_agent(made.agent_id, DuplicateAgent())
    assert copy.agent.name == "Copy of Tall"
    assert (await client.delete_agent(made.agent_id)).agent_id == made.agent_id
    with pytest.raises(NotFound):
        await client.get_agent(made.agent_id)


async def test_tiles_are_listed_and_read_one_by_one(client):
    types = {t.node_type_name: t for t in (await client.node_types()).node_types}
    assert await client.node_type(types["Captions"].node_type_id) == types["Captions"]


async def test_a_run_is_started_with_exactly_what_was_said(double, client):
    started = await client.run(AGENT, ONE, idempotency_key="k-1")
    assert double.runs[started.run_id].request.body() == ONE.body()
    sent = next(s for s in double.seen if s.method == "POST")
    assert (sent.headers["idempotency-key"], sent.query) == ("k-1", "")


@pytest.mark.parametrize("key", ["ä", "a\nb", " a", "x" * 256])
async def test_an_idempotency_key_that_cannot_be_sent_is_refused_before_sending(
    double, client, key
):
    with pytest.raises(InvalidRequest, match="idempotency_key"):
        await client.run(AGENT, ONE, idempotency_key=key)
    assert double.seen == []


async def test_all_faults_of_a_refused_run_arrive_as_faults(client):
    request = RunRequest(update_params={"nobody": {"x": 1}}, ignore_nodes=("nowhere",))
    with pytest.raises(InvalidRequest) as caught:
        await client.run(AGENT, request)
    told = [fault.what for fault in caught.value.faults]
    assert len(told) >= 3
    assert any("nobody" in line for line in told)
    assert any("nowhere" in line for line in told)


async def test_a_run_is_followed_to_its_outputs(double, client):
    double.ending = Ending(outputs=2, after=2)
    run_id = (await client.run(AGENT, ONE)).run_id
    going = await client.get_run(run_id)
    assert (going.status, going.outputs) == (RunStatus.running, ())
    assert going.node_status_counts.in_progress == 1
    done = await client.get_run(run_id)
    assert done.status is RunStatus.completed
    assert [output.original_node_id for output in done.outputs] == [CAPTIONS] * 2
    nodes = await client.get_run_nodes(run_id)
    assert [node.status for node in nodes.nodes] == ["completed", "completed"]


async def test_a_partly_finished_run_has_outputs_and_errors(double, client):
    double.ending = Ending(RunStatus.partial_complete, errors=("Rendering clip 2 failed",))
    run = await client.get_run((await client.run(AGENT, ONE)).run_id)
    assert run.status is RunStatus.partial_complete
    assert len(run.outputs) == 1
    assert [(e.original_node_id, e.messages) for e in run.errors] == [
        (CAPTIONS, ("Rendering clip 2 failed",))
    ]


async def test_a_run_without_credits_says_so_and_can_be_resumed(double, client):
    double.ending = Ending(
        RunStatus.failed, outputs=0, needs_credits=True, message="Insufficient credits"
    )
    run_id = (await client.run(AGENT, ONE)).run_id
    run = await client.get_run(run_id)
    assert (run.needs_credits, run.status_message) == (True, "Insufficient credits")
    blocked = (await client.get_run_nodes(run_id)).nodes[-1]
    assert (blocked.status, blocked.needs_credits) == ("blocked", True)
    assert (await client.resume_run(run_id)).agent_state_id == run_id
    assert (await client.get_run(run_id)).status is RunStatus.completed


async def test_a_run_is_cancelled_and_a_finished_one_cannot_be_resumed(double, client):
    double.ending = Ending(after=None)
    run_id = (await client.run(AGENT, ONE)).run_id
    assert (await client.cancel_run(run_id)).success
    assert (await client.get_run(run_id)).status is RunStatus.cancelled
    await client.resume_run(run_id)
    await client.get_run(run_id)
    with pytest.raises(Conflict, match="failed or cancelled"):
        await client.resume_run(run_id)


async def test_runs_are_listed_newest_first_and_filtered(double, client):
    double.ending = Ending(after=None)
    other = (await client.list_agents()).agents[1].id
    old = (await client.run(AGENT, ONE)).run_id
    new = (await client.run(other, ONE)).run_id
    await client.cancel_run(old)

    async def listed(*agent_id: str, **filters) -> list[str]:
        return [run.run_id for run in (await client.list_runs(*agent_id, **filters)).runs]

    assert await listed() == [new, old]
    assert await listed(AGENT) == [old]
    assert await listed(status=["cancelled", "failed"]) == [old]
    started = double.runs[new].started_at.isoformat()
    assert await listed(from_=started) == [new]
    assert await listed(to=double.runs[old].started_at.isoformat()) == [old]
    page = await client.list_runs(limit=1)
    assert await listed(limit=1, cursor=page.next_cursor) == [old]


async def test_an_output_is_found_by_its_id_alone(client):
    run_id = (await client.run(AGENT, ONE)).run_id
    [output] = (await client.get_run(run_id)).outputs
    assert (await client.find_output(output.id)).id == output.id
    with pytest.raises(NotFound, match="no output 'other'"):
        await client.find_output("other")


async def test_the_thumbnail_of_an_output_is_fetched_without_the_key(double, client):
    run_id = (await client.run(AGENT, ONE)).run_id
    [output] = (await client.get_run(run_id)).outputs
    assert await client.thumbnail(output.id) == (thumbnail(), "image/jpeg")
    assert "authorization" not in double.seen[-1].headers


async def test_an_output_without_a_thumbnail_says_what_to_do(double, client, monkeypatch):
    run_id = (await client.run(AGENT, ONE)).run_id
    [output] = (await client.get_run(run_id)).outputs
    plain = output.model_copy(update={"thumbnail_url": None})
    monkeypatch.setattr(double, "_output", lambda run, output_id: plain)
    with pytest.raises(NotFound, match="no thumbnail"):
        await client.thumbnail(output.id)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer", "status": 403},
        {"kind": "answer", "status": 200, "body": b"<html>"},
        {"kind": "broken"},
    ],
)
async def test_a_picture_that_cannot_be_had_is_an_error_not_a_picture(double, client, fault):
    run_id = (await client.run(AGENT, ONE)).run_id
    [output] = (await client.get_run(run_id)).outputs
    double.fail(path="jpg", **fault)
    with pytest.raises(EngineUnavailable, match="picture"):
        await client.thumbnail(output.id)


@pytest.mark.parametrize(
    "fault",
    [{"status": 404}, {"status": 403}, {"status": 200, "body": b"<html>Welcome</html>"}],
)
async def test_an_engine_without_the_studios_additions_is_asked_for_them_once(
    double, client, fault
):
    double.fail("answer", "/studio/v1", times=9, **fault)
    assert await client.studio() is None
    assert await client.studio() is None
    assert double.calls("GET", "/studio/v1") == 1
    assert await client.alive()


async def test_a_probe_that_failed_is_made_again(double, client):
    double.fail("answer", "/studio/v1", status=401)
    with pytest.raises(Unauthorized):
        await client.studio()
    assert await client.studio() is None


async def test_another_key_is_another_workspace(double):
    one = MosaicClient(double.url, "mk_one")
    same = MosaicClient(double.url + "/", "mk_one")
    other = MosaicClient(double.url, "mk_other")
    assert one.engine == same.engine != other.engine
    assert "mk_one" not in one.engine


async def test_what_is_forbidden_is_said_to_be(double, client):
    double.fail("answer", "/agents", status=403, body={"detail": "No", "error": "forbidden"})
    with pytest.raises(Forbidden):
        await client.list_agents()
