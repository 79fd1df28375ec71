"""Triggers over real HTTP: kept, listed, moved and removed; nothing is watched."""

import httpx
import pytest

from mosaic_mcp.contract.triggers import youtube_channel
from tests.integration.test_rest_agents import created

ONE, TWO = "UC" + "a" * 22, "UC" + "b" * 22
SHORT = {"duration": {"min_seconds": 10, "max_seconds": 60}}


@pytest.fixture
def agent(anna) -> str:
    return created(anna, name="Watcher")


def add(client: httpx.Client, agent: str, *channels: str, **more) -> httpx.Response:
    body = {"youtube_channels": channels, **more}
    return client.post(f"/agent/{agent}/triggers/add_youtube_channels", json=body)


def listed(client: httpx.Client, agent: str) -> list[dict]:
    answer = client.get(f"/agent/{agent}/triggers")
    assert answer.status_code == 200
    return answer.json()


def shape(client: httpx.Client, agent: str) -> list[tuple]:
    return [(t["youtube_channels"], t.get("filter_options")) for t in listed(client, agent)]


@pytest.mark.parametrize(
    ("said", "channel"),
    [
        (ONE, ONE),
        ("@GardenShow", "@gardenshow"),
        (f"https://www.youtube.com/channel/{ONE}/videos", ONE),
        ("youtube.com/@GardenShow/shorts", "@gardenshow"),
        ("https://m.youtube.com/@garden.show", "@garden.show"),
        ("https://example.com/@gardenshow", None),
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", None),
        ("garden show", None),
        ("https://[", None),
    ],
)
def test_a_channel_is_an_id_a_handle_or_an_address(said, channel):
    assert youtube_channel(said) == channel


def test_an_agent_without_triggers_has_an_empty_list(anna, agent):
    assert listed(anna, agent) == []


def test_channels_are_kept_and_the_answer_says_that_nothing_is_watched(anna, agent):
    answer = add(anna, agent, ONE, "@Garden").json()
    assert answer["message"] == "YouTube channels added successfully"
    assert answer["channel_ids"] == [ONE, "@garden"]
    assert answer["channels"][1] == {"input": "@Garden", "channel_id": "@garden"}
    assert "does not watch YouTube" in answer["note"]
    [trigger] = listed(anna, agent)
    assert (trigger["type"], trigger["youtube_channels"]) == ("youtube", [ONE, "@garden"])
    assert "does not watch YouTube" in trigger["note"]


def test_adding_is_additive_and_filter_options_choose_the_trigger(anna, agent):
    add(anna, agent, ONE)
    add(anna, agent, TWO, "@three", filter_options=SHORT)
    add(anna, agent, "@four")
    assert shape(anna, agent) == [([ONE, "@four"], None), ([TWO, "@three"], SHORT)]


def test_a_channel_moves_to_the_other_trigger_and_an_empty_one_is_deleted(anna, agent):
    add(anna, agent, ONE)
    add(anna, agent, TWO, filter_options=SHORT)
    add(anna, agent, ONE, filter_options=SHORT)
    assert shape(anna, agent) == [([TWO, ONE], SHORT)]


def test_a_callback_is_kept_when_left_out_and_cleared_by_null(anna, agent):
    add(anna, agent, ONE, trigger_callback_url="https://93.184.215.14/hook")
    add(anna, agent, TWO)
    assert listed(anna, agent)[0]["callback_url"] == "https://93.184.215.14/hook"
    add(anna, agent, TWO, trigger_callback_url=None)
    assert "callback_url" not in listed(anna, agent)[0]


def test_removing_the_last_channel_deletes_the_trigger(anna, agent):
    add(anna, agent, ONE, TWO)
    path = f"/agent/{agent}/triggers/remove_youtube_channels"
    gone = anna.post(path, json={"youtube_channels": [ONE, "@never"]}).json()
    assert gone["channel_ids"] == [ONE]
    assert shape(anna, agent) == [([TWO], None)]
    anna.post(path, json={"youtube_channels": [TWO]})
    assert listed(anna, agent) == []


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_kept(anna, agent):
    answer = add(anna, agent, ONE, "nobody", trigger_callback_url="http://127.0.0.1/hook")
    assert answer.status_code == 400
    assert "youtube_channels[1]" in answer.json()["detail"]
    assert "callback" in answer.json()["detail"]
    assert listed(anna, agent) == []


def test_a_trigger_has_started_no_runs_and_belongs_to_its_owner(anna, ben, agent):
    add(anna, agent, ONE)
    [trigger] = listed(anna, agent)
    runs = anna.get(f"/trigger/{trigger['id']}/runs")
    assert (runs.status_code, runs.json()["runs"]) == (200, [])
    assert ben.get(f"/trigger/{trigger['id']}/runs").status_code == 404
    assert ben.get(f"/agent/{agent}/triggers").status_code == 404
