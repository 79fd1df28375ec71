"""Agents over real HTTP: ordered operations, all or nothing, copies, pages, owners."""

import httpx
import pytest

from mosaic_mcp.contract.agents import AgentChanged, AgentDetail, AgentList
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.node_types import AgentNodeAnswer, NodeTypeAnswer, NodeTypes

VIDEO_INPUT = "9451e6ff-ac7f-4317-9055-a2f35f641b29"
CAPTIONS = "cdccb204-168e-4aec-aa72-480b11e74324"
BUILTIN = BUILTIN_AGENTS[0].agent.id

CAPTION_OPERATIONS = [
    {"op": "create_node", "node_type_id": VIDEO_INPUT, "temp_ref_id": "in"},
    {
        "op": "create_node",
        "node_type_id": CAPTIONS,
        "temp_ref_id": "cap",
        "params_used": {"caption_style": "colored"},
    },
    {"op": "create_connection", "source_temp_ref_id": "in", "target_temp_ref_id": "cap"},
]
"""The example of post-agent-update: a Video Input into Captions, joined by references."""


def created(client: httpx.Client, **body: str) -> str:
    answer = client.post("/agent/create", json=body)
    assert answer.status_code == 200
    changed = AgentChanged.model_validate_json(answer.content)
    assert (changed.success, changed.operations_applied, changed.created_nodes) == (True, 0, ())
    return changed.agent_id


def detail(client: httpx.Client, agent_id: str) -> AgentDetail:
    answer = client.get(f"/agent/{agent_id}")
    assert answer.status_code == 200
    return AgentDetail.model_validate_json(answer.content)


def update(client: httpx.Client, agent_id: str, **body: object) -> httpx.Response:
    return client.post(f"/agent/{agent_id}/update", json=body)


@pytest.fixture
def agent(anna) -> str:
    """An agent with a Video Input into Captions."""
    agent_id = created(anna, name="Captioner")
    assert update(anna, agent_id, operations=CAPTION_OPERATIONS).status_code == 200
    return agent_id


def test_a_new_agent_has_its_words_and_no_tiles(anna):
    made = detail(anna, created(anna, name="A", description="B", visibility="private"))
    assert (made.agent.name, made.agent.description, made.agent.visibility) == ("A", "B", "private")
    assert made.agent_nodes == made.connections == ()
    assert made.agent.created_at == made.agent.updated_at is not None


def test_an_agent_may_be_made_without_a_body(anna):
    assert anna.post("/agent/create").status_code == 200


