"""Who is let in over HTTP, and what those are told who are not."""

import pytest

from tests.support.http_command import ANNA, TOKENS, http_server
from tests.support.issuer import CLIENT, issuer, new_key

RESOURCE = "https://video.example.org/mcp"
PUBLIC = "https://video.example.org"
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/list",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
MODERN = {
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/list",
}

PAST, FAR = 1_600_000_000, 4_000_000_000
"""Moments that need no clock: both workers of a test run name their tests alike."""


def listing(server, token: str | None = None, **headers: str):
    """A bare `tools/list` of the modern era."""
    with server.http(token, **{**MODERN, **headers}) as http:
        return http.post("/mcp", json=CALL)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    home = tmp_path_factory.mktemp("known")
    with http_server(home, MOSAIC_HTTP_TOKENS=TOKENS, MOSAIC_PUBLIC_URL=PUBLIC) as serving:
        yield serving


@pytest.fixture(scope="module")
def authority():
    with issuer() as serving:
        yield serving


@pytest.fixture(scope="module")
def oauth(tmp_path_factory, authority):
    """A resource server that checks JWTs."""
    with http_server(
        tmp_path_factory.mktemp("oauth"),
        MOSAIC_PUBLIC_URL=PUBLIC,
        MOSAIC_OAUTH_ISSUER=authority.url,
        MOSAIC_OAUTH_SCOPES="video:edit",
    ) as serving:
        yield serving


@pytest.fixture(scope="module")
def asking(tmp_path_factory, authority):
    """A resource server that asks the issuer about each token."""
    with http_server(
        tmp_path_factory.mktemp("asking"),
        MOSAIC_PUBLIC_URL=PUBLIC,
        MOSAIC_OAUTH_ISSUER=authority.url,
        MOSAIC_OAUTH_INTROSPECTION_URL=f"{authority.url}/introspect",
        MOSAIC_OAUTH_CLIENT_ID=CLIENT[0],
        MOSAIC_OAUTH_CLIENT_SECRET=CLIENT[1],
    ) as serving:
        yield serving


def test_a_known_token_is_let_in(known):
    told = listing(known, ANNA)
    assert told.status_code == 200
    assert {"run_agent", "get_run"} <= {tool["name"] for tool in told.json()["result"]["tools"]}


def test_a_request_without_a_token_is_told_that_one_is_needed(known):
    """RFC 6750 3.1: no error code for a request that sent nothing."""
    told = listing(known)
    assert (told.status_code, told.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("token", [ANNA[:-1], ANNA + "x", ANNA.upper(), "anna", "ключ".encode()])
def test_a_wrong_token_is_a_401_with_its_error(known, token):
    shown = token if isinstance(token, bytes) else token.encode()
    with known.http() as http:
        told = http.post(
            "/mcp", json=CALL, headers={b"authorization": b"Bearer " + shown, **MODERN}
        )
    assert told.status_code == 401
    assert told.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert "resource_metadata" not in told.headers["www-authenticate"]


def test_a_server_with_known_tokens_sends_nobody_to_log_in(known):
    with known.http() as http:
        assert http.get("/.well-known/oauth-protected-resource/mcp").status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "video.example.org.evil.example", "127.0.0.2"])
def test_a_name_that_is_not_ours_is_refused_against_dns_rebinding(known, host):
    assert listing(known, ANNA, host=host).status_code == 421
    with known.http(ANNA, host=host) as http:
        assert http.post("/uploads/video/get_upload_url").status_code == 421


@pytest.mark.parametrize("host", ["video.example.org", "video.example.org:443", "localhost:1"])
def test_our_public_name_and_loopback_are_answered(known, host):
    assert listing(known, ANNA, host=host).status_code == 200


def test_a_page_of_another_origin_is_refused(known):
    assert listing(known, ANNA, origin="https://evil.example").status_code == 403
    assert listing(known, ANNA, origin=PUBLIC).status_code == 200


def test_an_oversized_body_is_refused_whether_or_not_it_says_its_size(known):
    with known.http(ANNA, **MODERN, **{"content-type": "application/json"}) as http:
        assert http.post("/mcp", content=b" " * (2**20 + 1)).status_code == 413
        assert http.post("/mcp", content=iter([b" " * 2**19] * 3)).status_code == 413


