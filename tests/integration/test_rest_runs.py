"""Runs over real HTTP: start, watch, outputs, lists, chains, refusals; a real render of 2 s."""

import io
import json
import time
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PIL import Image
from test_rest_golden import covers, golden

from mosaic_mcp.contract.extensions import RenderInfo, RunTimeline, RunWatch
from mosaic_mcp.contract.runs import AgentRun, RunList, RunNodes, RunStatus
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.studio.signing import Links, Signer, load_key
from tests.support.media import video

V1 = "/studio/v1"


def make_agent(client: httpx.Client, *tiles: str) -> tuple[str, list[str]]:
    """An agent of these tiles in a row: its id and its nodes' ids."""
    agent_id = client.post("/agent/create", json={"name": " to ".join(tiles)}).json()["agent_id"]
    operations: list[dict] = [
        {"op": "create_node", "node_type_id": tile_type(name).node_type_id, "temp_ref_id": name}
        for name in tiles
    ]
    operations += [
        {"op": "create_connection", "source_temp_ref_id": a, "target_temp_ref_id": b}
        for a, b in pairwise(tiles)
    ]
    answer = client.post(f"/agent/{agent_id}/update", json={"operations": operations})
    assert answer.status_code == 200, answer.text
    return agent_id, [n["agent_node_id"] for n in answer.json()["created_nodes"]]


def run(client: httpx.Client, agent_id: str, body: dict, key: str = "") -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    url = f"/agent/{agent_id}/run"
    return client.post(url, params={"quality": "draft"}, json=body, headers=headers)


def finished(client: httpx.Client, run_id: str) -> list[RunWatch]:
    """Everything that a watcher saw until the end."""
    seen: list[RunWatch] = []
    while not seen or not seen[-1].run.status.terminal:
        query = {"since": seen[-1].seq if seen else 0, "wait_s": 20}
        answer = client.get(f"{V1}/runs/{run_id}/watch", params=query)
        seen.append(RunWatch.model_validate_json(answer.content))
    return seen


@pytest.fixture(scope="module")
def made(studio, tmp_path_factory):
    """A finished run: `(client, agent id, node ids, video id, run id, what a watcher saw)`."""
    path = video(tmp_path_factory.mktemp("media") / "talk.mp4")
    with studio.client() as client:
        taken = client.post(f"{V1}/files", json={"path": str(path)}).json()
        agent_id, nodes = make_agent(client, "Video Input", "Reframe", "Destination")
        body = {"video_ids": [taken["asset_id"]], "input_clip_end_ms": 1000}
        answer = run(client, agent_id, body, key="made")
        assert answer.status_code == 200, answer.text
        run_id = answer.json()["run_id"]
        yield client, agent_id, nodes, taken["asset_id"], run_id, finished(client, run_id)


def view(client: httpx.Client, run_id: str) -> AgentRun:
    return AgentRun.model_validate_json(client.get(f"/agent_run/{run_id}").content)


def run_ids(client: httpx.Client) -> list[str]:
    """The newest runs; their links change with every second."""
    return [r["run_id"] for r in client.get("/agent_runs").json()["runs"]]


def test_a_run_ends_with_every_field_of_the_page(made):
    client, agent_id, nodes, _, run_id, _ = made
    answer = client.get(f"/agent_run/{run_id}").json()
    covers(answer, golden("../get_agent_run/completed"))
    shown = view(client, run_id)
    assert (shown.agent_id, shown.status, shown.errors) == (agent_id, RunStatus.completed, ())
    assert shown.node_status_counts.completed == 3
    output = shown.outputs[0]
    assert output.original_node_id == nodes[1], "the last node before Destination"
    assert output.completed_at is not None
    assert shown.started_at <= output.completed_at


def test_every_link_of_a_run_opens(made):
    shown = view(made[0], made[4])
    links = {
        shown.inputs[0].video_url: "video/mp4",
        shown.inputs[0].thumbnail_url: "image/jpeg",
        shown.outputs[0].video_url: "video/mp4",
        shown.outputs[0].thumbnail_url: "image/jpeg",
        shown.outputs[0].premiere_prproj_url: "application/zip",
    }
    for link, kind in links.items():
        got = httpx.get(link, trust_env=False)
        assert (got.status_code, got.headers["content-type"]) == (200, kind)
    part = httpx.get(shown.outputs[0].video_url, headers={"range": "bytes=4-7"}, trust_env=False)
    assert (part.status_code, part.content) == (206, b"ftyp")


