"""Runs as tasks of the protocol: who gets one, what it says, and what it ends with."""

from contextlib import asynccontextmanager
from datetime import timedelta

import anyio.lowlevel
import pytest
from mcp import Client, MCPError
from mcp_types import CallToolResult, ElicitResult

from mosaic_mcp.contract.runs import RunStatus
from mosaic_mcp.server import build_server
from mosaic_mcp.server.run_tasks import poll_ms
from mosaic_mcp.settings import Settings
from tests.support.hosted_double import KEY
from tests.support.hosted_state import Ending
from tests.support.task_client import Handle, PollingTasks, ask, start

AGENT = "Talking head to vertical clips"


@pytest.fixture
def connect(double, tmp_path):
    """A client on a server of its own; `declares` the extension or not."""

    @asynccontextmanager
    async def client(
        *, declares: bool = True, mode: str = "auto", extension=None, asks=False, **more
    ):
        settings = Settings(
            home=tmp_path / "home",
            api_key=KEY,
            api_url=double.url,
            allowed_dirs=(tmp_path,),
            ask_before_spending=asks,
        )
        extensions = [extension or PollingTasks()] if declares else []
        server = build_server(settings)
        async with Client(server, mode=mode, extensions=extensions, **more) as connected:
            yield connected

    return client


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"a talk" * 1000)
    return str(path)


async def begin(client, talk, **more) -> Handle:
    task = await start(client, "run_agent", agent=AGENT, videos=[talk], **more)
    assert isinstance(task, Handle), task
    return task


async def told(client, run_id) -> CallToolResult:
    return await client.call_tool("get_run", {"run_id": run_id, "wait_s": 0})


async def test_run_agent_is_answered_with_a_task_that_is_the_run(double, connect, talk):
    double.ending = Ending(after=None)
    async with connect() as client:
        task = await begin(client, talk, wait_s=50)
        assert [task.task_id] == list(double.runs)
        seen = await ask(client, "tasks/get", task.task_id)
    assert seen["resultType"] == "complete"
    assert (seen["taskId"], seen["status"], seen["ttlMs"]) == (task.task_id, "working", None)
    assert seen["pollIntervalMs"] == 2000
    started_at = double.runs[task.task_id].started_at.isoformat(timespec="milliseconds")
    assert seen["createdAt"] == seen["lastUpdatedAt"] == started_at.replace("+00:00", "Z")
    assert seen["statusMessage"].startswith("Running, ")
    assert "result" not in seen


async def test_the_result_is_what_the_tool_would_have_given(double, connect, talk, tmp_path):
    double.ending = Ending(after=3, outputs=2)
    srt = tmp_path / "talk.srt"
    srt.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    video = {"source": talk, "transcript": str(srt)}
    async with connect() as client:
        task = await begin(client, video, idempotency_key="mine")
    async with connect() as client:  # another process: nothing of the call is in memory
        while (seen := await ask(client, "tasks/get", task.task_id))["status"] == "working":
            pass
    assert seen["status"] == "completed"
    result = CallToolResult.model_validate(seen["result"])
    async with connect(declares=False) as client:
        arguments = {"agent": AGENT, "videos": [video], "idempotency_key": "mine"}
        again = await client.call_tool("run_agent", arguments)
    assert again.structured_content.pop("replayed")
    *warnings, _replayed = again.structured_content["warnings"]
    assert "transcript" in str(warnings)
    assert result.structured_content == again.structured_content | {"warnings": warnings}
    assert [b.type for b in result.content] == [b.type for b in again.content]


async def test_a_client_of_the_sdk_gets_the_result_of_the_call_in_the_end(double, connect, talk):
    double.ending = Ending(after=6)
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    extension = PollingTasks(sleep)
    async with connect(extension=extension) as client:
        result = await client.call_tool("run_agent", {"agent": AGENT, "videos": [talk]})
    assert result.structured_content["status"] == "completed"
    assert pauses
    assert set(pauses) == {2.0}
    assert extension.messages[-1] == "Finished: 1 video ready."


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_a_client_that_does_not_declare_the_extension_waits_as_before(
    double, connect, talk, era
):
    double.ending = Ending(after=2)
    async with connect(declares=False, mode=era) as client:
        result = await client.call_tool(
            "run_agent", {"agent": AGENT, "videos": [talk], "wait_s": 20}
        )
    assert result.structured_content["status"] == "completed"


async def test_on_a_handshake_connection_a_declared_extension_makes_no_task(double, connect, talk):
    double.ending = Ending(after=None)
    async with connect(mode="legacy") as client:
        arguments = {"agent": AGENT, "videos": [talk], "wait_s": 0}
        result = await client.call_tool("run_agent", arguments)
        assert result.structured_content["status"] == "running"
        with pytest.raises(MCPError) as refused:
            await ask(client, "tasks/get", result.structured_content["run_id"])
    assert refused.value.code == -32601


async def test_get_run_becomes_a_task_only_where_it_would_have_waited(double, connect, talk):
    double.ending = Ending(after=None)
    async with connect() as client:
        run_id = (await begin(client, talk)).task_id
        now = await start(client, "get_run", run_id=run_id, wait_s=0)
        assert isinstance(now, CallToolResult)
        since = now.structured_content["since"]
        news = await start(client, "get_run", run_id=run_id, since="older")
        assert isinstance(news, CallToolResult)
        for arguments in ({}, {"since": since}, {"wait_s": 30}):
            waiting = await start(client, "get_run", run_id=run_id, **arguments)
            assert isinstance(waiting, Handle), arguments
            assert waiting.task_id == run_id


