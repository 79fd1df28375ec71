"""Strict doubles of the APIs of providers, over real HTTP on loopback.

Each takes what its documentation names and refuses the rest with 400 or 422, as the real ones do:

- OpenAI: platform.openai.com/docs/api-reference/images/create
- Replicate: replicate.com/docs/reference/http
- fal: docs.fal.ai/model-apis/model-endpoints/queue, fal.ai/models/…/llms.txt for the inputs
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from PIL import Image

from tests.support.serving import served

KEY = "sk-test-4711"
FLUX = "black-forest-labs/flux-schnell"
SEEDANCE = "bytedance/seedance-2.0"
SHAPES = {"16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "3:2", "2:3", "4:5", "5:4", "9:21"}

Checks = Mapping[str, Callable[[Any], bool]]


def png(size: tuple[int, int] = (64, 48), colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Double:
    """What the doubles were asked, what they make, and how they misbehave."""

    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    image: bytes = field(default_factory=png)
    video: bytes = b""
    by_url: bool = False
    """OpenAI's older models answer with an address."""
    looks: int = 1
    """How often a job is looked at before it is done."""
    fails: str | None = None
    """Why every job fails."""
    answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    """Status, body and headers of the next answers, in place of the right ones."""
    elsewhere: str | None = None
    """Where fal says that the result is."""
    cancelled: list[str] = field(default_factory=list)
    seen: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def providers() -> Generator[Double]:
    """All three, on one port: below /openai, /replicate and /fal; files below /files."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def do_PUT(self) -> None:
            self._do()

        def _do(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            double.asked.append((self.command, self.path))
            if self.path.startswith("/files/"):
                kind = "image" if "image" in self.path else "video"
                return self._send(200, getattr(double, kind))
            if isinstance(body, dict):
                double.bodies.append(body)
            if double.answers:
                status, said, headers = double.answers.pop(0)
                return self._send(status, said, headers)
            answer = _answer(double, self.command, self.path, dict(self.headers.items()), body)
            return self._send(*answer)

        def _send(self, status: int, said: Any, headers: dict[str, str] | None = None) -> None:
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            kind = "application/octet-stream" if isinstance(said, bytes) else "application/json"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    double = Double()
    with served(Handler) as port:
        double.port = port
        yield double


def _answer(
    double: Double, method: str, path: str, headers: Mapping[str, str], body: Any
) -> tuple[int, Any]:
    said = {name.lower(): value for name, value in headers.items()}
    key = said.get("authorization", "")
    provider = path.split("/")[1]
    if key != (f"Key {KEY}" if provider == "fal" else f"Bearer {KEY}"):
        return 401, {"error": {"message": f"Incorrect API key provided: {key}", "code": "bad"}}
    plain = method == "POST" and not path.endswith("/cancel")
    if plain and said.get("content-type") != "application/json":
        return 415, {"detail": "The content type must be application/json."}
    match provider:
        case "openai":
            return _openai(double, method, path, body)
        case "replicate":
            return _replicate(double, method, path.removeprefix("/replicate"), body)
        case _:
            return _fal(double, method, path.removeprefix("/fal"), body)


def _wrong(body: Any, checks: Checks, needed: set[str]) -> str:
    """What is wrong with a body; empty when nothing is."""
    if not isinstance(body, dict):
        return "The body must be an object."
    for name, value in body.items():
        if name not in checks:
            return f"Unknown parameter: '{name}'."
        if not checks[name](value):
            return f"Invalid value for '{name}': {value!r}."
    missing = needed - set(body)
    return f"Missing required parameter: '{missing.pop()}'." if missing else ""


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _size(value: Any) -> bool:
    """Of gpt-image-2: sides that are multiples of 16, within 3:1, from 655,360 pixels on."""
    if value == "auto":
        return True
    found = re.fullmatch(r"(\d+)x(\d+)", value)
    if not found:
        return False
    width, height = map(int, found.groups())
    right = width % 16 == height % 16 == 0 and max(width, height) <= 3840
    return (
        right
        and 655_360 <= width * height <= 8_294_400
        and max(width, height) <= 3 * min(width, height)
    )


OPENAI: Checks = {
    "model": lambda v: v in ("gpt-image-2", "gpt-image-1"),
    "prompt": lambda v: _text(v) and len(v) <= 32_000,
    "n": lambda v: v == 1,
    "size": _size,
    "quality": lambda v: v in ("auto", "low", "medium", "high"),
    "output_format": lambda v: v in ("png", "jpeg", "webp"),
}


def _openai(double: Double, method: str, path: str, body: Any) -> tuple[int, Any]:
    if (method, path) != ("POST", "/openai/v1/images/generations"):
        return 404, {"error": {"message": f"Invalid URL ({method} {path})"}}
    if wrong := _wrong(body, OPENAI, {"prompt"}):
        return 400, {"error": {"message": wrong, "type": "invalid_request_error"}}
    if double.by_url:
        return 200, {"created": 1, "data": [{"url": double.url("/files/image")}]}
    coded = base64.b64encode(double.image).decode()
    return 200, {"created": 1, "data": [{"b64_json": coded}], "output_format": "png"}


REPLICATE: dict[str, Checks] = {
    FLUX: {
        "prompt": _text,
        "aspect_ratio": SHAPES.__contains__,
        "output_format": lambda v: v in ("webp", "jpg", "png"),
        "num_outputs": lambda v: v in (1, 2, 3, 4),
    },
    SEEDANCE: {
        "prompt": _text,
        "duration": lambda v: type(v) is int and (v == -1 or 4 <= v <= 15),
        "aspect_ratio": SHAPES.__contains__,
        "resolution": lambda v: v in ("480p", "720p", "1080p"),
        "generate_audio": lambda v: isinstance(v, bool),
    },
}


def _replicate(double: Double, method: str, path: str, body: Any) -> tuple[int, Any]:
    if found := re.fullmatch(r"/v1/models/([^/]+/[^/]+)/predictions", path):
        checks = REPLICATE.get(found[1])
        if method != "POST" or checks is None or set(body) != {"input"}:
            return 404, {"title": "Not found", "detail": "The model could not be found."}
        if wrong := _wrong(body["input"], checks, {"prompt"}):
            return 422, {"title": "Input validation failed", "detail": wrong}
        kind = "image" if found[1] == FLUX else "video"
        return 201, {"id": f"p-{kind}", "status": "starting", "output": None, "error": None}
    if method == "POST" and path == "/v1/predictions":
        if set(body) != {"version", "input"}:
            return 422, {"detail": "- version is required"}
        return 201, {"id": "p-image", "status": "processing", "output": None, "error": None}
    if method == "POST" and (found := re.fullmatch(r"/v1/predictions/p-\w+/cancel", path)):
        double.cancelled.append(path)
        return 200, {"status": "canceled"}
    if method == "GET" and (found := re.fullmatch(r"/v1/predictions/p-(\w+)", path)):
        return 200, _prediction(double, found[1])
    return 404, {"detail": "Not found."}


def _prediction(double: Double, kind: str) -> dict[str, Any]:
    double.seen += 1
    if double.seen < double.looks:
        return {"id": f"p-{kind}", "status": "processing", "output": None}
    if double.fails:
        return {"id": f"p-{kind}", "status": "failed", "error": double.fails, "output": None}
    url = double.url(f"/files/{kind}")
    output = [url] if kind == "image" else url
    return {"id": f"p-{kind}", "status": "succeeded", "output": output, "error": None}


FAL: dict[str, Checks] = {
    "fal-ai/flux/schnell": {
        "prompt": _text,
        "image_size": lambda v: set(v) == {"width", "height"} and all(x > 0 for x in v.values()),
        "num_images": lambda v: 1 <= v <= 4,
        "output_format": lambda v: v in ("jpeg", "png"),
    },
    "bytedance/seedance-2.0/text-to-video": {
        "prompt": _text,
        "duration": lambda v: v == "auto" or (isinstance(v, str) and 4 <= int(v) <= 15),
        "aspect_ratio": SHAPES.__contains__,
        "resolution": lambda v: v in ("480p", "720p", "1080p"),
        "generate_audio": lambda v: isinstance(v, bool),
    },
}


def _fal(double: Double, method: str, path: str, body: Any) -> tuple[int, Any]:
    if method == "POST" and (checks := FAL.get(path.strip("/"))):
        if wrong := _wrong(body, checks, {"prompt"}):
            return 422, {"detail": [{"loc": ["body"], "msg": wrong, "type": "value_error"}]}
        kind = "video" if "video" in path else "image"
        # The owner and the app alone, as the real queue has it.
        at = double.elsewhere or double.url(f"/fal/queue-{kind}/requests/r1")
        answer = {"request_id": "r1", "status": "IN_QUEUE", "queue_position": 0}
        return 200, answer | {
            "status_url": f"{at}/status", "response_url": at, "cancel_url": f"{at}/cancel"
        }  # fmt: skip
    found = re.fullmatch(r"/queue-(\w+)/requests/r1(/status|/cancel|)", path)
    if found is None:
        return 404, {"detail": "Path not found"}
    match method, found[2]:
        case "PUT", "/cancel":
            double.cancelled.append(path)
            return 202, {"status": "CANCELLATION_REQUESTED"}
        case "GET", "/status":
            double.seen += 1
            done = double.seen >= double.looks
            return 200, {"status": "COMPLETED" if done else "IN_PROGRESS", "request_id": "r1"}
        case "GET", "":
            if double.fails:
                return 422, {"detail": [{"msg": double.fails, "type": "content_policy_violation"}]}
            file = {"url": double.url(f"/files/{found[1]}")}
            return 200, {"video": file} if found[1] == "video" else {"images": [file], "seed": 1}
        case _:
            return 405, {"detail": "Method not allowed"}
