"""Log lines: one JSON object each, with what is known about the work, and never a secret."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from mosaic_mcp import logs
from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.settings import Settings

OURS = logging.getLogger("mosaic_mcp.tests")


class Closed(BaseModel):
    number: int


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Logs as JSON into a text."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    monkeypatch.setattr(logs, "_secrets", set())
    root, ours = logging.getLogger(), logging.getLogger("mosaic_mcp")
    levels = root.level, ours.level
    settings = Settings(
        home=Path("nowhere"),
        api_key="plain-key-of-a-user",
        fal_key="plain-key-of-fal",
        log_format="json",
        log_level="debug",
    )
    logs.start_logs(settings, handler)
    yield text
    root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def lines(text: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in text.getvalue().splitlines()]


def test_a_line_is_an_object_with_the_facts_of_its_work(written: io.StringIO):
    with logs.about(run_id="r1", node=None), logs.about(render="o1"):
        logs.know(owner="anna")
        OURS.info("two\nlines of %s", "words")
    OURS.debug("after")
    first, second = lines(written)
    assert first["message"] == "two\nlines of words"
    assert (first["level"], first["logger"]) == ("info", "mosaic_mcp.tests")
    assert {k: first[k] for k in ("run_id", "render", "owner")} == {
        "run_id": "r1",
        "render": "o1",
        "owner": "anna",
    }
    assert first["time"].endswith("+00:00")
    assert "node" not in first
    assert "run_id" not in second


@pytest.mark.parametrize(
    "secret",
    [
        "mk_live_0123456789",
        "plain-key-of-a-user",
        "plain-key-of-fal",
        "Bearer abcdef.ghi-jkl",
        "http://127.0.0.1:1/media/renders/x/video.mp4?exp=1&sig=c2VjcmV0",
        "https://s3/x?X-Amz-Signature=abcdef&X-Amz-Credential=AKIA",
        "postgresql://user:hunter2pass@db/mosaic",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ],
)
def test_a_secret_is_removed_from_messages_and_tracebacks(written: io.StringIO, secret: str):
    try:
        raise LookupError(secret)
    except LookupError:
        OURS.exception("failed with %s", secret)
    told = written.getvalue()
    assert logs.REMOVED in told
    for part in ("0123456789", "plain-key", "abcdef", "c2VjcmV0", "hunter2pass", "MfKQ9", "AKIA"):
        assert part not in told


def test_what_a_model_refuses_is_not_quoted(written: io.StringIO):
    said = " ".join(["what", "somebody", "said"])  # a traceback quotes the source, too
    try:
        Closed.model_validate({"number": said})
    except ValidationError:
        OURS.exception("refused")
    assert "what somebody said" not in written.getvalue()
    assert "number" in written.getvalue()


def test_libraries_are_heard_from_warnings_on(written: io.StringIO):
    logging.getLogger("httpcore").debug("headers")
    logging.getLogger("httpcore").warning("odd")
    assert [line["message"] for line in lines(written)] == ["odd"]


def test_a_text_line_cannot_be_forged():
    record = OURS.makeRecord("a", logging.INFO, "f", 1, "one\n2026 ERROR two", None, None)
    assert "\n" not in logs.TextLines().format(record)


def test_a_level_and_a_format_that_do_not_exist_are_refused_together():
    settings = Settings(home=Path("nowhere"), log_level="loud", log_format="xml")
    with pytest.raises(InvalidRequest) as caught:
        logs.start_logs(settings)
    assert [f.where for f in caught.value.faults] == ["MOSAIC_LOG_LEVEL", "MOSAIC_LOG_FORMAT"]


def test_a_file_takes_the_place_of_stderr(tmp_path: Path):
    handler = logs._default_handler(tmp_path / "new" / "mosaic.log")
    handler.close()
    assert (tmp_path / "new" / "mosaic.log").exists()
    assert logs._default_handler(None).stream is sys.stderr