def links(made) -> list[str]:
    output = view(made[0], made[4]).outputs[0]
    return [output.video_url, output.thumbnail_url, output.premiere_prproj_url]


def test_the_links_of_an_output_last_seven_days(made):
    """ "Signed URL to download the rendered video (valid for 7 days)" """
    for link in links(made):
        end = int(parse_qs(urlsplit(link).query)["exp"][0])
        assert end - time.time() == pytest.approx(7 * 86_400, abs=60)


def test_a_link_ends_after_its_seven_days_and_not_before(studio, made):
    """Links as this studio signed them in the past, by its own key."""
    render = view(made[0], made[4]).outputs[0].id
    key = load_key(studio.home / "studio" / "secret.key")
    for age, status in ((7 * 86_400 - 60, 200), (7 * 86_400 + 1, 403)):
        then = Signer(key, now=lambda age=age: time.time() - age)
        link = Links(studio.discovery.url, then).render(render, "video.mp4")
        answer = httpx.head(link, trust_env=False)
        assert answer.status_code == status
    assert "has ended" in httpx.get(link, trust_env=False).json()["detail"]


def test_a_link_opens_its_own_file_only(made, studio):
    video, thumbnail, timeline = links(made)
    signature = urlsplit(video).query
    for other in (thumbnail, timeline, video.replace("video.mp4", "captions.srt")):
        path = other.partition("?")[0]
        assert httpx.get(f"{path}?{signature}", trust_env=False).status_code == 403
    for hostile in ("recipe.json", "..%2f..%2fstudio%2fsecret.key", "%2e%2e/secret.key"):
        path = video.partition("?")[0].replace("video.mp4", hostile)
        assert httpx.get(f"{path}?{signature}", trust_env=False).status_code in (400, 403, 404)


def test_a_thumbnail_is_a_small_picture_of_the_video(made):
    picture = Image.open(io.BytesIO(httpx.get(links(made)[1], trust_env=False).content))
    assert picture.format == "JPEG"
    assert max(picture.size) <= 1280
    assert len(set(picture.convert("L").tobytes())) > 10, "not a plain surface"


def test_a_watcher_sees_progress_that_only_rises(made):
    seen = made[5]
    assert [w.seq for w in seen] == sorted({w.seq for w in seen})
    for index, node in enumerate(seen[-1].nodes):
        steps = [w.nodes[index].progress for w in seen]
        assert steps == sorted(steps)
        assert node.progress == 1
    assert [n.tile for n in seen[-1].nodes] == ["Video Input", "Reframe", "Destination"]
    assert (seen[-1].nodes[1].renders_done, seen[-1].nodes[1].renders_total) == (1, 1)


def test_a_watcher_of_nothing_new_is_answered_at_its_deadline(made):
    client, run_id, seq = made[0], made[4], made[5][-1].seq
    answer = client.get(f"{V1}/runs/{run_id}/watch", params={"since": seq, "wait_s": 0.1})
    assert answer.json()["seq"] == seq


def test_an_output_says_what_and_where_it_is(made):
    client, _, _, _, run_id, _ = made
    output = view(client, run_id).outputs[0].id
    info = RenderInfo.model_validate_json(client.get(f"{V1}/renders/{output}").content)
    assert info.run_id == run_id
    # A draft is smaller than its canvas, and of its shape.
    assert info.facts.width * info.timeline["height"] == info.facts.height * info.timeline["width"]
    assert info.facts.quality == "draft"
    assert info.facts.duration_s == pytest.approx(1, abs=0.1)
    assert Path(info.path).read_bytes()[4:8] == b"ftyp"
    picture = client.get(f"{V1}/renders/{output}/frame", params={"at": 0.5}).content
    size = Image.open(io.BytesIO(picture)).size
    assert size[0] / size[1] == pytest.approx(info.facts.width / info.facts.height, rel=0.02)
    assert client.get(f"{V1}/renders/{output}/sheet").headers["content-type"] == "image/jpeg"