@pytest.mark.parametrize("field", ["graph", "nodes", "connections", "create_video_input_node"])
def test_a_graph_in_create_is_refused(anna, field):
    answer = anna.post("/agent/create", json={"name": "A", field: []})
    assert answer.status_code == 400
    assert field in answer.json()["detail"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_operations_are_applied_in_order_and_report_the_new_ids(anna, method):
    agent_id = created(anna)
    answer = anna.request(
        method, f"/agent/{agent_id}/update", json={"operations": CAPTION_OPERATIONS}
    )
    changed = AgentChanged.model_validate_json(answer.content)
    assert changed.operations_applied == 3
    assert [n.temp_ref_id for n in changed.created_nodes] == ["in", "cap"]
    source, target = (n.agent_node_id for n in changed.created_nodes)
    made = detail(anna, agent_id)
    assert [n.agent_node_id for n in made.agent_nodes] == [source, target]
    assert made.agent_nodes[1].params_used == {"caption_style": "colored"}
    edge = made.connections[0]
    assert (edge.source_agent_node_id, edge.target_agent_node_id) == (source, target)


def test_update_node_merges_its_parameters(anna, agent):
    node = detail(anna, agent).agent_nodes[1].agent_node_id
    patch = {"op": "update_node", "agent_node_id": node, "params_used": {"base_color": "#ffffff"}}
    assert update(anna, agent, operations=[patch]).status_code == 200
    assert detail(anna, agent).agent_nodes[1].params_used == {
        "caption_style": "colored",
        "base_color": "#ffffff",
    }


def test_delete_node_takes_its_connections_along(anna, agent):
    node = detail(anna, agent).agent_nodes[1].agent_node_id
    assert (
        update(anna, agent, operations=[{"op": "delete_node", "agent_node_id": node}]).status_code
        == 200
    )
    left = detail(anna, agent)
    assert len(left.agent_nodes) == 1
    assert left.connections == ()


def test_one_bad_operation_leaves_the_agent_as_it_was(anna, agent):
    before = detail(anna, agent)
    bad = {"op": "delete_node", "agent_node_id": "nope"}
    answer = update(anna, agent, name="New", operations=[*CAPTION_OPERATIONS, bad])
    assert answer.status_code == 400
    assert "nope" in answer.json()["detail"]
    assert detail(anna, agent) == before


def test_all_faults_of_an_update_are_told_at_once(anna, agent):
    answer = update(anna, agent, name="", visibility="secret", color="red")
    told = answer.json()["detail"]
    assert answer.status_code == 400
    assert all(field in told for field in ("name", "visibility", "color"))


def test_an_update_without_anything_is_a_400(anna, agent):
    assert update(anna, agent).status_code == 400


def test_words_change_without_the_graph(anna, agent):
    nodes = detail(anna, agent).agent_nodes
    assert update(anna, agent, name="Renamed", visibility="public").status_code == 200
    after = detail(anna, agent)
    assert (after.agent.name, after.agent.visibility) == ("Renamed", "public")
    assert after.agent_nodes == nodes
    assert after.agent.updated_at > after.agent.created_at


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_deleted_agent_is_gone(anna, agent, method):
    answer = anna.request(method, f"/agent/{agent}/delete")
    assert answer.json() == {
        "success": True,
        "agent_id": agent,
        "message": "Agent deleted successfully",
    }
    assert anna.get(f"/agent/{agent}").status_code == 404
    assert anna.request(method, f"/agent/{agent}/delete").status_code == 404
    assert agent not in {a.id for a in pages(anna)}


def test_a_copy_has_the_same_graph_under_new_ids(anna, agent):
    source = detail(anna, agent)
    copy = AgentDetail.model_validate_json(anna.post(f"/agent/{agent}/duplicate").content)
    assert copy.agent.id != agent
    assert copy.agent.name == "Copy of Captioner"
    assert [n.params_used for n in copy.agent_nodes] == [n.params_used for n in source.agent_nodes]
    ids = {n.agent_node_id for n in copy.agent_nodes}
    assert not ids & {n.agent_node_id for n in source.agent_nodes}
    assert {copy.connections[0].source_agent_node_id, copy.connections[0].target_agent_node_id} == (
        ids
    )


def test_a_copy_takes_the_words_that_are_sent(anna, agent):
    body = {"name": "Mine", "visibility": "public"}
    copy = anna.post(f"/agent/{agent}/duplicate", json=body).json()["agent"]
    assert (copy["name"], copy["visibility"]) == ("Mine", "public")


def test_one_node_can_be_asked_for(anna, agent):
    node = detail(anna, agent).agent_nodes[1]
    answer = anna.get(f"/agent_nodes/{node.agent_node_id}")
    assert AgentNodeAnswer.model_validate_json(answer.content).agent_node == node


@pytest.mark.parametrize("node_id", ["nope", "%25", "_", "caption_style"])
def test_an_unknown_node_is_a_404(anna, agent, node_id):
    assert anna.get(f"/agent_nodes/{node_id}").status_code == 404


def test_an_agent_is_unknown_to_other_owners(anna, ben, agent):
    node = detail(anna, agent).agent_nodes[0].agent_node_id
    for method, path in [
        ("GET", f"/agent/{agent}"),
        ("POST", f"/agent/{agent}/delete"),
        ("POST", f"/agent/{agent}/duplicate"),
        ("GET", f"/agent_nodes/{node}"),
    ]:
        assert ben.request(method, path).status_code == 404
    assert update(ben, agent, name="Taken").status_code == 404
    assert agent not in {a.id for a in pages(ben)}
    assert detail(anna, agent).agent.name == "Captioner"


def test_every_owner_sees_the_built_in_agents(anna, ben):
    for client in (anna, ben):
        assert detail(client, BUILTIN).agent_nodes
        assert {a.agent.id for a in BUILTIN_AGENTS} <= {a.id for a in pages(client)}


def test_a_built_in_agent_cannot_be_changed_but_copied(anna):
    for answer in (update(anna, BUILTIN, name="X"), anna.post(f"/agent/{BUILTIN}/delete")):
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
        assert "uplicate" in answer.json()["detail"]
    copy = AgentDetail.model_validate_json(anna.post(f"/agent/{BUILTIN}/duplicate").content)
    assert copy.agent.visibility == "private"
    assert update(anna, copy.agent.id, name="Mine").status_code == 200


def pages(client: httpx.Client, limit: int = 100):
    """All agents, page by page."""
    cursor = None
    while True:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        page = AgentList.model_validate_json(client.get("/agents", params=query).content)
        assert len(page.agents) <= limit
        yield from page.agents
        if (cursor := page.next_cursor) is None:
            return


def test_pages_hold_every_agent_once_newest_first(ben):
    made = [created(ben, name=f"Agent {n}") for n in range(5)]
    listed = [a.id for a in pages(ben, limit=2)]
    assert len(listed) == len(set(listed))
    assert [a for a in listed if a in made] == made[::-1]
    assert {a.agent.id for a in BUILTIN_AGENTS} <= set(listed)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=WzEsMl0=", "cursor=%FF"]
)
def test_a_bad_page_is_a_400(anna, query):
    answer = anna.get(f"/agents?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")


def test_the_catalogue_lists_each_node_type(anna):
    listed = NodeTypes.model_validate_json(anna.get("/node_types").content).node_types
    names = {t.node_type_id: t.node_type_name for t in listed}
    assert names[CAPTIONS] == "Captions"
    answer = anna.get(f"/node_type/{CAPTIONS}")
    assert NodeTypeAnswer.model_validate_json(answer.content).node_type in listed
    assert anna.get("/node_type/nope").status_code == 404
