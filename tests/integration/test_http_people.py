"""Two people on one server: each has runs, agents and files of their own, and sees no path."""

import json
import os
import sys
from pathlib import Path

import anyio
import httpx
import pytest

from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.http_command import ANNA, BEN, TOKENS, HttpServer, http_server
from tests.support.media import picture, video

ROOT = Path(__file__).parents[2]
AGENT = "Talking head to vertical clips"
MODES = ("legacy", "2026-07-28")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with http_server(tmp_path_factory.mktemp("home"), MOSAIC_HTTP_TOKENS=TOKENS) as serving:
        yield serving


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return video(tmp_path_factory.mktemp("clip") / "talk of mine.mp4")


@pytest.fixture(scope="module")
async def annas(server: HttpServer, clip):
    """What Anna made: an upload, an agent, and a finished run with one output."""
    upload = await anyio.to_thread.run_sync(server.upload, ANNA, "video", clip)
    async with server.client(ANNA) as client:
        agent = await answer(client, "build_agent", name="Louder", tiles=["Audio Enhance"])
        run = await answer(
            client,
            "run_agent",
            agent="Louder",
            videos=[upload],
            quality="draft",
            idempotency_key="one",
            wait_s=50,
        )
        run = await to_the_end(client, run)
        assert run["status"] == "completed", run
        listed = await answer(client, "list_outputs", run_id=run["run_id"])
    return {
        "upload": upload,
        "agent": agent["agent_id"],
        "run": run["run_id"],
        "output": listed["outputs"][0],
    }


@pytest.fixture(scope="module")
async def bens(server: HttpServer, annas, clip):
    """Ben does as Anna did: the same file, the same name, the same key."""
    upload = await anyio.to_thread.run_sync(server.upload, BEN, "video", clip)
    async with server.client(BEN) as client:
        await answer(client, "build_agent", name="Louder", tiles=["Audio Enhance"])
        run = await answer(
            client,
            "run_agent",
            agent="Louder",
            videos=[upload],
            quality="draft",
            idempotency_key="one",
            wait_s=0,
        )
    return {"upload": upload, "run": run["run_id"], "replayed": run.get("replayed")}


@pytest.mark.parametrize("mode", MODES)
async def test_a_run_is_its_owners_and_unknown_to_others_in_both_eras(server, annas, mode):
    async with server.client(ANNA, mode) as anna, server.client(BEN, mode) as ben:
        assert (await answer(anna, "get_run", run_id=annas["run"]))["status"] == "completed"
        for tool, arguments in (
            ("get_run", {"run_id": annas["run"]}),
            ("list_outputs", {"run_id": annas["run"]}),
            ("cancel_run", {"run_id": annas["run"]}),
            ("resume_run", {"run_id": annas["run"]}),
            ("view_output", {"output_id": annas["output"]["output_id"]}),
            ("read_transcript", {"video": f"render:{annas['output']['output_id']}"}),
            ("read_transcript", {"video": f"video:{annas['upload']}"}),
            ("find_agents", {"agent": annas["agent"]}),
            ("build_agent", {"name": "x", "tiles": ["Captions"], "agent": annas["agent"]}),
        ):
            result = await ben.call_tool(tool, arguments)
            assert result.is_error, (tool, result.structured_content)
            assert result.structured_content["error"]["code"] == "not_found", tool


@pytest.mark.parametrize("mode", MODES)
async def test_lists_show_what_is_the_callers_own(server, annas, bens, mode):
    async with server.client(ANNA, mode) as anna, server.client(BEN, mode) as ben:
        for client, own, other in ((anna, annas, bens), (ben, bens, annas)):
            told = await answer(client, "list_runs")
            assert [run["run_id"] for run in told["runs"]] == [own["run"]]
            assert other["run"] not in str(told)
        assert annas["agent"] in str(await answer(anna, "find_agents"))
        assert annas["agent"] not in str(await answer(ben, "find_agents"))


async def test_another_persons_files_cannot_be_edited(server, annas, bens):
    output = annas["output"]["output_id"]
    async with server.client(BEN) as ben:
        for source in (annas["upload"], f"video:{annas['upload']}", f"render:{output}"):
            await refusal(ben, "run_agent", agent=AGENT, videos=[source], wait_s=0)
        await refusal(ben, "chain_run", source=annas["run"], agent=AGENT, wait_s=0)
        told = await answer(ben, "list_runs")
    assert [run["run_id"] for run in told["runs"]] == [bens["run"]]


async def test_the_same_idempotency_key_of_two_people_means_two_runs(annas, bens):
    assert bens["run"] != annas["run"]
    assert bens["upload"] != annas["upload"]
    assert bens["replayed"] is None


async def test_calls_at_the_same_time_do_not_mix_their_callers(server, annas, bens):
    seen: list[tuple[str, list[str]]] = []

    async def look(token: str, mode: str) -> None:
        async with server.client(token, mode) as client:
            told = await answer(client, "list_runs")
            seen.append((token, [run["run_id"] for run in told["runs"]]))

    async with anyio.create_task_group() as tasks:
        for mode in MODES * 3:
            for token in (ANNA, BEN):
                tasks.start_soon(look, token, mode)
    own = {ANNA: [annas["run"]], BEN: [bens["run"]]}
    assert len(seen) == 12
    assert all(runs == own[token] for token, runs in seen)


