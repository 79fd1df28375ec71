"""The one table of statuses, codes and exceptions, in both directions."""

import pytest

from mosaic_mcp import errors
from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.contract.errors import TABLE, error_from, error_response

TWO = [errors.Fault("a", "is wrong."), errors.Fault("b", "too.")]


@pytest.mark.parametrize(("status", "code", "kind"), TABLE, ids=str)
def test_every_row_of_the_error_table_is_read_as_its_exception(status, code, kind):
    assert type(error_from(status, {"detail": "Why.", "error": code})) is kind


@pytest.mark.parametrize("kind", dict.fromkeys(k for _, _, k in TABLE), ids=lambda k: k.__name__)
def test_every_error_survives_the_wire(kind):
    sent = errors.InvalidRequest(TWO) if kind is errors.InvalidRequest else kind("Why.")
    status, body = error_response(sent)
    received = error_from(status, ErrorBody.model_validate(body.model_dump()).model_dump())
    assert type(received) is kind
    assert str(sent) in str(received)


def test_several_faults_arrive_as_several_faults():
    status, body = error_response(errors.InvalidRequest(TWO))
    assert (status, body.error) == (400, "validation_error")
    assert len(error_from(status, body.model_dump()).faults) == 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"detail": "Request failed", "error": "request_error"}, errors.InvalidRequest),
        (409, {"detail": "Run cannot be resumed"}, errors.Conflict),
        (404, None, errors.NotFound),
        (502, None, errors.EngineUnavailable),
        (418, {}, errors.MosaicError),
        (422, {"detail": [{"loc": ["body"], "msg": "bad"}]}, errors.InvalidRequest),
    ],
)
def test_answers_without_a_known_code_are_read_by_their_status(status, body, kind):
    assert type(error_from(status, body)) is kind


def test_a_rate_limit_keeps_when_to_come_back():
    error = error_from(429, {"detail": "Slow down", "error": "rate_limit"}, 12.5)
    assert (error.retry_after_s, error.retryable) == (12.5, True)


def test_errors_that_nobody_foresaw_are_500():
    status, body = error_response(errors.RenderFailed("FFmpeg ended.", log="secret path"))
    assert (status, body.error) == (500, "internal_server_error")
    assert "secret" not in body.detail
