"""The conformance suite's server: `build_server` with the fixtures added."""

from __future__ import annotations

from typing import Any

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import (
    EmptyResult,
    JSONRPCMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from mosaic_mcp.server import build_server
from mosaic_mcp.server.app import MosaicServer
from mosaic_mcp.settings import Settings
from tests.support.conformance import asking, content, jobs


def fixtures_server(settings: Settings) -> MosaicServer:
    """A server of our own factory that has what the suite's scenarios call."""
    tools = [*content.TOOLS, *asking.TOOLS, *jobs.TOOLS]
    server = build_server(settings, more_tools=tools, tasks=jobs.Jobs())
    content.add_resources(server)
    content.add_prompts(server)
    asking.add_asking_prompt(server)
    _serve_what_the_handshake_era_had(server)
    return server


def _serve_what_the_handshake_era_had(server: MosaicServer) -> None:
    """Log levels and resource subscriptions: ours offers neither, and the suite wants both."""

    async def done(_ctx: Any, _params: Any) -> EmptyResult:
        return EmptyResult()

    low_level = server._lowlevel_server
    low_level.add_request_handler("logging/setLevel", SetLevelRequestParams, done)
    low_level.add_request_handler("resources/subscribe", SubscribeRequestParams, done)
    low_level.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, done)


class Events(EventStore):
    """What was sent on each stream, for clients that come back (handshake era)."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        seen = int(last_event_id)
        stream = self._events[seen - 1][0]
        for number, (stream_id, message) in enumerate(self._events[seen:], seen + 1):
            if stream_id == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream
