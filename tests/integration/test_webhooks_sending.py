"""Webhooks of a real run: posted over HTTP, signed, repeated, over restarts; and their log."""

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from mosaic_mcp.contract.extensions import PREFIX, WebhookLog
from mosaic_mcp.contract.webhooks import SECRET_HEADER
from mosaic_mcp.studio.webhooks.events import EVENTS
from mosaic_mcp.studio.webhooks.signing import Secrets
from tests.support.media import video
from tests.support.receiver import Receiver, receiver
from tests.support.studio_process import KEYS, RunningStudio, running_studio
from tests.support.studio_runs import Studio
from tests.support.waiting import WAIT_S

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
SECRET = "whsec_c2l4dGVlbiBieXRlcyBhbmQgbW9yZSBieXRlcw=="
AGENT = {"in": "Video Input", "out": "Destination"}
ENVIRONMENT = {"MOSAIC_WEBHOOK_SECRET": SECRET, "MOSAIC_PRIVATE_URLS": "1"}


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as serving:
        yield serving


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio that may post to this machine."""
    home = tmp_path_factory.mktemp("home")
    with running_studio(home, **ENVIRONMENT, MOSAIC_STUDIO_KEYS=KEYS) as running:
        yield running


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video(tmp_path_factory.mktemp("media") / "talk.mp4")


@pytest.fixture
def api(sending: RunningStudio) -> Iterator[Studio]:
    with sending.client() as http:
        yield Studio(http, sending.home)


def begin(api: Studio, talk: Path, url: str) -> str:
    agent_id, _ = api.agent(AGENT, "in>out")
    body = {"video_ids": [api.add(talk)], "callback_url": url, "input_clip_end_ms": 500}
    return api.run(agent_id, body)


def log_of(http: httpx.Client, **query: str) -> WebhookLog:
    answer = http.get(f"{PREFIX}/webhooks", params=query)
    assert answer.status_code == 200, answer.text
    return WebhookLog.model_validate_json(answer.content)


def until_logged(api: Studio, run_id: str, reached) -> WebhookLog:
    """The log once it says so: it is written after the answer that a test has seen."""
    while True:
        log = log_of(api.http, run_id=run_id)
        if reached(log):
            return log
        time.sleep(0.02)


def hurry(api: Studio) -> None:
    """Let the pauses after failed attempts be over, and claims of a studio that was killed."""
    with closing(sqlite3.connect(api.home / "studio" / "studio.db", timeout=WAIT_S)) as database:
        database.execute(
            "update webhooks set next_at = 0, claimed_until = 0 where state = 'pending'"
        )
        database.commit()


def all_delivered(log: WebhookLog) -> bool:
    return all(d.state == "delivered" for d in log.deliveries)


def test_a_run_is_told_from_its_start_to_its_end_and_every_link_can_be_followed(
    api: Studio, talk: Path, hook: Receiver
):
    run_id = begin(api, talk, hook.url("/hook?key=k"))
    came = hook.until("RUN_FINISHED")
    assert came[0].flag == "RUN_STARTED"
    assert {r.flag for r in came[1:-1]} == {"RUN_PROGRESS"}
    for request in came:
        assert request.path == "/hook?key=k"
        assert request.headers["content-type"] == "application/json"
        event = EVENTS.validate_python(request.event)
        assert (event.run_id, event.triggered_by) == (run_id, None)
    finished = came[-1].event
    told = api.http.get(f"/agent_run/{run_id}").json()
    for name in ("status", "status_message", "needs_credits", "errors", "node_status_counts"):
        assert finished[name] == told[name], name
    [output] = finished["outputs"]
    assert output.keys() == told["outputs"][0].keys()
    assert output["id"] == told["outputs"][0]["id"]
    for link in (output["video_url"], output["thumbnail_url"], finished["inputs"][0]["video_url"]):
        assert httpx.get(link, trust_env=False).status_code == 200, link
    log = until_logged(api, run_id, all_delivered)
    assert [d.event for d in log.deliveries] == [r.flag for r in reversed(came)]
    assert [d.id for d in log.deliveries] == [r.headers["webhook-id"] for r in reversed(came)]
    for delivery in log.deliveries:
        assert (delivery.host, delivery.attempts, delivery.last_status) == ("127.0.0.1", 1, 204)
        assert delivery.delivered_at is not None
        assert delivery.next_attempt_at is None
    assert "key=k" not in log.model_dump_json()


def test_an_event_carries_the_secret_and_a_signature_that_the_library_accepts(
    api: Studio, talk: Path, hook: Receiver
):
    begin(api, talk, hook.url())
    for request in hook.until("RUN_FINISHED"):
        assert request.headers[SECRET_HEADER.lower()] == SECRET
        assert Webhook(SECRET).verify(request.body, request.headers) == request.event
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(request.body + " ", request.headers)
        moved = {**request.headers, "webhook-id": "msg_other"}
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(request.body, moved)


def test_a_failed_attempt_is_repeated_with_the_same_id_and_in_order(
    api: Studio, talk: Path, hook: Receiver
):
    hook.answers = [(302, {"location": hook.url("/elsewhere")}), (503, {})]
    run_id = begin(api, talk, hook.url())
    first = hook.next()
    failed = until_logged(api, run_id, lambda log: log.deliveries[-1].last_status == 302)
    assert failed.deliveries[-1].last_error == ("It answered 302; redirects are not followed.")
    assert failed.deliveries[-1].next_attempt_at is not None
    hurry(api)
    until_logged(api, run_id, lambda log: log.deliveries[-1].last_status == 503)
    hurry(api)
    came = hook.until("RUN_FINISHED")
    assert [r.headers["webhook-id"] for r in came[:2]] == [first.headers["webhook-id"]] * 2
    assert {r.path for r in came} == {"/hook"}
    flags = list(dict.fromkeys(r.flag for r in came))
    assert flags == ["RUN_STARTED", "RUN_PROGRESS", "RUN_FINISHED"]
    done = until_logged(api, run_id, all_delivered)
    assert done.deliveries[-1].attempts == 3


def test_a_410_ends_it(api: Studio, talk: Path, hook: Receiver):
    hook.answers = [(410, {})]
    run_id = begin(api, talk, hook.url())
    assert api.end(run_id)["status"] == "completed"
    log = until_logged(api, run_id, lambda log: log.deliveries[-1].state == "stopped")
    assert {d.state for d in log.deliveries} == {"stopped"}
    assert "nothing more is sent" in str(log.deliveries[-1].last_error)
    assert hook.came.qsize() == 1


def test_an_unreachable_endpoint_does_not_touch_the_run(api: Studio, talk: Path):
    with receiver() as gone:
        url = gone.url()
    run_id = begin(api, talk, url)
    assert api.end(run_id)["status"] == "completed"
    log = until_logged(api, run_id, lambda log: log.deliveries[-1].attempts > 0)
    assert {d.state for d in log.deliveries} == {"pending"}


def test_the_log_is_paged_and_another_owners_is_not_there(
    api: Studio, sending: RunningStudio, talk: Path, hook: Receiver
):
    run_id = begin(api, talk, hook.url())
    hook.until("RUN_FINISHED")
    whole = until_logged(api, run_id, all_delivered)
    seen, cursor = [], None
    while not seen or cursor:
        more = {"cursor": cursor} if cursor else {}
        page = log_of(api.http, run_id=run_id, limit="1", **more)
        seen += page.deliveries
        cursor = page.next_cursor
    assert tuple(seen) == whole.deliveries
    with sending.client("mk_anna") as anna:
        assert log_of(anna).deliveries == ()
        assert anna.get(f"{PREFIX}/webhooks", params={"run_id": run_id}).status_code == 404


def test_each_owner_has_a_secret_of_their_own(sending: RunningStudio):
    told = {}
    for key in ("mk_anna", "mk_ben", None):
        with sending.client(key) as http:
            told[key] = http.get(f"{PREFIX}/webhooks/secret").json()["secret"]
    assert told[None] == SECRET
    assert len(set(told.values())) == 3
    assert all(secret.startswith("whsec_") for secret in told.values())
    assert told["mk_anna"] == Secrets(SECRET).of("anna")


def test_links_for_somebody_elsewhere_begin_where_they_can_be_reached(
    sending: RunningStudio, talk: Path, hook: Receiver
):
    with sending.client() as http:
        http.headers.update({"x-mosaic-owner": "carla", "x-mosaic-links": "https://v.example.org"})
        begin(Studio(http, sending.home), talk, hook.url())
        finished = hook.until("RUN_FINISHED")[-1]
    [output] = finished.event["outputs"]
    assert output["video_url"].startswith("https://v.example.org/media/")
    assert finished.headers[SECRET_HEADER.lower()] == Secrets(SECRET).of("carla")


@pytest.fixture
def told(tmp_path: Path):
    """The lines of the page's receiver, and its address."""
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "receiver.py").write_text(snippet)
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "receiver.py"],
        cwd=tmp_path,
        env={**os.environ, "MOSAIC_WEBHOOK_SECRET": SECRET, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process.stdout, f"http://127.0.0.1:{port}/hook"
    finally:
        process.kill()
        process.communicate()


def test_the_receiver_of_the_page_is_told_of_a_run_and_refuses_what_is_not_signed(
    api: Studio, talk: Path, told
):
    lines, url = told
    assert all(f"export {name}=" in PAGE for name in ENVIRONMENT)
    run_id = begin(api, talk, url)
    seen = []
    while not seen or not seen[-1].startswith("RUN_FINISHED"):
        seen.append(lines.readline().strip())
        assert seen[-1], "the receiver ended"
    assert seen[0] == f"RUN_STARTED {run_id} running"
    assert seen[-1] == f"RUN_FINISHED {run_id} completed"
    forged = httpx.post(url, json={"flag": "RUN_FINISHED"}, trust_env=False)
    assert forged.status_code == 401


@pytest.mark.chaos
@pytest.mark.short
def test_the_studio_does_not_end_before_what_failed_at_first_is_delivered(
    tmp_path: Path, talk: Path, hook: Receiver
):
    """It would be idle long before the second attempt, and ends by itself after the last one."""
    hook.answers = [(500, {})]
    with running_studio(tmp_path, **ENVIRONMENT, MOSAIC_STUDIO_IDLE_S="2") as running:
        with running.client() as http:
            api = Studio(http, tmp_path)
            api.end(begin(api, talk, hook.url()))
        hook.until("RUN_FINISHED")
        assert running.process.wait(timeout=WAIT_S) == 0
    assert "ending: idle" in running.log()


@pytest.mark.chaos
@pytest.mark.short
def test_what_was_not_delivered_is_delivered_by_the_next_studio(
    tmp_path: Path, talk: Path, hook: Receiver
):
    """kill -9 between a failed attempt and the next one: the pause goes on, nothing is lost."""
    hook.answers = [(500, {})] * 1000
    with running_studio(tmp_path, **ENVIRONMENT) as running, running.client() as http:
        api = Studio(http, tmp_path)
        run_id = begin(api, talk, hook.url())
        first = hook.next()
        until_logged(api, run_id, lambda log: log.deliveries[-1].last_status == 500)
        api.end(run_id)
        running.process.kill()
        running.process.wait()
        hook.answers.clear()
        hook.came.queue.clear()
        hurry(api)
    with running_studio(tmp_path, **ENVIRONMENT) as running, running.client() as http:
        came = hook.until("RUN_FINISHED")
        assert came[0].headers["webhook-id"] == first.headers["webhook-id"]
        api = Studio(http, tmp_path)
        log = until_logged(api, run_id, all_delivered)
        assert log.deliveries[-1].attempts >= 2
