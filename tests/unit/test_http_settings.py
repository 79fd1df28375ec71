"""What `serve --http` refuses before it listens, and what its settings mean for each subject."""

import hashlib
from pathlib import Path

import pytest

from mosaic_mcp.errors import InvalidRequest, Unauthorized
from mosaic_mcp.server.access import check_access
from mosaic_mcp.settings import HttpSettings, Settings

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
HERE = "http://127.0.0.1:8765"
PUBLIC = "https://video.example.org"


def access(tmp_path: Path, host: str = "127.0.0.1", api_key: str | None = None, **env: str):
    http = HttpSettings.from_env({f"MOSAIC_{name}": value for name, value in env.items()})
    home = tmp_path / "home"
    return check_access(Settings(home=home, api_key=api_key), http, host, HERE)


def faults(tmp_path: Path, host: str = "127.0.0.1", api_key: str | None = None, **env: str):
    with pytest.raises(InvalidRequest) as caught:
        access(tmp_path, host, api_key, **env)
    told = str(caught.value)
    assert TOKEN not in told
    return told


def test_without_tokens_it_serves_this_machine_alone(tmp_path):
    checked = access(tmp_path)
    assert (checked.verifier, checked.auth, checked.public_url) == (None, None, HERE)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "video.example.org"])
def test_it_does_not_listen_to_others_without_authentication(tmp_path, host):
    told = faults(tmp_path, host, PUBLIC_URL=PUBLIC)
    assert "nobody would have to show who they are" in told
    assert "MOSAIC_HTTP_TOKENS" in told


def test_a_public_address_needs_authentication_too_as_a_proxy_comes_from_loopback(tmp_path):
    assert "nobody would have to show" in faults(tmp_path, PUBLIC_URL=PUBLIC)


def test_it_does_not_listen_to_others_without_the_address_that_they_use(tmp_path):
    told = faults(tmp_path, "0.0.0.0", HTTP_TOKENS=f"{TOKEN}=anna")
    assert "MOSAIC_PUBLIC_URL" in told


@pytest.mark.parametrize(
    "url",
    [
        "http://video.example.org",
        "video.example.org",
        "https://",
        "https://a.org?x=1",
        "https://u@a",
    ],
)
def test_the_public_address_is_https(tmp_path, url):
    assert "MOSAIC_PUBLIC_URL" in faults(tmp_path, HTTP_TOKENS=f"{TOKEN}=anna", PUBLIC_URL=url)


async def test_a_token_may_be_given_as_its_hash_and_may_end_with_equals_signs(tmp_path):
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    checked = access(tmp_path, HTTP_TOKENS=f"sha256:{digest}=anna, {OTHER}==ben")
    assert checked.verifier is not None
    anna = await checked.verifier.verify_token(TOKEN)
    ben = await checked.verifier.verify_token(f"{OTHER}=")
    assert (anna and anna.subject, ben and ben.subject) == ("anna", "ben")
    assert await checked.verifier.verify_token(f"sha256:{digest}") is None
    assert await checked.verifier.verify_token(digest) is None


async def test_tokens_can_stand_in_a_file(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"# the team\n\n{TOKEN}=anna\n {OTHER} = ben \n")
    checked = access(tmp_path, HTTP_TOKENS_FILE=str(file))
    assert checked.verifier is not None
    found = await checked.verifier.verify_token(OTHER)
    assert found is not None
    assert found.subject == "ben"


def test_a_token_is_kept_as_its_hash_alone(tmp_path):
    checked = access(tmp_path, HTTP_TOKENS=f"{TOKEN}=anna")
    assert TOKEN not in repr(vars(checked.verifier))


def test_an_empty_or_missing_file_of_tokens_does_not_open_the_server(tmp_path):
    assert "cannot be read" in faults(tmp_path, HTTP_TOKENS_FILE=str(tmp_path / "none"))
    empty = tmp_path / "empty"
    empty.write_text("# nobody yet\n")
    told = faults(tmp_path, "0.0.0.0", HTTP_TOKENS_FILE=str(empty), PUBLIC_URL=PUBLIC)
    assert "holds no token" in told
    assert "nobody would have to show" in told


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ("short=anna", "no long random text"),
        (f"{TOKEN} x=anna", "no long random text"),
        (TOKEN, "no usable subject"),
        (f"{TOKEN}=", "no usable subject"),
        (f"{TOKEN}=local", '"local" is taken'),
        (f"{TOKEN}=two words", "no usable subject"),
        (f"{TOKEN}=ärger", "no usable subject"),
        (f"{TOKEN}=anna,{TOKEN}=ben", "stood before"),
        (f"anna={TOKEN}", "no long random text"),
    ],
)
def test_unusable_tokens_are_refused_without_being_shown(tmp_path, pairs, told):
    assert told in faults(tmp_path, HTTP_TOKENS=pairs)


