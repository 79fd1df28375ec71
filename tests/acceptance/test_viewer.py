"""The run viewer in a real browser, in a chat that keeps to the specification of MCP Apps, on a
real server and studio: what a person sees and presses."""

import json
import re
import sys
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk, environment
from tests.acceptance.tools import answer
from tests.support.app_host import Chat, a_browser, chat
from tests.support.node import npm_folder

pytestmark = [pytest.mark.hosts, pytest.mark.short]

VERTICAL = "Talking head to vertical clips"
EXT_APPS = "@modelcontextprotocol/ext-apps"
APPS = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
async def browser() -> AsyncGenerator[Any]:
    async with a_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncGenerator[Client]:
    async with a_client(settings) as connected:
        yield connected


def a_client(settings: Settings, mode: str = "auto") -> Client:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=environment(settings)
    )
    return Client(server, mode=mode, extensions=[APPS])


def clips(talk: Talk, **more: Any) -> dict[str, Any]:
    """Arguments of a short run that nobody ran before."""
    return {
        "agent": VERTICAL,
        "videos": [talk.named],
        "params": {"Clips": {"num_clips": 1, "target_duration": 5}},
        "quality": "draft",
        "wait_s": 0,
        **more,
    }


async def ended(opened: Chat, state: str) -> None:
    await opened.view.locator(f"#status[data-state={state}]").wait_for()
    await opened.view.locator("main[aria-busy=false]").wait_for()


async def button(opened: Chat, name: str) -> Any:
    found = opened.view.get_by_role("button", name=re.compile(f"^{re.escape(name)}"))
    await found.wait_for()
    return found


WATCH = """() => {
  window.marks = [];
  const mark = () => {
    const bar = document.getElementById("progress");
    const nodes = [...document.querySelectorAll(".node")].map((node) => node.dataset.state);
    const now = [Number(bar.getAttribute("aria-valuenow")), nodes.join(" ")];
    if (String(marks.at(-1)) !== String(now)) marks.push(now);
  };
  new MutationObserver(mark).observe(document.body, { attributes: true, subtree: true });
}"""


async def test_a_run_is_watched_to_its_end_and_its_video_plays(
    browser: Any, settings: Settings, talk: Talk, era: str
):
    async with a_client(settings, era) as client, chat(browser, client) as opened:
        await opened.call("run_agent", clips(talk, idempotency_key=f"watched-{era}"))
        await opened.view.locator("#view").evaluate(WATCH)
        await ended(opened, "done")

        marks = await opened.view.locator("#view").evaluate("() => marks")
        percents = [percent for percent, _ in marks]
        assert percents == sorted(percents)
        assert len({p for p in percents if 0 < p < 100}) >= 2
        states = [nodes for _, nodes in marks if nodes]
        assert any("waiting" in nodes for nodes in states)
        assert any("running" in nodes for nodes in states)
        assert set(states[-1].split()) == {"done"}
        steps = await opened.view.locator(".node strong").all_text_contents()
        assert steps[0] == "Video Input"
        assert steps[-1] == "Destination"
        assert await opened.view.locator(".graph path").count() == len(steps) - 1

        picture = opened.view.locator(".output img")
        assert await picture.evaluate(
            "async (img) => { await img.decode(); return img.naturalWidth }"
        )
        await (await button(opened, "Play my talk")).click()
        video = opened.view.locator("video")
        await video.wait_for()
        await video.evaluate(
            "(v) => new Promise((done) => { v.ontimeupdate = () => v.currentTime > 0.3 && done() })"
        )
        width, height, length = await video.evaluate(
            "(v) => [v.videoWidth, v.videoHeight, v.duration]"
        )
        assert (width, height) == (540, 960)
        assert 2 < length < 8
        await video.evaluate(
            "(v) => new Promise((done) => { v.onseeked = done; v.currentTime = v.duration - 0.5 })"
        )
        assert opened.complaints == []
        assert await opened.seen("refused") == []


