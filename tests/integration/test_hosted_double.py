"""The stand-in for the hosted API is as strict as Mosaic's pages, and answers in their form."""

import httpx
import pytest

from tests.support.hosted_double import GOLDEN, KEY, golden
from tests.support.hosted_state import Ending

AGENT = golden("docs/agent")["agent"]["id"]
REQUESTS = sorted(path.stem for path in (GOLDEN / "run_agent").glob("*.json"))
TALK = {"video_urls": ["https://example.org/talk.mp4"]}


@pytest.fixture
def http(double):
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=double.url, headers=headers, trust_env=False) as client:
        yield client


def shape(value):
    """The fields of a JSON value, without what is in them."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return None


@pytest.mark.parametrize("header", [None, "Bearer mk_other", "Basic x", KEY])
def test_every_endpoint_wants_the_key(double, header):
    headers = {"authorization": header} if header else {}
    for route in double.app.app.routes[2:]:
        method = "POST" if "POST" in route.methods else "GET"
        answer = httpx.request(method, double.url + route.path, headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_api_key")


def test_it_has_no_studio(http):
    assert http.get("/studio/v1").status_code == 404


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/agent/create", {"json": {"name": "x", "graph": {}}}),
        (f"/agent/{AGENT}/run", {"json": TALK | {"quality": "draft"}}),
        (f"/agent/{AGENT}/run", {"json": TALK, "params": {"quality": "draft"}}),
        (f"/agent/{AGENT}/run", {"json": TALK | {"video_inputs": [{"agent_node_id": "x"}]}}),
        (f"/agent/{AGENT}/run", {"content": b"{"}),
        (f"/agent/{AGENT}/update", {"json": {"operations": [{"op": "paint"}]}}),
        ("/uploads/video/get_upload_url", {"json": {"filename": "talk.mp4"}}),
        ("/uploads/video/finalize_upload", {"json": {"id": "x"}}),
    ],
)
def test_what_the_pages_do_not_know_is_refused(http, path, more):
    answer = http.post(path, **more)
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")


def test_queries_that_the_pages_do_not_know_are_refused(http):
    assert http.get("/agents", params={"query": "x"}).status_code == 400
    assert http.get("/agents", params={"limit": 101}).status_code == 400


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/whoami", "docs/whoami"),
        ("/agents?limit=1", "docs/agents"),
        (f"/agent/{AGENT}", "docs/agent"),
        ("/node_types", "docs/node_types"),
    ],
)
def test_answers_have_the_fields_of_the_pages(http, path, name):
    ours = shape(http.get(path).json())
    if name == "docs/agents":
        assert ours["agents"][0].keys() >= shape(golden(name))["agents"][0].keys()
    else:
        assert ours == shape(golden(name))


def test_runs_have_the_fields_of_the_pages(double, http):
    double.ending = Ending(needs_credits=True, status="failed", outputs=1, errors=("e",))
    started = http.post(f"/agent/{AGENT}/run", json=TALK).json()
    assert shape(started) == shape(golden("run_agent_parts/response"))
    run = http.get(f"/agent_run/{started['run_id']}").json()
    page = golden("get_agent_run/completed")
    assert shape(run | {"errors": []}) == shape(page)
    nodes = http.get(f"/agent_run/{started['run_id']}/nodes").json()
    assert shape(nodes)["nodes"][0].keys() == shape(golden("docs/run_nodes"))["nodes"][0].keys()
    listed = http.get("/agent_runs").json()
    assert listed["runs"][0].keys() == golden("docs/runs")["runs"][0].keys()
    resumed = http.post(f"/agent_run/{started['run_id']}/resume").json()
    assert shape(resumed) == shape(golden("docs/run_resumed"))
    cancelled = http.post(f"/agent_run/{started['run_id']}/cancel").json()
    assert shape(cancelled) == shape(golden("docs/run_cancelled"))


def test_uploads_have_the_fields_of_the_pages(http):
    ticket = http.post("/uploads/video/get_upload_url").json()
    assert shape(ticket) == shape(golden("docs/upload_ticket_video"))
    assert http.post("/uploads/film/get_upload_url").status_code == 404
    video = {"video_id": ticket["video_id"]}
    assert http.post("/uploads/video/finalize_upload", json=video).status_code == 400
    fields = ticket["upload_fields"]
    httpx.post(ticket["upload_url"], data=fields, files={"file": b"x"}, trust_env=False)
    final = http.post("/uploads/video/finalize_upload", json=video).json()
    assert final == video
    seen = {"asset_type": "video", "asset_id": ticket["video_id"]}
    view = http.post("/uploads/get_view_url", json=seen).json()
    assert shape(view) == shape(golden("docs/view_url"))


def test_the_store_wants_every_field_first_and_the_file_last(http):
    ticket = http.post("/uploads/video/get_upload_url").json()
    parts = [(name, (None, value)) for name, value in ticket["upload_fields"].items()]
    file = ("file", ("a.mp4", b"x"))
    for form, status in (([file, *parts], 400), ([*parts[1:], file], 400), ([*parts, file], 204)):
        answer = httpx.post(ticket["upload_url"], files=form, trust_env=False)
        assert answer.status_code == status


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_of_the_run_page_is_understood(http, name):
    """Never refused as unknown in form; ids that stand for others' may be unknown or misplaced."""
    answer = http.post(f"/agent/{AGENT}/run", json=golden(f"run_agent/{name}"))
    assert answer.status_code in (200, 400, 404)
    assert "is not a field" not in answer.text


def test_ids_of_nobody_are_unknown(http):
    request = {"video_ids": ["aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"]}
    answer = http.post(f"/agent/{AGENT}/run", json=request)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
