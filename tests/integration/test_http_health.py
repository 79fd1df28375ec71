"""/health of `serve --http`: without a token, and without starting anything."""

import os
import signal

import pytest

from tests.support.http_command import ANNA, TOKENS, http_server
from tests.support.studio_process import running_studio


@pytest.mark.long
@pytest.mark.short
def test_it_is_ready_without_a_studio_and_tells_of_one_that_runs_or_hangs(tmp_path):
    home = tmp_path / "home"
    with http_server(home, MOSAIC_HTTP_TOKENS=TOKENS) as server, server.http() as http:
        answer = http.get("/health")
        assert (answer.status_code, answer.json()["ready"]) == (200, True)
        assert "not running" in answer.json()["studio"]
        with running_studio(home) as studio:
            answer = http.get("/health")
            assert next(check["name"] for check in answer.json()["checks"]) == "database"
            assert str(home) not in answer.text
            assert ANNA not in answer.text
            os.kill(studio.process.pid, signal.SIGSTOP)
            try:
                answer = http.get("/health")
            finally:
                os.kill(studio.process.pid, signal.SIGCONT)
            assert (answer.status_code, answer.json()["studio"]) == (503, "does not answer")
