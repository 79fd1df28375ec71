"""A client of the Tasks extension, as a host would write one on the SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Literal

import anyio
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientSession
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict, Field

from mosaic_mcp.server.tasks import TASKS

ENDED = {"completed", "failed", "cancelled"}


class Handle(Result):
    """What a call is answered with instead of its result."""

    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")
    status: str
    poll_ms: int = Field(alias="pollIntervalMs")


class Answer(Result):
    """Whatever a `tasks/…` method answers."""

    model_config = ConfigDict(extra="allow")


class TaskRequest(Request[RequestParams, str]):
    """A `tasks/…` request."""

    name_param: ClassVar[str | None] = "taskId"

    method: str
    params: Any


class PollingTasks(ClientExtension):
    """Finishes a task by asking again and again, so that `call_tool` answers with its result."""

    identifier = TASKS

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = anyio.sleep) -> None:
        self.sleep = sleep
        self.messages: list[str] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Handle, resolve=self._resolve)]

    async def _resolve(self, task: Handle, context: ClaimContext) -> CallToolResult:
        while True:
            seen = await ask(context.session, "tasks/get", task.task_id)
            self.messages.append(seen.get("statusMessage", ""))
            if seen["status"] in ENDED:
                return CallToolResult.model_validate(seen["result"])
            await self.sleep(seen["pollIntervalMs"] / 1000)


async def ask(client: Client | ClientSession, method: str, task_id: str, **more: Any) -> dict:
    """The answer of a `tasks/…` method."""
    session = client.session if isinstance(client, Client) else client
    request = TaskRequest(method=method, params={"taskId": task_id, **more})
    answer = await session.send_request(request, Answer)
    return answer.model_dump(by_alias=True, mode="json")


async def start(client: Client, tool: str, /, **arguments: Any) -> Handle | CallToolResult:
    """The handle that a call is answered with, or its result where the server made no task."""
    return await client.session.call_tool(tool, arguments, allow_claimed=True)


async def to_the_end(client: Client, task_id: str) -> dict:
    """Ask for a task until it has ended, without the pauses that a host makes."""
    while True:
        seen = await ask(client, "tasks/get", task_id)
        if seen["status"] in ENDED:
            return seen
        await anyio.sleep(0.1)  # the studio needs the processor more than we do
