"""A stand-in for Anthropic's Messages API on loopback: a model whose turns are written down.

It lets a real host run without a model: each request for tools is answered with the next turn of
the script, and what the host sent is kept, so that a test sees what a model would have seen.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.serving import served


@dataclass
class Model:
    """The script, and the requests that carried tools. A turn is a content block."""

    turns: list[dict[str, Any]]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tool_results(self) -> list[dict[str, Any]]:
        """What the model was told of its calls, in the last request."""
        contents = [m["content"] for m in self.requests[-1]["messages"] if m["role"] == "user"]
        blocks = [block for c in contents if isinstance(c, list) for block in c]
        return [block for block in blocks if block["type"] == "tool_result"]

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The next turn; hosts also ask without tools, for titles and the like."""
        if not request.get("tools"):
            return {"type": "text", "text": "ok"}
        self.requests.append(request)
        return self.turns[min(len(self.requests), len(self.turns)) - 1]


@contextmanager
def scripted_model(*turns: dict[str, Any]) -> Generator[Model]:
    """A serving stand-in."""
    model = Model(list(turns))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            events = _events(model.answer(request), request["model"])
            body = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
            self._reply("text/event-stream", body)

        def do_HEAD(self) -> None:
            self._reply("text/plain", "")

        def _reply(self, kind: str, body: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with served(Handler) as port:
        model.url = f"http://127.0.0.1:{port}"
        yield model


def _events(block: dict[str, Any], model: str) -> Sequence[dict[str, Any]]:
    """A turn as the stream of events that the API sends."""
    calls = block["type"] == "tool_use"
    start = {**block, "input": {}} if calls else {"type": "text", "text": ""}
    delta = (
        {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        if calls
        else {"type": "text_delta", "text": block["text"]}
    )
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
