"""How a function becomes one of our tools.

The SDK's `Tool`, with three things changed: unknown arguments are refused instead of dropped,
schemas carry no noise, and a failure is a result that says what to do (`failures.py`).
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Icon, ToolAnnotations
from pydantic import ValidationError

from mosaic_mcp import logs
from mosaic_mcp.errors import MosaicError
from mosaic_mcp.server import failures, icons
from mosaic_mcp.server.engine import engine_of

logger = logging.getLogger(__name__)

READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
"""Looks, changes nothing."""

STARTS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)
"""Starts or continues work; the same call again does not start it twice."""

CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
"""Changes something that exists."""

PAYS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)
"""Changes what an account pays: hosts ask their user about a tool that is marked destructive."""


UNSAID = (("default", None), ("additionalProperties", True), ("minLength", 1), ("minItems", 1))
"""What a schema need not say: an empty argument is refused with words."""


class ClosedTool(Tool):
    """A tool with closed arguments, whose failures are results."""

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,
    ) -> Any:
        """Check the arguments, run, and turn whatever goes wrong into a guided result."""
        with logs.about(tool=self.name, request=secrets.token_hex(8)):
            return await self._run(arguments, context, convert_result)

    async def _run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool
    ) -> Any:
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            names = list(self.parameters["properties"])
            return failures.bad_arguments(self.name, error, names, reads=self._reads)
        try:
            return await self._in_time(arguments, context, convert_result)
        except MCPError:
            raise
        except Exception as error:
            cause = error.__cause__ or error
            if isinstance(cause, MosaicError):
                return failures.from_error(cause, reads=self._reads)
            logger.exception("tool %s crashed", self.name)
            return failures.crashed(self.name)

    async def _in_time(
        self, arguments: dict[str, Any], context: Context[Any, Any] | None, convert_result: bool
    ) -> Any:
        """Run within the time that a call may take, where a server answers it."""

        async def work(ctx: Any) -> Any:
            return await Tool.run(self, arguments, ctx, convert_result=convert_result)

        if context is None:
            return await work(None)
        engine = engine_of(context)
        # A second round, with the answers to questions of the first, is another call.
        asked = (arguments, context.input_responses, context.request_state)
        key = (engine.settings.owner, self.name, json.dumps(asked, sort_keys=True, default=str))
        return await engine.calls.answer(self.name, key, work, context, keep=not self._reads)

    @property
    def _reads(self) -> bool:
        return bool(self.annotations and self.annotations.read_only_hint)


def build_tool(
    function: Callable[..., Awaitable[CallToolResult]],
    *,
    title: str,
    annotations: ToolAnnotations,
    meta: Mapping[str, Any] | None = None,
) -> ClosedTool:
    """Make a tool of an async function; its docstring is the description the model reads.

    The return annotation `Annotated[CallToolResult, Answer]` publishes the answer's schema.
    """
    tool = ClosedTool.from_function(
        function,
        title=title,
        annotations=annotations,
        icons=[_icon(annotations)],
        meta=dict(meta) if meta else None,
    )
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    tool.description = " ".join((function.__doc__ or "").split())
    tool.parameters = slim(model.model_json_schema(by_alias=True))
    if tool.fn_metadata.output_schema:
        tool.fn_metadata.output_schema = published(slim(tool.fn_metadata.output_schema))
    return cast(ClosedTool, tool)


def _icon(annotations: ToolAnnotations) -> Icon:
    """An eye, a pencil or a triangle: what the tool does to the world."""
    if annotations.read_only_hint:
        return icons.LOOK
    return icons.CHANGE if annotations.destructive_hint else icons.START


def published(schema: dict[str, Any]) -> dict[str, Any]:
    """An answer's schema as it is listed: nothing is required, and a failure fits too.

    Results leave out what is empty, and clients on the TypeScript SDK hide one that does not fit
    the schema: version 1 also where it says what went wrong.
    """
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("required", None)
    error = {"type": "object", "description": "What went wrong, in place of the answer"}
    return {**schema, "properties": {**schema["properties"], "error": error}}


def slim(schema: Any, *, names: bool = False) -> Any:
    """A JSON Schema without generated titles and without what goes without saying.

    An optional argument is one that may be left out, an open map is open: saying so once more
    costs tokens in every chat.
    `names` is True where the keys are property names, not keywords.
    """
    if isinstance(schema, list):
        return [slim(item) for item in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Any] = {}
    for key, value in cast(dict[str, Any], schema).items():
        if not names and (key == "title" or (key, value) in UNSAID):
            continue
        out[key] = slim(value, names=not names and key in ("properties", "$defs"))
    if not names:
        for definition in out.get("$defs", {}).values():
            definition.pop("description", None)  # the docstring of a model of ours
    return out if names else _without_null(out)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    branches = schema.get("anyOf")
    if not isinstance(branches, list):
        return schema
    kept = [b for b in cast(list[Any], branches) if b != {"type": "null"}]
    rest = {k: v for k, v in schema.items() if k != "anyOf"}
    if len(kept) == 1:
        return {**kept[0], **rest}
    return {**rest, "anyOf": kept}
