"""What is asked of the user before a run starts, in both eras; and where nobody can ask."""

from collections.abc import Callable
from typing import Any

import pytest
from mcp import Client
from mcp_types import ElicitRequestParams, ElicitResult

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.support.hosted_double import KEY

AGENT = "Talking head to vertical clips"
ERAS = ("legacy", "auto")


class Person:
    """Answers forms as told, and keeps them."""

    def __init__(self, answer: Callable[[dict[str, Any]], dict[str, Any] | str]) -> None:
        self.answer = answer
        self.forms: list[ElicitRequestParams] = []

    async def __call__(self, _context: Any, form: ElicitRequestParams) -> ElicitResult:
        self.forms.append(form)
        said = self.answer(form.requested_schema["properties"])
        if isinstance(said, str):
            return ElicitResult(action=said)
        return ElicitResult(action="accept", content=said)


def first_choices(fields: dict[str, Any]) -> dict[str, Any]:
    """The first choice of every field of a form."""
    return {name: field["enum"][0] for name, field in fields.items()}


def start(_fields: dict[str, Any]) -> dict[str, Any]:
    return {"start": True}


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def hosted(double, tmp_path) -> Settings:
    return Settings(home=tmp_path, api_key=KEY, api_url=double.url, allowed_dirs=(tmp_path,))


@pytest.fixture
def local(studio, tmp_path) -> Settings:
    """A keyed studio: an engine that takes no credits."""
    return Settings(home=tmp_path, api_key="mk_anna", api_url=studio.discovery.url)


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"a talk" * 1000)
    return str(path)


async def call(settings: Settings, era: str, person: Person | None, tool: str, /, **arguments: Any):
    server = build_server(settings)
    async with Client(server, mode=era, elicitation_callback=person) as client:
        return await client.call_tool(tool, arguments)


async def test_a_run_that_costs_starts_once_the_user_agreed(double, hosted, talk, era):
    person = Person(start)
    done = await call(hosted, era, person, "run_agent", agent=AGENT, videos=[talk], wait_s=0)
    assert not done.is_error, done.content
    [form] = person.forms
    assert form.message == f"Run {AGENT!r} on 1 video on Mosaic? It uses credits of your account."
    assert len(double.runs) == 1


@pytest.mark.parametrize("answer", [{"start": False}, "decline", "cancel"])
async def test_a_run_that_the_user_does_not_want_is_not_started(double, hosted, talk, era, answer):
    person = Person(lambda _: answer)
    done = await call(hosted, era, person, "run_agent", agent=AGENT, videos=[talk], wait_s=0)
    assert done.structured_content["error"]["code"] == "needs_confirmation"
    assert (len(double.runs), len(double.uploads)) == (0, 0)


async def test_where_nobody_can_be_asked_the_confirm_of_a_dry_run_starts_it(
    double, hosted, talk, era
):
    wish = {"agent": AGENT, "videos": [talk], "wait_s": 0}
    refused = await call(hosted, era, None, "run_agent", **wish)
    assert refused.structured_content["error"]["code"] == "needs_confirmation"
    assert "dry_run=true" in refused.content[0].text
    shown = await call(hosted, era, None, "run_agent", **wish, dry_run=True)
    token = shown.structured_content["confirm"]
    wrong = await call(hosted, era, None, "run_agent", **wish, confirm="0" * 16)
    assert wrong.is_error
    assert len(double.runs) == 0
    done = await call(hosted, era, None, "run_agent", **wish, confirm=token)
    assert not done.is_error, done.content
    assert len(double.runs) == 1


async def test_nobody_is_asked_to_spend_on_a_request_that_is_wrong(double, hosted, era):
    person = Person(start)
    done = await call(hosted, era, person, "run_agent", agent=AGENT, videos=["/no/such.mp4"])
    assert done.is_error
    assert person.forms == []


async def agents_of_one_name(settings: Settings) -> list[str]:
    made = []
    for _ in range(2):
        done = await call(settings, "auto", None, "build_agent", name="Twins", tiles=["Watermark"])
        made.append(done.structured_content["agent_id"])
    return made


async def test_a_name_that_two_agents_have_is_asked_back(local, era):
    ids = await agents_of_one_name(local)
    person = Person(first_choices)
    wish = {"agent": "Twins", "videos": ["https://example.com/a.mp4"], "dry_run": True}
    done = await call(local, era, person, "run_agent", **wish)
    assert not done.is_error, done.content
    assert (
        done.structured_content["agent_id"]
        in person.forms[0].requested_schema["properties"]["agent"]["enum"][0]
    )
    refused = await call(local, era, None, "run_agent", **wish)
    assert refused.is_error
    assert all(agent_id in refused.content[0].text for agent_id in ids)


TWO_INPUTS = {
    "name": "Side by side",
    "tiles": [
        {"tile": "Video Input", "label": "Host"},
        {"tile": "Video Input", "label": "Guest"},
        {"tile": "Watermark", "label": "Logo 1"},
        {"tile": "Watermark", "label": "Logo 2"},
    ],
    "connect": [["Host", "Logo 1"], ["Guest", "Logo 2"]],
}


async def test_unlabelled_videos_of_an_agent_with_several_inputs_are_asked_for(local, era):
    built = await call(local, era, None, "build_agent", **TWO_INPUTS)
    assert built.structured_content["inputs"] == ["Host", "Guest"]
    person = Person(lambda fields: {"video_1": "Guest", "video_2": "Host"})
    wish = {
        "agent": built.structured_content["agent_id"],
        "videos": ["https://example.com/a.mp4", "https://example.com/b.mp4"],
        "dry_run": True,
    }
    done = await call(local, era, person, "run_agent", **wish)
    assert not done.is_error, done.content
    [form] = person.forms
    assert [f["title"] for f in form.requested_schema["properties"].values()] == ["a.mp4", "b.mp4"]
    nodes = {n["node"]: n["node_id"] for n in built.structured_content["nodes"]}
    given = {
        entry["agent_node_id"]: entry["video_urls"]
        for entry in done.structured_content["request"]["video_inputs"]
    }
    assert given == {
        nodes["Guest"]: ["https://example.com/a.mp4"],
        nodes["Host"]: ["https://example.com/b.mp4"],
    }
    refused = await call(local, era, None, "run_agent", **wish)
    assert refused.is_error
    assert "'Host'" in refused.content[0].text
    assert "'Guest'" in refused.content[0].text


async def test_tiles_may_be_left_out_only_to_rename_an_agent(local, era):
    refused = await call(local, era, None, "build_agent", name="Nothing")
    assert "tiles: is required for a new agent." in refused.content[0].text
    built = await call(local, era, None, "build_agent", name=f"Before {era}", tiles=["Watermark"])
    after = await call(
        local,
        era,
        None,
        "build_agent",
        name=f"After {era}",
        agent=built.structured_content["agent_id"],
    )
    assert after.structured_content["name"] == f"After {era}"
    assert after.structured_content["nodes"] == built.structured_content["nodes"]