async def test_a_running_call_is_followed_before_it_has_answered(
    browser: Any, client: Client, talk: Talk
):
    async with chat(browser, client) as opened:
        await opened.call("run_agent", clips(talk, wait_s=50, idempotency_key="sought"))
        await opened.view.locator("#status[data-state=running]").wait_for()
        assert "ui/notifications/tool-result" not in [
            m.get("method") for m in await opened.seen("sent")
        ]
        assert await opened.view.get_by_role("button", name="Cancel run").is_hidden()
        await ended(opened, "done")
        run_id = (await opened.outcome())["structuredContent"]["run_id"]
        assert await opened.view.locator("#run-id").get_attribute("title") == run_id


async def test_cancel_asks_first_and_resume_goes_on_to_the_end(
    browser: Any, client: Client, talk: Talk
):
    async with chat(browser, client) as opened:
        await opened.call("run_agent", clips(talk, idempotency_key="stopped", quality="standard"))
        await (await button(opened, "Cancel run")).click()
        await (await button(opened, "Keep it running")).click()
        await (await button(opened, "Cancel run")).click()
        await (await button(opened, "Stop the run")).click()
        await ended(opened, "stopped")
        run_id = await opened.view.locator("#run-id").get_attribute("title")
        assert (await answer(client, "get_run", run_id=run_id))["status"] == "cancelled"
        assert await called(opened, "cancel_run") == [{"run_id": run_id}]

        await (await button(opened, "Resume run")).click()
        await opened.view.locator("#status[data-state=running]").wait_for()
        await ended(opened, "done")
        assert (await answer(client, "get_run", run_id=run_id))["status"] == "completed"
        told = [c["content"][0]["text"] for c in await opened.seen("contexts")]
        assert ["cancelled" in told[0], "resumed" in told[1]] == [True, True]
        assert opened.complaints == []


async def test_chaining_chooses_an_agent_asks_and_follows_the_new_run(
    browser: Any, client: Client, talk: Talk
):
    await answer(client, "build_agent", name="Sign it", tiles=["Watermark"])
    async with chat(browser, client) as opened:
        await opened.call("run_agent", clips(talk, idempotency_key="chained"))
        await ended(opened, "done")
        first = await opened.view.locator("#run-id").get_attribute("title")

        await (await button(opened, "Use in another agent…")).click()
        await opened.view.get_by_role("combobox", name="Agent").select_option(label="Sign it")
        await (await button(opened, "Check")).click()
        question = opened.view.locator("#question")
        await question.filter(has_text="Start “Sign it” on 1 video of this run?").wait_for()
        assert [c.get("dry_run") for c in await called(opened, "chain_run")] == [True]
        await (await button(opened, "Start the run")).click()

        await opened.view.locator("#agent", has_text="Sign it").wait_for()
        await opened.view.locator(f"#run-id:not([title='{first}'])").wait_for()
        await ended(opened, "done")
        second = await opened.view.locator("#run-id").get_attribute("title")
        run = await answer(client, "get_run", run_id=second)
        assert run["status"] == "completed"
        assert len(run["from_outputs"]) == 1
        assert await opened.view.locator(".output img").count() == 1

        await (await button(opened, "Back to the run before")).click()
        await opened.view.locator(f"#run-id[title='{first}']").wait_for()


async def test_open_goes_through_the_host_and_says_so_when_it_refuses(
    browser: Any, client: Client, talk: Talk
):
    async with chat(browser, client) as opened:
        await opened.call("run_agent", clips(talk, idempotency_key="chained"))
        await ended(opened, "done")
        await (await button(opened, "Open my talk")).click()
        await opened.page.wait_for_function("seen.opened.length === 1")
        [url] = await opened.seen("opened")
        assert url.startswith("http://127.0.0.1:")
        await opened.page.evaluate("settings.refuseLinks = true")
        await (await button(opened, "Open my talk")).click()
        await opened.view.get_by_text("This chat did not open the link").wait_for()