async def test_the_asked_detail_is_kept_for_the_result(double, connect, talk):
    double.ending = Ending(after=4)
    async with connect() as client:
        run_id = (await begin(client, talk)).task_id
        assert isinstance(
            await start(client, "get_run", run_id=run_id, response_format="detailed"), Handle
        )
        while (seen := await ask(client, "tasks/get", run_id))["status"] == "working":
            pass
    assert seen["result"]["structuredContent"]["agent_id"]


async def test_a_run_that_is_chained_or_resumed_is_a_task_too(double, connect, talk):
    double.ending = Ending(RunStatus.failed, outputs=1, after=2)
    async with connect() as client:
        first = (await begin(client, talk)).task_id
        while (seen := await ask(client, "tasks/get", first))["status"] == "working":
            pass
        # A run that fails is a call that was answered: only the protocol's faults fail a task.
        assert (seen["status"], "error" in seen) == ("completed", False)
        assert seen["result"]["structuredContent"]["status"] == "failed"
        double.ending, double.resumed = Ending(after=None), Ending(after=4)
        resumed = await start(client, "resume_run", run_id=first)
        assert isinstance(resumed, Handle), resumed
        assert (resumed.task_id, resumed.status) == (first, "working")
        while (seen := await ask(client, "tasks/get", first))["status"] == "working":
            pass
        assert "queued again" in seen["result"]["structuredContent"]["warnings"][0]
        chained = await start(client, "chain_run", source=first, agent=AGENT)
        assert isinstance(chained, Handle), chained
        assert chained.task_id in double.runs


async def test_a_question_is_asked_before_the_run_becomes_a_task(double, connect, talk):
    double.ending = Ending(after=6)
    asked = []

    async def person(_context, question) -> ElicitResult:
        asked.append(question.message)
        assert double.runs == {}
        return ElicitResult(action="accept", content={"start": True})

    host = PollingTasks(sleep=lambda _seconds: anyio.lowlevel.checkpoint())
    async with connect(extension=host, asks=True, elicitation_callback=person) as client:
        arguments = {"agent": AGENT, "videos": [talk], "wait_s": 30}
        result = await client.call_tool("run_agent", arguments)
    assert result.structured_content["status"] == "completed"
    assert len(asked) == 1
    assert len(host.messages) > 1


async def test_what_starts_nothing_is_answered_at_once(double, connect, talk):
    async with connect() as client:
        shown = await start(client, "run_agent", agent=AGENT, videos=[talk], dry_run=True)
        refused = await start(client, "run_agent", agent="nobody", videos=[talk])
        wrong = await start(client, "run_agent", agent=AGENT, videos=[talk], wait_s=-1)
    assert shown.structured_content["status"] == "dry_run"
    assert refused.is_error
    assert "wait_s" in wrong.content[0].text
    assert double.runs == {}


async def test_a_run_that_has_ended_is_answered_at_once(double, connect, talk):
    double.ending = Ending(after=0)
    async with connect() as client:
        result = await start(client, "run_agent", agent=AGENT, videos=[talk])
    assert result.structured_content["status"] == "completed"


async def test_cancelling_the_task_cancels_the_run_once(double, connect, talk):
    double.ending = Ending(after=None)
    async with connect() as client:
        task_id = (await begin(client, talk)).task_id
        for _ in range(2):
            cancelled = await ask(client, "tasks/cancel", task_id)
            assert set(cancelled) <= {"_meta", "resultType"}
        seen = await ask(client, "tasks/get", task_id)
        assert (await told(client, task_id)).structured_content["status"] == "cancelled"
    assert seen["status"] == "cancelled"
    assert f"resume_run(run_id='{task_id}')" in seen["statusMessage"]
    assert not {"result", "error"} & set(seen)


async def test_answers_that_nobody_asked_for_are_acknowledged_and_change_nothing(
    double, connect, talk
):
    double.ending = Ending(after=None)
    async with connect() as client:
        task_id = (await begin(client, talk)).task_id
        await ask(client, "tasks/update", task_id, inputResponses={"x": {"action": "accept"}})
        assert (await ask(client, "tasks/get", task_id))["status"] == "working"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/update"])
async def test_an_unknown_task_is_a_wrong_parameter(double, connect, method):
    more = {"inputResponses": {}} if method == "tasks/update" else {}
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await ask(client, method, "0c6a2f5e-0000-4000-8000-000000000000", **more)
    assert refused.value.code == -32602
    assert "GET /" not in str(refused.value)
    assert refused.value.data["error"]["code"] == "not_found"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel"])
async def test_who_did_not_declare_the_extension_may_not_ask(double, connect, method):
    async with connect(declares=False) as client:
        with pytest.raises(MCPError) as refused:
            await ask(client, method, "any")
    assert refused.value.code == -32021
    assert "io.modelcontextprotocol/tasks" in str(refused.value.data)


@pytest.mark.parametrize("method", ["tasks/list", "tasks/result"])
async def test_methods_of_the_older_tasks_do_not_exist(double, connect, method):
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await ask(client, method, "any")
    assert refused.value.code == -32601


async def test_an_engine_that_cannot_answer_now_is_an_error_that_may_pass(double, connect, talk):
    double.ending = Ending(after=None)
    async with connect() as client:
        task_id = (await begin(client, talk)).task_id
        double.fail("answer", "/agent_run/", status=429, headers={"retry-after": "90"})
        with pytest.raises(MCPError) as refused:
            await ask(client, "tasks/get", task_id)
    assert refused.value.code == -32603
    error = refused.value.data["error"]
    assert (error["retryable"], error["retry_after_s"]) == (True, 90)


def test_an_old_run_is_looked_at_less_often():
    ages = [timedelta(seconds=s) for s in (-5, 0, 30, 60, 150, 3600)]
    assert [poll_ms(age) for age in ages] == [2000, 2000, 2000, 4000, 10_000, 10_000]
