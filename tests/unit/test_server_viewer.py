"""The run viewer as hosts find it: a resource, tools bound to it, and tools for it alone."""

import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from mosaic_mcp.server import app_view, build_server
from mosaic_mcp.settings import Settings

URI = "ui://mosaic/run.html"
BOUND = {"run_agent", "get_run", "chain_run", "resume_run"}
FOR_THE_VIEW = {"view_run", "play_output"}
APPS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> str:
    return request.param


def client(era: str, **more: Any) -> Client:
    return Client(build_server(Settings(home=Path("nowhere"))), mode=era, **more)


async def ui_of_tools(connected: Client) -> dict[str, Any]:
    return {tool.name: (tool.meta or {}).get("ui") for tool in (await connected.list_tools()).tools}


async def test_a_client_with_apps_finds_the_page_and_the_tools_bound_to_it(era: str):
    async with client(era, extensions=APPS) as connected:
        ui = await ui_of_tools(connected)
        assert {name for name, found in ui.items() if found == {"resourceUri": URI}} == BOUND
        hidden = {"resourceUri": URI, "visibility": ["app"]}
        assert {name for name, found in ui.items() if found == hidden} == FOR_THE_VIEW
        [listed] = [r for r in (await connected.list_resources()).resources if r.uri == URI]
        [page] = (await connected.read_resource(URI)).contents
    assert listed.mime_type == page.mime_type == "text/html;profile=mcp-app"
    assert listed.meta == page.meta == {"ui": {"prefersBorder": True}}
    assert page.text == app_view.page_html()


@pytest.mark.parametrize("extensions", [None, [advertise(EXTENSION_ID, {"mimeTypes": ["text/x"]})]])
async def test_a_client_without_apps_is_not_shown_the_views_own_tools(era: str, extensions: Any):
    async with client(era, extensions=extensions) as connected:
        names = set(await ui_of_tools(connected))
        assert names >= BOUND
        assert not names & FOR_THE_VIEW


async def test_keys_that_a_tool_had_before_stay_beside_the_views(era: str):
    async with client(era) as connected:
        metas = {tool.name: tool.meta or {} for tool in (await connected.list_tools()).tools}
    assert metas["run_agent"]["anthropic/alwaysLoad"] is True


async def test_an_unknown_tool_is_not_answered_with_the_views_own(era: str):
    async with client(era, extensions=APPS) as connected:
        refused = await connected.call_tool("view_ran", {})
    text = " ".join(block.text for block in refused.content)
    assert refused.is_error
    assert not [name for name in FOR_THE_VIEW if name in text]


def test_the_page_is_one_file_that_loads_nothing_and_writes_no_markup():
    page = app_view.page_html()
    assert page.lower().startswith("<!doctype html>")
    assert len(page) < 100_000
    assert "https://" not in page
    assert set(re.findall(r"http://[^\"'\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|<script[^>]+src|@import|url\(", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", page)
    assert page.count("<script>") == page.count("</script>") == 5


async def test_the_page_is_read_only_when_asked_for(monkeypatch: pytest.MonkeyPatch):
    reads: list[str] = []
    monkeypatch.setattr(Path, "read_text", lambda self, *_: reads.append(self.name) or "")
    async with client("auto", extensions=APPS) as connected:
        await connected.list_tools()
        await connected.list_resources()
        assert reads == []
        await connected.read_resource(URI)
    assert reads == ["run.html"]