async def test_every_message_fits_the_published_schema(browser: Any, client: Client, talk: Talk):
    package = npm_folder(f"{EXT_APPS}@2.0.4") / "node_modules" / EXT_APPS
    schema = json.loads((package / "dist/src/generated/schema.json").read_text("utf-8"))
    kinds = {d["properties"]["method"]["const"]: d for d in schema["$defs"].values() if named(d)}
    async with chat(browser, client) as opened:
        await opened.call("run_agent", clips(talk, idempotency_key="chained"))
        await ended(opened, "done")
        await (await button(opened, "Open my talk")).click()
        await opened.page.wait_for_function("seen.opened.length === 1")
        await opened.page.evaluate("changeContext({ theme: 'dark' })")
        asked = await opened.page.evaluate("ask('ui/resource-teardown', {})")
        await opened.page.wait_for_function(
            "(id) => seen.received.some((m) => m.id === id)", arg=asked
        )
        received, sent = await opened.seen("received"), await opened.seen("sent")
    checked = set()
    for message in [*received, *sent]:
        if kind := kinds.get(message.get("method")):
            plain = {k: message[k] for k in ("method", "params") if k in message}
            Draft202012Validator(kind).validate(plain)
            checked.add(message["method"])
    assert {"ui/initialize", "ui/notifications/initialized", "ui/open-link"} <= checked
    assert "ui/notifications/size-changed" in checked
    [teardown] = [m for m in received if m.get("id") == asked]
    assert teardown["result"] == {}
    order = [m.get("method") for m in received]
    assert order.index("ui/initialize") < order.index("ui/notifications/initialized")
    assert "tools/call" not in order[: order.index("ui/notifications/initialized")]


def named(definition: dict[str, Any]) -> bool:
    return "const" in definition.get("properties", {}).get("method", {})


HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def canned(**run: Any) -> dict[str, Any]:
    """Answers to the view of a run that has ended, as the server would give them."""
    seen = {"run_id": "r", "summary": HOSTILE, "percent": 100, "pushed": True, "agent": HOSTILE}
    seen |= {"nodes": [], "outputs": [], "more_outputs": False, "edges": [], "status": "failed"}
    got = {"run_id": "r", "summary": HOSTILE, "status": "failed"}
    view, answer = ({"structuredContent": {**each, **run}, "content": []} for each in (seen, got))
    return {"view_run": [view, view], "get_run": [answer]}


HOLD = "() => { held.get_run = new Promise((go) => (window.letGo = go)); }"
SETTLED = """() => {
  window.settled = [];
  new MutationObserver(() => {
    if (document.getElementById("view").ariaBusy !== "false") return;
    settled.push([...document.querySelectorAll(".node")].map((node) => node.dataset.state));
  }).observe(document.body, { attributes: true, childList: true, subtree: true });
}"""


async def test_the_view_is_busy_until_the_end_of_a_run_is_drawn(browser: Any, client: Client):
    node = {"id": "n", "label": "Captions"}
    before = {"status": "running", "nodes": [{**node, "status": "running"}]}
    [seen, _], got = canned(status="completed", nodes=[{**node, "status": "completed"}]).values()
    working = {**seen, "structuredContent": {**seen["structuredContent"], **before}}
    # The call's input and its result each begin to follow the run.
    answers = {"view_run": [working, working, seen], "get_run": 2 * got}
    async with chat(browser, client) as opened:
        await opened.page.evaluate(HOLD)
        result = {"structuredContent": {"run_id": "r"}, "content": []}
        await opened.call("get_run", {"run_id": "r"}, answers=answers, result=result)
        await opened.view.locator(".node[data-state=running]").wait_for()
        await opened.view.locator("#view").evaluate(SETTLED)
        await opened.page.evaluate("letGo()")
        await ended(opened, "done")
        settled = await opened.view.locator("#view").evaluate("() => settled")
        assert settled
        assert all(states == ["done"] for states in settled)


async def test_a_refused_stop_is_told_and_the_run_followed_on(
    browser: Any, client: Client, talk: Talk
):
    refusal = {"isError": True, "content": [{"type": "text", "text": "The engine is away."}]}
    async with chat(browser, client) as opened:
        call = clips(talk, idempotency_key="not stopped", quality="standard")
        await opened.call("run_agent", call, answers={"cancel_run": [refusal]})
        await (await button(opened, "Cancel run")).click()
        await (await button(opened, "Stop the run")).click()
        await opened.view.locator("#note", has_text="The engine is away.").wait_for()
        await ended(opened, "done")
        assert await opened.view.locator("#note").inner_text() == "The engine is away."


