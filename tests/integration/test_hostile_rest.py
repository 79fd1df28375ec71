"""The studio's REST API under attack: by web pages, by other users, by broken and endless requests.

Routes are read from the OpenAPI, so that a new one is attacked without a word here.
"""

import asyncio
import base64
import json
import re
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import anyio
import pytest
import uvicorn

from mosaic_mcp.errors import InvalidRequest, MosaicError
from mosaic_mcp.studio import gate
from mosaic_mcp.web import hurried
from tests.support.media import video
from tests.support.studio_runs import ENDED, Studio
from tests.support.waiting import WAIT_S

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PUBLIC = {"node_type_id"}
"""Parameters of paths that name what belongs to nobody."""
CHANNELS = {"youtube_channels": ["UCXuqSBlHAE6Xw-yeJA0Tunw"]}
BODIES = {
    "AddYoutubeChannels": CHANNELS,
    "RemoveYoutubeChannels": CHANNELS,
    "BringTranscript": {"text": "1\n00:00:00,000 --> 00:00:01,000\nhello\n"},
    "UpdateAgent": {"name": "mine now"},
}
"""Bodies by the name of their model, where {} would be refused before the id is looked at."""


@pytest.fixture(scope="module")
def theirs(studio, tmp_path_factory) -> dict[str, list[str]]:
    """What the user of the machine has, by the path parameter that would name it."""
    with studio.client() as http:
        rest = Studio(http, studio.home)
        asset = rest.add(video(tmp_path_factory.mktemp("theirs") / "talk.mp4"))
        agent, nodes = rest.agent({"in": "Video Input", "out": "Destination"}, "in>out")
        body = {"video_ids": [asset]}
        started = http.post(
            f"/agent/{agent}/run", json=body, headers={"idempotency-key": "theirs"}
        ).json()["run_id"]
        seen = rest.until(started, lambda watch: watch["run"]["status"] in ENDED)
        http.post(f"/agent/{agent}/triggers/add_youtube_channels", json=CHANNELS)
        [trigger] = http.get(f"/agent/{agent}/triggers").json()
    [output] = seen["run"]["outputs"]
    return {
        "trigger_id": [trigger["id"]],
        "agent_id": [agent],
        "agent_node_id": list(nodes.values()),
        "run_id": [started],
        "video_id": [asset, output["id"]],
        "render_id": [output["id"]],
        "asset_type": ["video"],
        "kind": ["videos", "renders"],
    }


def operations(studio):
    with studio.client("") as client:
        api = client.get("/openapi.json").json()
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def body_of(operation) -> dict | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    return BODIES.get(content["schema"].get("$ref", "").rpartition("/")[2], {})


def addresses(path: str, ids: dict[str, list[str]]) -> list[str]:
    """The path with every combination of these ids in it."""
    found = [path]
    for name in re.findall(r"{(\w+)}", path):
        assert name in ids, f"{path}: add an id of somebody else's for {name!r} to `theirs`"
        found = [a.replace(f"{{{name}}}", value) for a in found for value in ids[name]]
    return found


def test_what_belongs_to_others_does_not_exist_on_any_endpoint(studio, ben, theirs):
    """Not even an answer of another form than for an id that never was."""
    unknown = {k: v if k in ("kind", "asset_type") else [UNKNOWN] for k, v in theirs.items()}
    tried = 0
    for method, path, operation in operations(studio):
        named = set(re.findall(r"{(\w+)}", path)) - PUBLIC - {"kind", "asset_type"}
        if not named:
            continue
        answers = {
            re.sub(r"[0-9a-f-]{36}", "<id>", answer.text)
            for address in [
                *addresses(path, theirs | {"node_type_id": ["x"]}),
                *addresses(path, unknown | {"node_type_id": ["x"]}),
            ]
            if (answer := ben.request(method, address, json=body_of(operation)))
            and _is_404(answer, method, address)
        }
        assert len(answers) <= 1 or path.startswith("/studio/v1/{kind}"), (path, answers)
        tried += 1
    assert tried >= 15


def _is_404(answer, method: str, address: str) -> bool:
    assert answer.status_code == 404, f"{method} {address}: {answer.status_code} {answer.text}"
    return True


