"""Every failure answers in the contract's form, whoever raised it."""

import socket

import httpx
import pytest

from tests.support.waiting import WAIT_S


def check(answer: httpx.Response, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) - {"remedy"} == {"detail", "error"}
    assert body["detail"].endswith(body.get("remedy", ""))
    assert body["error"] == code
    assert "Traceback" not in body["detail"]
    return body["detail"]


@pytest.mark.parametrize("key", ["", "mk_wrong", "x" * 5000])
def test_a_missing_or_wrong_key_is_a_401(studio, key):
    with studio.client(key) as client:
        answer = client.get("/agents")
    check(answer, 401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_is_asked_for_on_every_endpoint_of_the_api(studio):
    with studio.client("") as client:
        paths = client.get("/openapi.json").json()["paths"]
        for path, methods in paths.items():
            for method in methods:
                answer = client.request(method, path.replace("{", "").replace("}", ""), json={})
                assert answer.status_code == 401, f"{method} {path}: {answer.text}"


@pytest.mark.parametrize("path", ["/", "/nope", "/agent", "/agents/", "/studio/v2", "/media/x"])
def test_an_unknown_path_is_a_404(anna, path):
    check(anna.get(path), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/agents"), ("GET", "/agent/create")])
def test_a_wrong_method_is_told_or_unknown(anna, method, path):
    answer = anna.request(method, path)
    assert answer.status_code in (404, 405)
    assert set(answer.json()) - {"remedy"} == {"detail", "error"}


def test_an_unanswered_method_is_a_405_that_names_the_others(anna):
    answer = anna.put("/agents")
    check(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("agent_id", ["nope", "00000000-0000-0000-0000-000000000000", "%2e%2e"])
def test_an_unknown_id_is_a_404(anna, agent_id):
    assert agent_id.startswith("%") or agent_id in check(
        anna.get(f"/agent/{agent_id}"), 404, "not_found"
    )


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b"1", b'"x"', b"\xff", b"null"])
def test_a_body_that_is_no_object_is_a_400(anna, content):
    answer = anna.post(
        "/uploads/get_view_url", content=content, headers={"content-type": "application/json"}
    )
    check(answer, 400, "validation_error")


def test_a_body_of_another_type_is_a_400(anna):
    check(anna.post("/uploads/get_view_url", data={"a": "b"}), 400, "validation_error")


def test_all_faults_of_a_body_are_told_at_once(anna):
    answer = anna.post("/uploads/get_view_url", json={"asset_type": "text", "extra": 1})
    told = check(answer, 400, "validation_error")
    assert all(name in told for name in ("asset_type", "asset_id", "extra"))


def test_a_json_body_over_the_limit_is_a_413(anna):
    answer = anna.post("/agent/create", content=b" " * (17 << 20))
    check(answer, 413, "too_large")


def test_a_body_that_does_not_tell_its_length_is_limited_too(anna):
    answer = anna.post(
        "/agent/create",
        content=(b" " * (1 << 20) for _ in range(17)),
        headers={"content-type": "application/json"},
    )
    check(answer, 413, "too_large")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_is_refused_against_rebinding(anna, host):
    check(anna.get("/whoami", headers={"host": host}), 403, "forbidden")


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "LOCALHOST"])
def test_names_of_this_machine_are_answered(anna, host):
    assert anna.get("/whoami", headers={"host": host}).status_code == 200


def test_bytes_that_are_no_http_do_not_stop_it(studio, anna):
    with socket.create_connection(("127.0.0.1", studio.discovery.port)) as raw:
        raw.sendall(b"\x16\x03\x01nonsense\r\n\r\n")
        raw.settimeout(WAIT_S)
        raw.recv(1000)
    assert anna.get("/whoami").status_code == 200


def test_openapi_shows_the_contracts_models_and_one_form_of_error(anna):
    api = anna.get("/openapi.json").json()
    schemas = api["components"]["schemas"]
    body = schemas["UpdateAgent"]["properties"]
    assert {"name", "description", "visibility", "operations"} == set(body)
    assert "HTTPValidationError" not in schemas
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            assert "4XX" in operation["responses"], f"{method} {path}"


def test_operation_ids_are_unique(anna):
    methods = [o for p in anna.get("/openapi.json").json()["paths"].values() for o in p.values()]
    ids = [operation["operationId"] for operation in methods]
    assert len(ids) == len(set(ids))