def test_the_timeline_of_a_run_tells_its_cuts_and_who_made_them(made, ben):
    client, _, nodes, _, run_id, _ = made
    answer = client.get(f"{V1}/runs/{run_id}/timeline")
    (edit,) = RunTimeline.model_validate_json(answer.content).edits
    assert edit.output_id == view(client, run_id).outputs[0].id
    (cut,) = edit.cuts
    assert (cut.at_s, cut.from_s, cut.source) == (0, 0, "talk.mp4")
    assert (cut.to_s, edit.duration_s) == (1, 1)
    assert (edit.framing_node, edit.captions_node) == (nodes[1], None)
    assert edit.width * 16 == edit.height * 9
    assert ben.get(f"{V1}/runs/{run_id}/timeline").status_code == 404


def test_the_nodes_of_a_run_point_to_their_templates(made):
    client, _, nodes, _, run_id, _ = made
    answer = client.get(f"/agent_run/{run_id}/nodes")
    covers(answer.json(), golden("run_nodes"))
    shown = RunNodes.model_validate_json(answer.content).nodes
    assert [n.original_node_id for n in shown] == nodes
    assert not {n.agent_node_id for n in shown} & set(nodes)


def test_the_same_key_gives_the_same_run_and_another_request_a_conflict(made):
    client, agent_id, _, video_id, run_id, _ = made
    body = {"video_ids": [video_id], "input_clip_end_ms": 1000}
    assert run(client, agent_id, body, key="made").json() == {"run_id": run_id}
    other = run(client, agent_id, {"video_ids": [video_id]}, key="made")
    assert (other.status_code, other.json()["error"]) == (409, "conflict")
    found = client.get(f"{V1}/runs", params={"idempotency_key": "made"}).json()
    assert found == {"run_id": run_id}
    unknown = client.get(f"{V1}/runs", params={"idempotency_key": "nope"})
    assert unknown.json() == {"run_id": None}


def test_an_output_can_be_the_input_of_the_next_run(made):
    client, _, _, _, run_id, _ = made
    output = view(client, run_id).outputs[0].id
    agent_id, _ = make_agent(client, "Video Input", "Destination")
    second = run(client, agent_id, {"node_render_ids": [output]}).json()["run_id"]
    assert finished(client, second)[-1].run.status == RunStatus.completed
    assert client.get(f"/agent_run/{second}").json()["inputs"][0]["video_url"]


def test_a_finished_run_is_neither_resumed_nor_changed_by_cancel(made):
    client, _, _, _, run_id, _ = made
    answer = client.post(f"/agent_run/{run_id}/resume")
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    cancelled = client.post(f"/agent_run/{run_id}/cancel").json()
    assert (cancelled["tasks_cancelled"], cancelled["nodes_reset"]) == (0, 0)
    assert view(client, run_id).status == RunStatus.completed


def test_lists_hold_a_run_by_agent_status_and_time(made):
    client, agent_id, _, _, run_id, _ = made
    started = view(client, run_id).started_at.isoformat()

    def listed(path: str = f"/agent/{agent_id}/runs", **query: str) -> list[str]:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        covers(answer.json(), golden("runs"))
        return [r.run_id for r in RunList.model_validate_json(answer.content).runs]

    assert listed() == listed("/agent_runs", agent_id=agent_id) == [run_id]
    assert run_id in listed("/agent_runs")
    assert listed(status="completed,failed") == [run_id]
    assert listed(status="failed") == []
    assert listed(**{"from": started}) == listed(to=started) == [run_id]
    assert listed(**{"from": "2100-01-01T00:00:00Z"}) == []
    assert listed(to="2000-01-01") == []


@pytest.mark.parametrize("query", ["status=done", "from=yesterday", "limit=0", "cursor=x"])
def test_a_bad_filter_is_a_400(local, query):
    answer = local.get(f"/agent_runs?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")


