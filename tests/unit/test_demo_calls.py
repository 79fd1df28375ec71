"""What the demo does when a tool call fails."""

from typing import Any

import pytest
from mcp_types import CallToolResult

from mosaic_mcp.demo import AGAIN, _Tools
from mosaic_mcp.errors import EngineUnavailable


class Answers:
    """A client whose calls get these answers, the last one ever again."""

    def __init__(self, *answers: CallToolResult) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def call_tool(self, *_: Any, **__: Any) -> CallToolResult:
        self.calls += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def failed(*, retryable: bool) -> CallToolResult:
    error = {"error": {"code": "still_working", "retryable": retryable}}
    return CallToolResult(content=[], structured_content=error, is_error=True)


async def test_a_call_that_may_succeed_later_is_made_again():
    done = CallToolResult(content=[], structured_content={"run_id": "r"})
    client = Answers(failed(retryable=True), failed(retryable=True), done)
    assert await _Tools(client).call("run_agent", {}) == {"run_id": "r"}  # type: ignore[arg-type]
    assert client.calls == 3


@pytest.mark.parametrize(("retryable", "calls"), [(True, 1 + AGAIN), (False, 1)])
async def test_what_goes_on_failing_ends_the_demo(retryable: bool, calls: int):
    client = Answers(failed(retryable=retryable))
    with pytest.raises(EngineUnavailable):
        await _Tools(client).call("run_agent", {})  # type: ignore[arg-type]
    assert client.calls == calls