async def test_nothing_that_a_run_says_becomes_markup(browser: Any, client: Client):
    output = {"output_id": "o", "name": HOSTILE, "url": "javascript:alert(1)", "path": HOSTILE}
    answers = canned(
        nodes=[{"id": "n", "label": HOSTILE, "status": HOSTILE, "doing": HOSTILE}],
        outputs=[{**output, "thumbnail": "https://evil.example/x.png"}],
        errors=[{"node": HOSTILE, "messages": [HOSTILE]}],
    )
    async with chat(browser, client) as opened:
        result = {"structuredContent": {"run_id": "r"}, "content": []}
        await opened.call("get_run", {"run_id": "r"}, answers=answers, result=result)
        await ended(opened, "failed")
        body = opened.view.locator("body")
        assert await body.evaluate("(b) => b.ownerDocument.title") == "Mosaic run"
        assert await opened.view.locator("main img, main script").count() == 0
        assert await opened.view.get_by_role("button", name="Open").count() == 0
        assert await opened.view.locator("#agent").inner_text() == HOSTILE
        assert await opened.view.get_by_text(HOSTILE).count() >= 5
        assert opened.complaints == []


async def test_a_failed_call_and_a_dry_run_are_told_as_they_are(
    browser: Any, client: Client, talk: Talk
):
    async with chat(browser, client) as opened:
        await opened.call("run_agent", {"agent": "No such agent", "videos": [talk.named]})
        await ended(opened, "failed")
        told = await opened.view.locator("#summary").inner_text()
        assert "No such agent" in told
        await opened.call("run_agent", clips(talk, dry_run=True))
        await opened.view.get_by_text("Nothing was started").wait_for()
        assert await called(opened, "get_run") == []


@pytest.mark.parametrize("width", [320, 760])
async def test_the_page_is_named_reachable_by_keys_and_never_too_wide(
    browser: Any, client: Client, talk: Talk, width: int
):
    async with chat(browser, client, width=width) as opened:
        await opened.call("run_agent", clips(talk, idempotency_key="chained"))
        await ended(opened, "done")
        wide = await opened.view.locator("html").evaluate("(h) => h.scrollWidth - h.clientWidth")
        assert wide == 0
        nameless = await opened.view.locator("button:visible").evaluate_all(
            "(all) => all.filter((b) => !(b.ariaLabel || b.textContent).trim()).length"
        )
        assert nameless == 0
        await opened.view.locator("#chain").focus()
        await opened.page.keyboard.press("Enter")
        await opened.view.get_by_role("combobox", name="Agent").wait_for()
        assert await focused(opened) == "agents"
        await opened.page.keyboard.press("Escape")
        await opened.view.locator("#ask").wait_for(state="hidden")
        await opened.view.locator("#chain:focus").wait_for()


async def test_the_hosts_theme_and_colours_are_taken_over(browser: Any, client: Client, talk: Talk):
    variables = {"--color-background-primary": "rgb(1, 2, 3)"}
    context = {"theme": "light", "styles": {"variables": variables}}
    async with chat(browser, client) as opened:
        await opened.call("run_agent", clips(talk, idempotency_key="chained"), context=context)
        await ended(opened, "done")
        body = opened.view.locator("body")
        paper = "(b) => getComputedStyle(b).backgroundColor"
        ink = "(b) => getComputedStyle(b).color"
        assert await body.evaluate(paper) == "rgb(1, 2, 3)"
        light = await body.evaluate(ink)
        await opened.page.evaluate("changeContext({ theme: 'dark' })")
        await opened.view.locator("html[data-theme=dark]").wait_for()
        assert await body.evaluate(ink) != light


async def focused(opened: Chat) -> str:
    return await opened.view.locator("body").evaluate("(b) => b.ownerDocument.activeElement.id")


async def called(opened: Chat, tool: str) -> list[dict[str, Any]]:
    """The arguments of the view's calls of a tool."""
    messages = [m for m in await opened.seen("received") if m.get("method") == "tools/call"]
    return [m["params"]["arguments"] for m in messages if m["params"]["name"] == tool]