def test_ids_of_others_in_bodies_do_not_exist_either(ben, theirs):
    [asset, output] = theirs["video_id"]
    for path, body in (
        ("/uploads/get_view_url", {"asset_type": "video", "asset_id": asset}),
        ("/uploads/video/finalize_upload", {"video_id": asset}),
    ):
        assert ben.post(path, json=body).status_code == 404
    mine = ben.get("/agents").json()["agents"][0]["id"]
    for body in ({"video_ids": [asset]}, {"node_render_ids": [output]}):
        refused = ben.post(f"/agent/{mine}/run", json=body)
        assert refused.status_code in (400, 404), refused.text
    asked = {"idempotency_key": "theirs"}
    assert ben.get("/studio/v1/runs", params=asked).json()["run_id"] is None


def test_no_list_shows_what_belongs_to_others(studio, ben, theirs):
    ids = {i for name, values in theirs.items() if name.endswith("_id") for i in values}
    for method, path, _ in operations(studio):
        if method == "get" and "{" not in path:
            told = ben.get(path, params={"idempotency_key": "theirs"}).text
            assert not [i for i in ids if i in told], path


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://"]
)
def test_a_web_page_cannot_drive_the_studio(local, origin):
    for method, path in (("POST", "/agent/create"), ("GET", "/agents"), ("OPTIONS", "/agents")):
        asked = {"origin": origin, "access-control-request-method": "POST"}
        answer = local.request(method, path, headers=asked)
        assert answer.status_code == 403, answer.text
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_programs_and_the_studios_own_pages_are_answered_without_opening_it_to_others(local):
    own = f"http://{urlsplit(str(local.base_url)).netloc}"
    answer = local.get("/whoami", headers={"origin": own})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.fixture
def link(local, theirs) -> str:
    asset = {"asset_type": "video", "asset_id": theirs["video_id"][0]}
    return local.post("/uploads/get_view_url", json=asset).json()["signed_url"]


def test_a_signed_link_opens_one_file_and_no_other(local, link, theirs):
    assert local.get(link).status_code == 200
    [asset, output] = theirs["video_id"]
    parts = urlsplit(link)
    signed = parts.query
    for path in (
        parts.path.replace("source", "thumbnail.jpg"),
        parts.path.replace(asset, output),
        parts.path.replace("/assets/", "/renders/"),
        parts.path.replace("/source", "/%73ource/"),
        parts.path + "%3F",
        parts.path + "%2f..%2fthumbnail.jpg",
        "/media/assets/..%2f..%2fstudio/source",
        f"/media/assets/{asset}%00/source",
        f"/media/renders/..%2f{output}/video.mp4",
        "/media/renders/%2e%2e/video.mp4",
    ):
        assert local.get(f"{path}?{signed}").status_code in (400, 403, 404), path
    for query in (
        "",
        signed.replace("exp=", "exp=1"),
        signed + "x",
        signed.replace("sig=", "sig=%00"),
        signed + "&exp=9999999999",
        "exp=²&sig=x",
        "exp=9999999999&sig=" + "é" * 200,
    ):
        assert local.get(f"{parts.path}?{query}").status_code in (400, 403), query


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=" + ",".join(["0-"] * 1000),
        "bytes=" + ",".join(f"{i}-{i}" for i in range(9)),
        "bytes=0-" + "9" * 6000,
        "bytes=" + "9" * 6000 + "-",
        "bytes=-" + "9" * 6000,
        "bytes=--1",
        "bytes=5-1",
        "bytes=²-",
        "lines=0-",
        "bytes=",
    ],
)
def test_a_range_that_is_meant_to_hurt_is_refused(local, link, asked):
    answer = local.get(link, headers={"range": asked.encode("latin-1", "replace")})
    assert answer.status_code in (400, 416), answer.text[:200]


CURSORS = [
    "x",
    "é",
    base64.b64encode(b"[1, 2]").decode(),
    base64.b64encode(b'["a"]').decode(),
    base64.b64encode(b'{"a": 1}').decode(),
    base64.b64encode(b"[" * 700).decode(),
    base64.b64encode(json.dumps(["2' OR 1=1 --", "x"]).encode()).decode(),
    base64.b64encode(json.dumps(["\x00", "\ud800"]).encode()).decode(),
]