def test_a_run_is_unknown_to_other_owners(made, anna):
    run_id = made[4]
    output = view(made[0], run_id).outputs[0].id
    for method, path in [
        ("GET", f"/agent_run/{run_id}"),
        ("GET", f"/agent_run/{run_id}/nodes"),
        ("POST", f"/agent_run/{run_id}/resume"),
        ("POST", f"/agent_run/{run_id}/cancel"),
        ("GET", f"/agent/{made[1]}/runs"),
        ("GET", f"{V1}/runs/{run_id}/watch"),
        ("GET", f"{V1}/renders/{output}"),
        ("GET", f"{V1}/renders/{output}/frame"),
    ]:
        assert anna.request(method, path).status_code == 404, path
    assert run_id not in run_ids(anna)
    assert run(anna, made[1], {"video_ids": [made[3]]}).status_code == 404


def test_a_run_of_foreign_videos_and_outputs_is_a_400_that_names_them_all(made, anna):
    output = view(made[0], made[4]).outputs[0].id
    agent_id, _ = make_agent(anna, "Video Input", "Destination")
    before = run_ids(anna)
    body = {"video_ids": [made[3], "nope"], "node_render_ids": [output]}
    answer = run(anna, agent_id, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert all(i in answer.json()["detail"] for i in (made[3], "nope", output))
    assert run_ids(anna) == before


def test_all_faults_of_a_run_are_told_at_once_and_no_run_exists(made):
    client, agent_id, _, video_id, _, _ = made
    before = run_ids(client)
    body = {
        "video_ids": [video_id, "missing-video"],
        "input_clip_start_ms": 5,
        "input_clip_end_ms": 5,
        "update_params": {"missing-node": {}},
    }
    answer = run(client, agent_id, body)
    assert answer.status_code == 400
    told = answer.json()["detail"]
    assert all(word in told for word in ("missing-video", "input_clip_end_ms", "missing-node"))
    assert run_ids(client) == before


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"update_params": {"nope": {}}}, "There is no such node"),
        ({"update_params": {"{reframe}": {"aspect_ratio": 5}}}, "aspect_ratio"),
        ({"update_params": {"{reframe}": {"aspect": "9:16"}}}, "Did you mean 'aspect_ratio'?"),
        ({"update_params": {"{input}": {}}}, "is a protected node"),
        ({"update_params": {"{output}": {}}}, "is a protected node"),
        ({"mimir_assets": [{"id": "m"}]}, "Settings > Integrations"),
        ({"video_inputs": [{"agent_node_id": "{input}", "video_ids": ["v"]}]}, "Top-level inputs"),
        ({"callback_url": "ftp://example.com"}, "callback_url"),
        ({"ignore_nodes": ["nope"]}, "ignore_nodes[0]"),
    ],
    ids=str,
)
def test_a_request_that_breaks_a_rule_makes_no_run(made, more, says):
    """ "If validation fails, the run is not created." """
    client, agent_id, nodes, video_id, _, _ = made
    before = run_ids(client)
    text = json.dumps({"video_ids": [video_id], **more})
    for name, node in zip(("{input}", "{reframe}", "{output}"), nodes, strict=True):
        text = text.replace(name, node)
    answer = run(client, agent_id, json.loads(text))
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert says in answer.json()["detail"]
    assert run_ids(client) == before


def test_bypassing_a_node_leaves_the_template_as_it_is(made):
    """ "The template itself is unchanged" """
    client, agent_id, nodes, video_id, _, _ = made
    before = client.get(f"/agent/{agent_id}").json()
    body = {"video_ids": [video_id], "input_clip_end_ms": 500, "ignore_nodes": [nodes[1]]}
    seen = finished(client, run(client, agent_id, body).json()["run_id"])
    assert seen[-1].run.status == RunStatus.completed
    assert [n.original_node_id for n in seen[-1].nodes] == [nodes[0], nodes[2]]
    assert seen[-1].run.outputs[0].original_node_id == nodes[0]
    assert client.get(f"/agent/{agent_id}").json() == before


@pytest.mark.parametrize("quality", ["ultra", ""])
def test_an_unknown_quality_is_a_400(made, quality):
    answer = made[0].post(f"/agent/{made[1]}/run?quality={quality}", json={"video_ids": [made[3]]})
    assert answer.status_code == 400
