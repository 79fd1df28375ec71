"""A chat that renders MCP Apps: a page in headless Chromium, and the bridge to a real server.

The page and its sandbox proxy are served from two origins, as the specification wants it of web
hosts. The policy of the proxy is the specification's default for a view that declares nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from mcp import Client, MCPError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tests.support.node import not_installable
from tests.support.waiting import WAIT_S

HERE = Path(__file__).parent
DEFAULT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'; object-src 'none'; "
    "frame-src 'none'; base-uri 'self'"
)
FILES = {"/": "host.html", "/host.js": "host.js", "/sandbox.html": "sandbox.html"}


def chromium() -> str:
    """The system's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return found or not_installable("there is no Chromium on this machine")


@dataclass
class Chat:
    """A page of the host, and what it took down."""

    page: Any
    sandbox: str
    complaints: list[str] = field(default_factory=list)
    """What the browser's console said against the view: errors, policy violations."""

    async def call(self, tool: str, arguments: dict[str, Any], **options: Any) -> None:
        """Begin a tool call with its view; its result reaches the view when it is there."""
        given = [tool, arguments, {"sandbox": self.sandbox, **options}]
        await self.page.evaluate("(given) => { window.outcome = callTool(...given); }", given)

    async def outcome(self) -> dict[str, Any]:
        """What the tool answered to the chat."""
        return await self.page.evaluate("window.outcome")

    async def seen(self, what: str) -> list[Any]:
        """Messages or events that the host took down."""
        return await self.page.evaluate("(what) => seen[what]", what)

    @property
    def view(self) -> Any:
        """The view, inside the proxy, inside the page."""
        return self.page.frame_locator("iframe").frame_locator("iframe")


@asynccontextmanager
async def a_browser() -> AsyncGenerator[Any]:
    """A headless Chromium; every chat in it has storage of its own."""
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError:
        not_installable("playwright is not installed (uv sync --group hosts)")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def chat(
    browser: Any, client: Client, *, width: int = 760, height: int = 900
) -> AsyncGenerator[Chat]:
    """A chat in a browser whose tool calls go to `client`."""
    async with _serving(client) as host, _serving(client) as other:
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=2,
            color_scheme="light",
        )
        page = await context.new_page()
        page.set_default_timeout(WAIT_S * 1000)
        opened = Chat(page, f"{other}/sandbox.html")
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: opened.complaints.append(said.text) if said.type == "error" else None,
        )
        await page.goto(host)
        try:
            yield opened
        finally:
            await context.close()


@asynccontextmanager
async def _serving(client: Client) -> AsyncGenerator[str]:
    """The files and the bridge on a loopback port of their own."""

    async def file(request: Request) -> Response:
        path = HERE / FILES[request.url.path]
        policy = {"content-security-policy": DEFAULT_POLICY} if path.stem == "sandbox" else {}
        return FileResponse(path, headers=policy)

    async def bridge(request: Request) -> Response:
        asked = await request.json()
        try:
            return JSONResponse(await _forwarded(client, asked["method"], asked["params"]))
        except MCPError as error:
            return JSONResponse({"error": str(error)}, 500)

    async def no_icon(_request: Request) -> Response:
        return Response(status_code=204)

    routes = [*(Route(path, file) for path in FILES), Route("/favicon.ico", no_icon)]
    app = Starlette(routes=[*routes, Route("/mcp", bridge, methods=["POST"])])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()


async def _forwarded(client: Client, method: str, params: dict[str, Any]) -> Any:
    """The server's answer, as it is on the wire."""
    match method:
        case "tools/list":
            answer = await client.list_tools()
        case "resources/read":
            answer = await client.read_resource(params["uri"])
        case "tools/call":
            answer = await client.call_tool(params["name"], params["arguments"])
        case _:
            raise ValueError(method)
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)