async def test_answers_hold_links_through_this_server_and_no_path(server, annas):
    async with server.client(ANNA) as anna:
        told = [
            await answer(anna, "get_run", run_id=annas["run"], response_format="detailed"),
            await answer(anna, "list_outputs", run_id=annas["run"]),
        ]
    text = json.dumps(told)
    assert str(server.home) not in text
    assert "path" not in annas["output"]
    links = [v for v in annas["output"].values() if str(v).startswith("http")]
    assert len(links) == 3
    assert all(link.startswith(f"{server.url}/media/") for link in links)


def test_a_link_is_passed_on_with_ranges_for_whoever_holds_it(server, annas):
    with server.http() as http:
        whole = http.get(annas["output"]["url"])
        assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
        assert len(whole.content) == annas["output"]["size_bytes"]
        part = http.get(annas["output"]["url"], headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole.content[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
        head = http.head(annas["output"]["url"])
        assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
        again = {"range": "bytes=5-", "if-range": whole.headers["etag"]}
        assert http.get(annas["output"]["url"], headers=again).status_code == 206


def test_a_link_serves_one_file_and_nothing_else_of_the_studio(server, annas):
    url = httpx.URL(annas["output"]["url"])
    query = url.query.decode()
    with server.http(ANNA) as http:
        assert http.get(f"{url.path}?{query[:-2]}xx").status_code == 403
        assert http.get(url.path).status_code == 404
        assert http.post(str(url)).status_code == 405
        other = url.path.replace(annas["output"]["output_id"], annas["upload"])
        assert http.get(f"{other}?{query}").status_code == 403
        for path in ("/studio/v1", "/agent_runs", "/openapi.json", "/media/..%2fopenapi.json/a/b"):
            assert http.get(f"{path}?{query}").status_code == 404, path


async def test_paths_are_refused_with_what_to_do_instead(server, tmp_path):
    file = video(tmp_path / "mine.mp4")
    async with server.client(ANNA) as anna:
        for said in (str(file), "mine.mp4", "~/mine.mp4", f"file://{file}"):
            told = await refusal(anna, "run_agent", agent=AGENT, videos=[said])
            assert "cannot see the files of your machine" in told
            assert "upload" in told
        said = await refusal(anna, "read_transcript", video=f"{server.home}/studio/studio.db")
        assert "cannot see the files" in said
        brought = {"source": "https://example.org/a.mp4", "transcript": "~/a.srt"}
        await refusal(anna, "run_agent", agent=AGENT, videos=[brought])


async def test_saving_on_the_server_is_refused(server, annas, tmp_path):
    async with server.client(ANNA) as anna:
        told = await refusal(anna, "list_outputs", run_id=annas["run"], save_to=str(tmp_path / "o"))
    assert "links" in told
    assert not (tmp_path / "o").exists()


async def test_addresses_for_parameters_do_not_lead_into_the_servers_network(server, annas):
    async with server.client(ANNA) as anna:
        await answer(anna, "build_agent", name="Marked", tiles=["Watermark"])
        told = await refusal(
            anna,
            "run_agent",
            agent="Marked",
            videos=[annas["upload"]],
            params={"Watermark": {"image_id": f"{server.url}/secret.png"}},
        )
    assert "private network" in told


async def test_a_picture_that_was_uploaded_can_be_a_parameter(server, annas, tmp_path):
    mark = picture(tmp_path / "mark.png")
    image = await anyio.to_thread.run_sync(server.upload, ANNA, "image", mark)
    async with server.client(ANNA) as anna:
        await answer(anna, "build_agent", name="With a mark", tiles=["Watermark"])
        shown = await answer(
            anna,
            "run_agent",
            agent="With a mark",
            videos=[annas["upload"]],
            params={"Watermark": {"image_id": image}},
            dry_run=True,
        )
    assert image in str(shown["request"])


async def test_pictures_of_an_output_come_without_files(server, annas):
    async with server.client(ANNA) as anna:
        shown = await anna.call_tool("view_output", {"output_id": annas["output"]["output_id"]})
    assert shown.content[0].type == "image"


async def test_the_upload_script_sends_a_file_of_another_machine(server, annas, clip):
    done = await anyio.run_process(
        [sys.executable, str(ROOT / "examples/scripts/upload.py"), server.url, str(clip)],
        env={**os.environ, "MOSAIC_TOKEN": ANNA, "NO_PROXY": "127.0.0.1"},
    )
    upload = done.stdout.decode().strip()
    async with server.client(ANNA) as anna:
        shown = await answer(
            anna, "run_agent", agent="Louder", videos=[upload], dry_run=True, wait_s=0
        )
    assert upload in str(shown["request"])


def test_an_upload_needs_a_token_to_begin_and_its_policy_to_go_on(server, clip):
    with server.http() as nobody, server.http(ANNA) as anna, server.http(BEN) as ben:
        assert nobody.post("/uploads/video/get_upload_url").status_code == 401
        ticket = anna.post("/uploads/video/get_upload_url").json()
        forged = {**ticket["upload_fields"], "x-mosaic-signature": "x"}
        files = {"file": ("a.mp4", clip.read_bytes())}
        assert nobody.post("/media/uploads", data=forged, files=files).status_code == 400
        named = {"video_id": ticket["video_id"]}
        assert ben.post("/uploads/video/finalize_upload", json=named).status_code == 404
        assert anna.post("/uploads/video/finalize_upload", json={}).status_code == 400
        assert anna.post("/uploads/poem/get_upload_url").status_code == 404
        assert anna.post("/uploads/video/finalize_upload", content=b"x" * 5000).status_code == 413


async def test_the_instructions_say_that_the_server_is_elsewhere(server):
    async with server.client(ANNA) as client:
        assert "another machine" in (client.instructions or "")