@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("path", ["/agents", "/agent_runs"])
def test_a_cursor_that_was_changed_is_refused_or_leads_to_nothing_of_others(
    ben, theirs, path, cursor
):
    answer = ben.get(path, params={"cursor": cursor})
    assert answer.status_code in (200, 400), answer.text
    assert theirs["agent_id"][0] not in answer.text
    assert theirs["run_id"][0] not in answer.text


DEEP = [
    b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"name":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    b'{"name": 1' + b"0" * 1_000_000 + b"}",
    b'{"name": "\\ud800"}',
    b'{"name": "' + b"x" * 1_000_000 + b'"}',
    b'{"name": NaN}',
    b'{"name": "\\u0000"}',
]


@pytest.mark.parametrize("content", DEEP, ids=range(len(DEEP)))
def test_json_that_is_meant_to_hurt_is_refused(anna, content):
    answer = anna.post(
        "/agent/create", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400, answer.text[:300]


@pytest.mark.parametrize("depth", [100, 400, 900])
def test_deep_parameters_are_refused(local, theirs, depth):
    """update_params are open maps: what a tile knows no parameter for is refused, however deep."""
    deep = json.loads('{"a":' * depth + "1" + "}" * depth)
    body = {"video_ids": [theirs["video_id"][0]], "update_params": {"x": {"y": deep}}}
    answer = local.post(f"/agent/{theirs['agent_id'][0]}/run", json=body)
    assert answer.status_code == 400, answer.text[:300]


@pytest.mark.parametrize(
    "key", ["", "x" * 256, "a\tb", "é", "../../x", "' OR 1=1 --", "{}", "x" * 255]
)
def test_an_idempotency_key_is_text_and_no_more(local, theirs, key):
    headers = {"idempotency-key": key.encode()}
    answer = local.post(f"/agent/{theirs['agent_id'][0]}/run", json={}, headers=headers)
    assert answer.status_code in (400, 404), answer.text


def test_headers_without_end_are_refused(studio):
    with socket.create_connection(("127.0.0.1", studio.discovery.port)) as raw:
        raw.settimeout(WAIT_S)
        raw.sendall(b"GET /whoami HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 200_000)
        assert b" 400 " in raw.recv(1000).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "path", ["/agents%0d%0aSet-Cookie:x", "/x%0aERROR%20forged%20line", "/%1b[2J", "/%e2%80%ae"]
)
def test_a_path_does_not_write_lines_into_answers_or_the_log(studio, anna, path):
    answer = anna.get(path)
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers
    assert not [line for line in studio.log().splitlines() if line.startswith("ERROR forged")]


def test_a_name_with_line_breaks_stays_one_line_where_it_is_told(local, tmp_path):
    path = tmp_path / "a\nERROR forged\u202e.mp4"
    path.write_bytes(b"no video")
    answer = local.post("/studio/v1/files", json={"path": str(path)})
    assert answer.status_code == 400
    assert "\n" not in answer.text


async def test_a_body_that_does_not_come_ends_its_request(monkeypatch):
    monkeypatch.setattr(gate, "BODY_S", 0.01)
    refused: list[MosaicError] = []

    async def app(scope, receive, send):
        await receive()

    async def answer(scope, receive, send):
        pass

    def refuse(error: MosaicError):
        refused.append(error)
        return answer

    asked = {"type": "http", "method": "POST", "path": "/agent/create"}
    scope = {**asked, "headers": [(b"host", b"127.0.0.1")]}
    with pytest.raises(InvalidRequest, match="did not arrive"):
        await gate.Gate(app, gate.Activity(), refuse)(scope, anyio.sleep_forever, answer)
    assert refused == []


async def test_a_connection_that_says_nothing_is_closed(monkeypatch):
    monkeypatch.setattr(hurried, "HEAD_S", 0.05)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(app, http=hurried.HurriedProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    config.load()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    for first in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"204" in await reader.readline()
    writer.close()
    server.should_exit = True
    await serving


def test_more_connections_than_the_limit_are_turned_away_until_some_end(studio):
    address = urlsplit(studio.discovery.url)
    with ExitStack() as held:
        for _ in range(hurried.MOST_CONNECTIONS):
            held.enter_context(socket.create_connection((address.hostname, address.port), 20))
        with studio.client() as http:
            assert http.get("/health/live").status_code == 503
    with studio.client() as http:
        # The same studio, once it has seen that they are gone.
        while (answer := http.get("/health/live")).status_code == 503:
            pass
        assert answer.is_success
