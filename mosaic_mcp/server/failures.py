"""Every failure as a result that the model can act on: what happened, why, what to do next.

Some hosts show the model only the text of a failed call, so the text holds everything; the same
facts stand in `structuredContent.error` for programs. No traceback and no secret gets here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import ValidationError

from mosaic_mcp.errors import EngineUnavailable, InvalidRequest, MosaicError, RateLimited, Who
from mosaic_mcp.server.quoting import visible
from mosaic_mcp.server.results import clipped, fitted

CHOICE = re.compile(r"'[^']*'")
"""One of pydantic's "'a', 'b' or 'c'"."""

MAX_TEXT = 2_000
"""Characters: a failure is read, not studied."""


NOTHING_STARTED = "Nothing was started. "
"""Of the advice for a wrong request; it would puzzle whoever only looks."""

CALL = re.compile(r"\b[a-z]+_[a-z_]+\([^()]*\)")
"""A call of a tool in a text, as `list_runs()`."""

IN_TOOLS = (
    ("GET /agent_runs", "list_runs()"),
    ("GET /agent_run/{run_id}", "get_run(run_id=…)"),
    ("GET /agents", "find_agents()"),
    ("GET /agent/{agent_id}", "find_agents(agent=…)"),
    ("GET /node_types", "find_agents()"),
    ("POST /agent/{agent_id}/duplicate", "build_agent"),
    ("update_params", "params"),
    ("ignore_nodes", "skip"),
)
"""What an engine tells its REST callers to do, as a caller of tools does it."""


def in_tools(text: str) -> str:
    """The text with endpoints named as tools."""
    for endpoint, tool in IN_TOOLS:
        text = text.replace(endpoint, tool)
    return text


def failure(
    code: str, message: str, remedy: str, *, who: Who, retryable: bool = False, **more: Any
) -> CallToolResult:
    """One failed result; `more` joins the structured error when it is not empty."""
    # Names in them are others' words: a line is ours only where we began one.
    message, remedy = _lines(in_tools(message)), _lines(in_tools(remedy))
    # Of many faults the last are cut, never what to do about them.
    remedy = clipped(remedy, MAX_TEXT // 2)
    message = clipped(message, MAX_TEXT - len(remedy) - 1)
    error: dict[str, Any] = {
        "code": code,
        "retryable": retryable,
        "who": who,
        "message": message,
        "remedy": remedy,
        "next": _next(remedy, retryable, who),
        **more,
    }
    error = {key: value for key, value in error.items() if value or value is False}
    return CallToolResult(
        is_error=True,
        content=[TextContent(type="text", text=f"{message}\n{remedy}".strip())],
        structured_content=fitted({"error": error}),
    )


def _lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def from_error(error: MosaicError, *, reads: bool = False) -> CallToolResult:
    """The result for an error of ours; `reads` for a tool that only looks."""
    message = error.message
    if isinstance(error, InvalidRequest) and message == "\n".join(
        fault.sentence() for fault in error.faults
    ):
        message = "\n".join(visible(fault.sentence()) for fault in error.faults)
    elif not isinstance(error, InvalidRequest):
        message = visible(message)
    more: dict[str, Any] = {}
    if isinstance(error, InvalidRequest) and error.faults:
        told = [{"where": f.where, "what": f.what, "remedy": f.remedy} for f in error.faults]
        more["faults"] = [{k: in_tools(v) for k, v in fault.items() if v} for fault in told]
    if isinstance(error, RateLimited | EngineUnavailable) and error.retry_after_s:
        more["retry_after_s"] = error.retry_after_s
    remedy = error.remedy or error.advice
    remedy = remedy.removeprefix(NOTHING_STARTED) if reads else remedy
    return failure(
        error.code, message, visible(remedy), who=error.who, retryable=error.retryable, **more
    )


def _next(remedy: str, retryable: bool, who: Who) -> str:
    """The call to make next: the one that the remedy names, else this one again."""
    named = CALL.search(remedy)
    if named:
        return named.group()
    if retryable:
        return "the same call again"
    return "a corrected call" if who == "caller" else "the same call, once that is done"


def crashed(tool: str) -> CallToolResult:
    """The result for an error that nobody foresaw; its details are in the log."""
    return failure(
        "internal",
        f"{tool} failed inside mosaic-mcp; nothing of yours was changed by the failed step.",
        "Try the call once more. If it fails again, run `mosaic-mcp doctor` and look at the log.",
        who="operator",
        retryable=True,
    )


def unknown_tool(name: str, tools: Sequence[str]) -> CallToolResult:
    """The result for a tool that does not exist."""
    return failure(
        "unknown_tool",
        f"There is no tool {name[:80]!r}.{did_you_mean(name, tools)}",
        f"Tools: {', '.join(tools)}.",
        who="caller",
    )


def bad_arguments(
    tool: str, error: ValidationError, names: Sequence[str], *, reads: bool = False
) -> CallToolResult:
    """The result for arguments that do not fit: every one of them, a line each."""
    lines = [_line(dict(e), names) for e in error.errors(include_url=False)]
    # A value that fits none of several forms is reported once per form: keep one line a place.
    lines = list(dict.fromkeys(lines))
    what = "argument does" if len(lines) == 1 else "arguments do"
    return failure(
        "bad_arguments",
        f"{tool}: {len(lines)} {what} not fit.\n" + "\n".join(f"- {line}" for line in lines),
        f"{'' if reads else NOTHING_STARTED}Correct the arguments and call again.",
        who="caller",
    )


def _line(error: dict[str, Any], names: Sequence[str]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        if len(error["loc"]) > 1:
            return f"{place}: unknown field"
        guess = did_you_mean(place, names)
        return f"unknown argument {place!r}.{guess or ' Arguments: ' + ', '.join(names) + '.'}"
    if error["type"] == "missing":
        return f"{place}: required"
    if error["type"] in ("literal_error", "enum"):
        choices = [choice.strip("'\"") for choice in CHOICE.findall(error["ctx"]["expected"])]
        guess = did_you_mean(str(error["input"]), choices)
        return f"{place}: {error['input']!r:.60} is none of {', '.join(choices)}.{guess}"
    return f"{place}: {error['msg']} (got {error['input']!r:.60})"


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """` Did you mean 'x'?`, or nothing when no name is near."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