def test_the_resource_server_tells_where_to_get_tokens(oauth, authority):
    with oauth.http() as http:
        facts = http.get("/.well-known/oauth-protected-resource/mcp").json()
    assert facts["resource"] == RESOURCE
    assert facts["authorization_servers"] == [authority.url]
    assert facts["scopes_supported"] == ["video:edit"]
    told = listing(oauth)
    metadata = f"{PUBLIC}/.well-known/oauth-protected-resource/mcp"
    assert told.status_code == 401
    assert told.headers["www-authenticate"] == (
        f'Bearer resource_metadata="{metadata}", scope="video:edit"'
    )


@pytest.mark.parametrize("scope", [{"scope": "a video:edit"}, {"scp": ["video:edit"]}])
def test_a_token_that_the_issuer_signed_for_us_is_let_in(oauth, authority, scope):
    assert listing(oauth, authority.token("anna", RESOURCE, **scope)).status_code == 200
    both = authority.token("anna", ["https://other.example", RESOURCE], **scope)
    assert listing(oauth, both).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example/mcp"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"exp": PAST},
        {"exp": None},
        {"nbf": FAR},
        {"sub": None},
        {"sub": "local"},
        {"sub": "two words"},
        {"cnf": {"jkt": "x"}},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(oauth, authority, claims):
    token = authority.token("anna", RESOURCE, scope="video:edit", **claims)
    told = listing(oauth, token)
    assert told.status_code == 401
    assert 'error="invalid_token"' in told.headers["www-authenticate"]


def test_a_token_of_another_key_or_of_none_is_refused(oauth, authority):
    import jwt

    claims = authority.claims("anna", RESOURCE, scope="video:edit")
    head = {"kid": "k1"}
    public = authority.answer("/keys")["keys"][0]["n"]
    for token in (
        jwt.encode(claims, new_key(), "RS256", headers=head),
        jwt.encode(claims, public, "HS256", headers=head),
        jwt.encode(claims, None, "none", headers=head),
        authority.token("anna", RESOURCE, scope="video:edit")[:-4] + "AAAA",
        "a.b.c",
    ):
        assert listing(oauth, token).status_code == 401


def test_a_token_without_the_scope_is_a_403_that_names_it(oauth, authority):
    told = listing(oauth, authority.token("anna", RESOURCE, scope="video:watch"))
    assert told.status_code == 403
    challenge = told.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="video:edit"' in challenge
    assert "resource_metadata" in challenge


async def test_the_clients_of_an_issuer_act_for_its_subjects(oauth, authority):
    token = authority.token("auth0|anna", RESOURCE, scope="video:edit")
    async with oauth.client(token) as client:
        result = await client.call_tool("build_agent", {"name": "Hers", "tiles": ["Captions"]})
        assert not result.is_error
    other = authority.token("auth0|ben", RESOURCE, scope="video:edit")
    async with oauth.client(other) as client:
        result = await client.call_tool("find_agents", {"agent": "Hers"})
        assert result.structured_content["error"]["code"] == "not_found"


def test_a_token_that_the_issuer_calls_active_is_let_in_until_it_is_withdrawn(asking, authority):
    authority.active["opaque"] = authority.claims("anna", RESOURCE)
    assert listing(asking, "opaque").status_code == 200
    del authority.active["opaque"]
    assert listing(asking, "opaque").status_code == 401
    assert authority.asked[-2:] == ["opaque", "opaque"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example/mcp"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"exp": PAST},
        {"sub": None},
    ],
    ids=str,
)
def test_an_active_token_that_is_not_for_us_is_refused(asking, authority, claims):
    authority.active["opaque"] = authority.claims("anna", RESOURCE, **claims)
    assert listing(asking, "opaque").status_code == 401


def test_an_issuer_that_does_not_answer_is_no_reason_to_log_in_again(asking, authority):
    authority.silent = True
    try:
        told = listing(asking, "opaque")
    finally:
        authority.silent = False
    assert told.status_code == 503
    assert "www-authenticate" not in told.headers
    assert told.headers["retry-after"] == "10"
    assert "authorization server" in told.json()["detail"]