def test_all_faults_are_told_at_once(tmp_path):
    told = faults(
        tmp_path,
        "0.0.0.0",
        HTTP_TOKENS="short=anna",
        HTTP_FOLDERS="anna=relative",
        OAUTH_JWKS_URL="https://a.org/keys",
    )
    for place in ("HTTP_TOKENS", "HTTP_FOLDERS", "PUBLIC_URL", "OAUTH_ISSUER"):
        assert f"MOSAIC_{place}" in told


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"OAUTH_ISSUER": "http://auth.example.org"}, "not an https address"),
        ({"OAUTH_ISSUER": "https://a.org", "HTTP_TOKENS": f"{TOKEN}=anna"}, "not both"),
        ({"OAUTH_ISSUER": "https://a.org", "OAUTH_INTROSPECTION_URL": "https://a.org/i"}, "CLIENT"),
        ({"OAUTH_SCOPES": "video"}, "MOSAIC_OAUTH_ISSUER"),
    ],
)
def test_a_half_set_issuer_is_refused(tmp_path, env, told):
    assert told in faults(tmp_path, **env)


def test_tokens_of_an_issuer_must_be_made_for_this_server(tmp_path):
    checked = access(tmp_path, OAUTH_ISSUER="https://auth.example.org", PUBLIC_URL=PUBLIC)
    assert checked.auth is not None
    assert checked.auth.validate_token_resource
    assert str(checked.auth.resource_server_url) == f"{PUBLIC}/mcp"


def test_a_subject_has_no_folder_unless_one_is_given(tmp_path):
    (tmp_path / "anna").mkdir()
    checked = access(
        tmp_path,
        HTTP_TOKENS=f"{TOKEN}=anna,{OTHER}=ben",
        HTTP_FOLDERS=f"anna={tmp_path / 'anna'}",
    )
    assert checked.settings_of("anna").allowed_dirs == ((tmp_path / "anna").resolve(),)
    assert checked.settings_of("ben").allowed_dirs == ()


def test_a_folder_that_holds_the_data_folder_is_refused(tmp_path):
    (tmp_path / "home").mkdir()
    for folder in (tmp_path, tmp_path / "home"):
        told = faults(tmp_path, HTTP_TOKENS=f"{TOKEN}=anna", HTTP_FOLDERS=f"anna={folder}")
        assert "data of everybody" in told


def test_each_subject_has_a_ledger_of_its_own(tmp_path):
    checked = access(tmp_path, HTTP_TOKENS=f"{TOKEN}=anna,{OTHER}=../ben")
    ledgers = {checked.settings_of(subject).ledger for subject in ("anna", "../ben")}
    ledgers.add(Settings(home=tmp_path / "home").ledger)
    assert len(ledgers) == 3
    assert all(path.resolve().is_relative_to(tmp_path / "home") for path in ledgers)


def test_one_key_does_not_serve_several_subjects(tmp_path):
    """Runs of one workspace cannot be told apart, so sharing it is refused instead of pretended."""
    several = f"{TOKEN}=anna,{OTHER}=ben"
    assert "every subject would see" in faults(tmp_path, api_key="mk_1", HTTP_TOKENS=several)
    told = faults(tmp_path, api_key="mk_1", OAUTH_ISSUER="https://a.org")
    assert "MOSAIC_HTTP_KEYS" in told
    same = "anna=mk_1,ben=mk_1"
    assert "twice" in faults(tmp_path, HTTP_TOKENS=several, HTTP_KEYS=same)


def test_one_key_serves_one_subject_with_several_tokens(tmp_path):
    checked = access(tmp_path, api_key="mk_1", HTTP_TOKENS=f"{TOKEN}=anna,{OTHER}=anna")
    assert checked.settings_of("anna").api_key == "mk_1"


def test_each_subject_may_have_a_key_and_without_one_is_refused(tmp_path):
    checked = access(tmp_path, HTTP_TOKENS=f"{TOKEN}=anna,{OTHER}=ben", HTTP_KEYS="anna=mk_1")
    assert checked.settings_of("anna").api_key == "mk_1"
    with pytest.raises(Unauthorized, match="no Mosaic API key for you"):
        checked.settings_of("ben")


def test_secrets_do_not_show_in_the_settings(tmp_path):
    http = HttpSettings.from_env(
        {
            "MOSAIC_HTTP_TOKENS": f"{TOKEN}=anna",
            "MOSAIC_HTTP_KEYS": "anna=mk_secret",
            "MOSAIC_OAUTH_CLIENT_SECRET": "hush",
        }
    )
    for secret in (TOKEN, "mk_secret", "hush"):
        assert secret not in repr(http)
    env = {"MOSAIC_API_KEY": "mk_secret", "MOSAIC_STUDIO_KEYS": f"{TOKEN}=anna"}
    assert not any(secret in repr(Settings.from_env(env)) for secret in ("mk_secret", TOKEN))
    assert "mk_1" not in repr(access(tmp_path, HTTP_TOKENS=f"{TOKEN}=a", HTTP_KEYS="a=mk_1"))
